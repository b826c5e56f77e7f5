/** The inputs of a run as `.sage/inputs.tsv` keeps them: a first line of its own, then file, size and label, one per line. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { FAILURES, INPUTS } from './layout.js'
import { tableRows } from './read.js'
import type { RunRecord } from './record.js'
import { failureRow } from './rows.js'

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

/** The first few inputs that are not as they were, one per line. */
export function describeChanges(before: string, now: string): string[] {
  const changed = changes(before, now).filter(({ file }) => file.startsWith('"'))
  const told = (entry: string | undefined) => entry ?? 'not there'
  const lines = changed.slice(0, 5).map(({ file, was, is }) => `${file}: was ${told(was)}, is ${told(is)}`)
  return changed.length > 5 ? [...lines, `... and ${changed.length - 5} more`] : lines
}

const firstLine = z.looseObject({ classes: z.array(z.string()) })

/** The classes of a run as its list of inputs has them; null where the list is not the one that its record names. */
export async function listedClasses(folder: string, { inputs }: RunRecord): Promise<string[] | null> {
  const text = await readFile(path.join(folder, INPUTS), 'utf8').catch(() => '')
  if (createHash('sha256').update(text).digest('hex') !== inputs.sha256) return null
  return firstLine.parse(JSON.parse(text.slice(0, text.indexOf('\n')))).classes
}

/** Whether two lists differ in nothing but the sizes of pictures that outputs of the run in `folder` failed for. */
export async function onlyMended(folder: string, before: string, now: string): Promise<boolean> {
  const failures = path.join(folder, FAILURES)
  const mended = new Set<string>()
  if (existsSync(failures)) {
    for await (const { row } of tableRows(failures, failureRow, { unfinished: true })) {
      for (const file of row.sources) mended.add(JSON.stringify(file))
    }
  }
  const label = (entry: string | undefined) => entry?.replace(/^\w+ bytes/, '')
  return changes(before, now).every(({ file, was, is }) => mended.has(file) && label(was) === label(is))
}
