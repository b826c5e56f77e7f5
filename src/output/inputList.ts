/** The pictures that a run is made of as `.sage/inputs.tsv` keeps them: a first line of its own, then file, size and label, one per line. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { FAILURES, INPUTS } from './layout.js'
import { tableRows } from './read.js'
import type { RunRecord } from './record.js'
import { failureRow } from './rows.js'

/** What the run that is asked for is made of. */
export interface Asking {
  /** The list as this run would write it. */
  readonly list: string
  /** The size and label of any picture among the inputs, as a list has them. */
  entryOf(file: string): Promise<string | undefined>
}

/** A line of the list. */
export function listLine(file: string, entry: string): string {
  return `${JSON.stringify(file)}\t${entry}`
}

/** The list with its lines in order. */
export function listText(first: string, lines: string[]): string {
  return `${[first, ...lines.sort()].join('\n')}\n`
}

/** The pictures of a list and what it says of each, by its quoted name. */
function picturesIn(list: string): Map<string, string> {
  const lines = list.split('\n').filter((line) => line.startsWith('"'))
  return new Map(lines.map((line) => line.split('\t') as [string, string]))
}

interface Change {
  readonly file: string
  readonly was: string | undefined
  readonly is: string | undefined
}

/**
 * What is no more as an earlier list has it. A picture is new only where that list had all `sources`: another plan takes others
 * of the same pictures.
 */
async function changes(before: string, { list, entryOf }: Asking, sources: number | undefined): Promise<Change[]> {
  const [old, current] = [picturesIn(before), picturesIn(list)]
  const known: Change[] = []
  for (const [file, was] of old) {
    known.push({ file, was, is: current.get(file) ?? (await entryOf(JSON.parse(file) as string)) })
  }
  const added = old.size === sources ? [...current].filter(([file]) => !old.has(file)) : []
  return [...known.filter(({ was, is }) => was !== is), ...added.map(([file, is]) => ({ file, was: undefined, is }))]
}

/** The first few inputs that are not as they were, one per line. */
export async function describeChanges(before: string, now: Asking, { inputs }: RunRecord): Promise<string[]> {
  const changed = await changes(before, now, inputs.sources)
  const told = (entry: string | undefined) => entry ?? 'not there'
  const lines = changed.slice(0, 5).map(({ file, was, is }) => `${file}: was ${told(was)}, is ${told(is)}`)
  return changed.length > 5 ? [...lines, `... and ${changed.length - 5} more`] : lines
}

/** Whether what an earlier list has is still the same, whatever else the run now takes. */
export async function isSameSoFar(before: string, now: Asking): Promise<boolean> {
  return (await changes(before, now, undefined)).length === 0
}

/** The list of a run, where it is the one that its record names; null for another, or none. */
export async function listOf(folder: string, { used }: RunRecord): Promise<string | null> {
  const text = await readFile(path.join(folder, INPUTS), 'utf8').catch(() => '')
  return createHash('sha256').update(text).digest('hex') === used?.sha256 ? text : null
}

/** The lists of the shards of one run in one, with those of `problems` in which they contradict each other. */
export function joinLists(lists: readonly { readonly folder: string; readonly list: string }[], problems: string[]) {
  const pictures = new Map<string, { readonly entry: string; readonly folder: string }>()
  for (const { folder, list } of lists) {
    for (const [file, entry] of picturesIn(list)) {
      const before = pictures.get(file) ?? { entry, folder }
      pictures.set(file, before)
      if (before.entry === entry) continue
      problems.push(`${folder}: ${file} was ${entry}, in ${before.folder} ${before.entry}`)
    }
  }
  const first = lists[0]?.list.slice(0, lists[0].list.indexOf('\n')) ?? '{}'
  const list = listText(
    first,
    Array.from(pictures, ([file, { entry }]) => `${file}\t${entry}`),
  )
  return { list, used: { pictures: pictures.size, sha256: createHash('sha256').update(list).digest('hex') } }
}

const firstLine = z.looseObject({ classes: z.array(z.string()) })

/** The files of the pictures in a list, sorted. */
export function filesIn(list: string): string[] {
  return Array.from(picturesIn(list).keys(), (file) => JSON.parse(file) as string).sort()
}

/** The classes of a run as its list of inputs has them; null where the list is not the one that its record names. */
export async function listedClasses(folder: string, record: RunRecord): Promise<string[] | null> {
  const list = await listOf(folder, record)
  if (list === null) return null
  return firstLine.parse(JSON.parse(list.slice(0, list.indexOf('\n')))).classes
}

/** Whether a run differs from a list in nothing but the sizes of pictures that outputs of the run in `folder` failed for. */
export async function onlyMended(folder: string, before: string, now: Asking): Promise<boolean> {
  const failures = path.join(folder, FAILURES)
  const mended = new Set<string>()
  if (existsSync(failures)) {
    for await (const { row } of tableRows(failures, failureRow, { unfinished: true })) {
      for (const file of row.sources) mended.add(JSON.stringify(file))
    }
  }
  const label = (entry: string | undefined) => entry?.replace(/^\w+ bytes/, '')
  const changed = await changes(before, now, undefined)
  return changed.every(({ file, was, is }) => mended.has(file) && label(was) === label(is))
}
