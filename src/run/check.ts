/** Checks what a finished run has left: its tables against each other, its pictures against its tables. */
import { createHash } from 'node:crypto'
import { existsSync, lstatSync } from 'node:fs'
import { lstat } from 'node:fs/promises'
import path from 'node:path'
import { npyBytes } from '../codec/npy.js'
import { AugmentError } from '../core/errors.js'
import { reasonOf } from '../core/systemError.js'
import { AtOnce } from '../files/atOnce.js'
import { readWhole } from '../files/readWhole.js'
import { FAILURES, LABELS, maskOf, PROVENANCE, RUN_RECORD } from '../output/layout.js'
import { type Output, readOutputs } from '../output/outputs.js'
import { tableRows } from '../output/read.js'
import type { RunRecord } from '../output/record.js'
import { failureRow, type ProvenanceRow } from '../output/rows.js'
import { shardFormOf } from '../output/shardForms.js'
import { picturesOf } from '../output/shelf.js'
import { cores } from '../threads/cores.js'
import { orderedMap } from '../threads/orderedMap.js'

export interface RunCheck {
  /** What is wrong with the file of a picture that has the recorded hash, if anything is. */
  readonly look?: (bytes: Buffer, row: ProvenanceRow) => Promise<string | undefined>
  /** Whether the picture of an output is looked at; else its row alone. Every one without it. */
  readonly isOurs?: (index: number) => boolean
  /** Hears every row that could be read. */
  readonly visit?: (row: ProvenanceRow) => void
  /** The outputs that the run had to make, where its record is not to be believed. */
  readonly range?: { readonly start: number; readonly end: number }
}

export interface Checked {
  /** Rows read. */
  readonly rows: number
  /** Names of the pictures that have a row. */
  readonly files: ReadonlySet<string>
  /** One line per problem: place, found, expected. */
  readonly problems: readonly string[]
}

/**
 * Checks the folder of a finished run: the tables agree row by row, labels are distributions, every picture is there and has
 * the recorded hash, every output has a row or a failure, and the record counts them right. Throws nothing for damage.
 */
export async function checkRun(
  folder: string,
  record: RunRecord,
  classes: readonly string[],
  { look, isOurs = () => true, visit, range = record.outputs }: RunCheck = {},
): Promise<Checked> {
  const problems: string[] = []
  const files = new Set<string>()
  const outside = (index: number) => range !== undefined && (index < range.start || index >= range.end)
  let rows = 0
  const outputs = readOutputs(folder, classes, problems, record.options.multiLabel === true)
  const checkPicture = pictureCheck(folder, record.options, look)
  const checkOurs = async (row: ProvenanceRow) => (isOurs(row.index) ? checkPicture.check(row) : [])
  for await (const { row, lines, problems: found } of withPictures(outputs, checkOurs)) {
    rows++
    problems.push(...found)
    if (row === null) continue
    const { index, file_name: file } = row.made
    if (files.has(file)) problems.push(`${LABELS}:${lines[0].number}: ${file} has two rows`)
    files.add(file)
    if (outside(index)) problems.push(`${PROVENANCE}:${rows}: found output ${index}, which is not part of this run`)
    visit?.(row.made)
  }
  await checkPicture.close()
  const skipped = await countFailures(folder, problems, outside)
  const { counts } = record
  if (counts === undefined || counts.written !== rows)
    problems.push(`${RUN_RECORD}: found ${counts?.written} written, expected ${rows}, the number of rows`)
  if (counts !== undefined && counts.skipped !== skipped)
    problems.push(`${RUN_RECORD}: found ${counts.skipped} skipped, expected ${skipped}, the number of failures`)
  if (counts !== undefined && counts.written + counts.skipped !== counts.planned)
    problems.push(`${RUN_RECORD}: found ${counts.planned} planned, expected the sum of written and skipped`)
  return { rows, files, problems }
}

async function countFailures(folder: string, problems: string[], outside: (index: number) => boolean): Promise<number> {
  const file = path.join(folder, FAILURES)
  let count = 0
  try {
    if (!existsSync(file)) return 0
    for await (const { row } of tableRows(file, failureRow)) {
      count++
      if (outside(row.index))
        problems.push(`${FAILURES}:${count}: found output ${row.index}, which is not part of this run`)
    }
  } catch (error) {
    if (!(error instanceof AugmentError)) throw error
    problems.push(path.relative(folder, error.message))
  }
  return count
}

