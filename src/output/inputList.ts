/** The inputs of a run as `.sage/inputs.tsv` keeps them: a first line of its own, then file, size and label, a line each. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Failure } from './tables.js'

interface Change {
  readonly file: string
  readonly was: string | undefined
  readonly is: string | undefined
}

/** The lines in which two lists differ, by file. */
function changes(before: string, now: string): Change[] {
  const parse = (text: string) =>
    new Map(text.split('\n').map((line) => line.split('\t') as [string, string | undefined]))
  const [old, current] = [parse(before), parse(now)]
  return [...new Set([...old.keys(), ...current.keys()])]
    .filter((file) => old.has(file) !== current.has(file) || old.get(file) !== current.get(file))
    .map((file) => ({ file, was: old.get(file), is: current.get(file) }))
}

/** The first few inputs that are not as they were, a line each. */
export function describeChanges(before: string, now: string): string[] {
  const changed = changes(before, now).filter(({ file }) => file.startsWith('"'))
  const told = (entry: string | undefined) => entry ?? 'not there'
  const lines = changed.slice(0, 5).map(({ file, was, is }) => `${file}: was ${told(was)}, is ${told(is)}`)
  return changed.length > 5 ? [...lines, `... and ${changed.length - 5} more`] : lines
}

/** Whether two lists differ in nothing but the sizes of pictures that outputs of the run in `folder` failed for. */
export async function onlyMended(folder: string, before: string, now: string): Promise<boolean> {
  const text = await readFile(path.join(folder, 'failures.jsonl'), 'utf8').catch(() => '')
  const failures = text.split('\n').slice(0, -1)
  const mended = new Set(
    failures.flatMap((line) => (JSON.parse(line) as Failure).sources.map((file) => JSON.stringify(file))),
  )
  const label = (entry: string | undefined) => entry?.replace(/^\w+ bytes/, '')
  return changes(before, now).every(({ file, was, is }) => mended.has(file) && label(was) === label(is))
}