/** The outputs in order, each with what is wrong with its picture; a few pictures at a time. */
async function* withPictures(
  outputs: AsyncGenerator<Output>,
  check: (row: ProvenanceRow) => Promise<string[]>,
): AsyncGenerator<Output> {
  let exhausted = false
  const one = async () => {
    const { value: output, done } = await outputs.next()
    if (done) exhausted = true
    if (done) return null
    const problems = output.row === null ? [] : await check(output.row.made)
    return { ...output, problems: [...output.problems, ...problems] }
  }
  const width = 2 * cores()
  for await (const output of orderedMap(0, Number.POSITIVE_INFINITY, () => (exhausted ? 0 : width), one)) {
    if (output === null) return
    yield output
  }
}

const looking = new AtOnce()

/** Checks the picture of a row, and its mask where there must be one. Neither may be a link, or lie behind one. */
interface PictureCheck {
  /** What is wrong, one line each. */
  check(row: ProvenanceRow): Promise<string[]>
  close(): Promise<void>
}

export function pictureCheck(
  folder: string,
  { writeMasks, layout }: RunRecord['options'],
  look?: RunCheck['look'],
): PictureCheck {
  const form = shardFormOf(layout)
  const shards = form && picturesOf({ folder, form })
  const linked = new Map<string, boolean>()
  async function isLinked(file: string): Promise<boolean> {
    const home = path.posix.dirname(file)
    if (!linked.has(home)) {
      const stats = await lstat(path.join(folder, home)).catch(() => null)
      linked.set(home, stats?.isSymbolicLink() === true)
    }
    return linked.get(home)!
  }
  /** The size of a file; a string says why it is none. */
  async function sizeOf(file: string, expected: string): Promise<number | string> {
    try {
      const place = path.join(folder, file)
      const stats = looking.run(() => lstatSync(place)) ?? (await lstat(place))
      if (stats.isSymbolicLink() || (await isLinked(file))) return `${file}: found a link, expected ${expected}`
      return stats.isFile() ? stats.size : `${file}: found a folder, expected ${expected}`
    } catch (error) {
      const found = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'not there' : reasonOf(error)
      return `${file}: ${found}, expected ${expected}`
    }
  }
  /** The bytes of a row's picture; a string says why there are none. */
  async function pictureOf({ file_name: file }: ProvenanceRow): Promise<Buffer | string> {
    if (shards !== null) return (await shards.get(file)) ?? `${file}: not in ${form!.folder}, expected a picture`
    const size = await sizeOf(file, 'a picture')
    if (typeof size === 'string') return size
    return readWhole(path.join(folder, file)).then(
      ({ bytes }) => bytes,
      (error) => `${file}: ${reasonOf(error)}, expected a picture`,
    )
  }
  async function check(row: ProvenanceRow): Promise<string[]> {
    const problems: (string | undefined)[] = []
    const picture = await pictureOf(row)
    problems.push(typeof picture === 'string' ? picture : await checkPicture(picture, row, look))
    if (writeMasks && row.method !== 'original') {
      const mask = maskOf(row.file_name)
      const size = await sizeOf(mask, 'a mask')
      const [width, height] = row.canvas
      const expected = npyBytes({ width, height })
      if (typeof size === 'string') problems.push(size)
      else if (size !== expected) problems.push(`${mask}: found ${size} bytes, expected ${expected}`)
    }
    return problems.filter((problem) => problem !== undefined)
  }
  return { check, close: async () => shards?.close() }
}

async function checkPicture(bytes: Buffer, row: ProvenanceRow, look: RunCheck['look']): Promise<string | undefined> {
  const { file_name: file, sha256 } = row
  try {
    const hash = createHash('sha256').update(bytes).digest('hex')
    return hash === sha256 ? await look?.(bytes, row) : `${file}: found SHA-256 ${hash}, expected ${sha256}`
  } catch (error) {
    if (error instanceof AugmentError) return error.message
    throw error
  }
}
