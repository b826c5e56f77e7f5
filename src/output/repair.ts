/** Keeps the undamaged rows of a damaged run, so that its command makes the rest. */
import { existsSync } from 'node:fs'
import { open, rename, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { makeFolder, writeAtomic } from './atomic.js'
import { classesText, readClasses } from './classes.js'
import { listedClasses } from './inputList.js'
import {
  CLASSES,
  FAILURES,
  LABELS,
  LOCK,
  METADATA,
  PROVENANCE,
  REPORTS,
  RUN_RECORD,
  refuseLinks,
  SCRATCH,
} from './layout.js'
import { type Line, readLines } from './lines.js'
import { takeLock } from './lock.js'
import { differingEntry } from './outputs.js'
import { type RunRecord, readRecord, recordText } from './record.js'
import { openWriter } from './reusable.js'
import {
  failureRow,
  jsonLine,
  labelsHeader,
  labelsLine,
  metadataLine,
  metadataRow,
  type ProvenanceRow,
  parseRow,
  provenanceRow,
  type Row,
} from './rows.js'
import { shardOf } from './shardForm.js'
import { shardFormOf } from './shardForms.js'
import { setAside } from './shelf.js'

export interface Repaired {
  /** Rows that stay where they are. */
  readonly whole: number
  /** Rows behind the first damage that the run takes back when it comes to them. */
  readonly kept: number
}

/**
 * Cuts the tables of a run back to the last row before the first damage; whole rows after it are set aside for reuse. `intact` says
 * whether the picture of a row is as it was. labels.csv and classes.txt are made anew from what they follow from. Throws a
 * conflict error where there is no record to go by.
 */
export async function repairRun(
  folder: string,
  intact: (row: ProvenanceRow, record: RunRecord) => Promise<boolean>,
  notice: (text: string) => void,
): Promise<Repaired> {
  await refuseLinks(folder)
  const record = await readRecord(folder)
  if (record === null) {
    throw new AugmentError('conflict', `${path.join(folder, RUN_RECORD)}: not there, expected the record of a run`, {
      hint: 'without it nothing can be kept: start over with --overwrite',
    })
  }
  const lock = await takeLock(path.join(folder, LOCK), notice)
  try {
    const scratch = path.join(folder, SCRATCH)
    await makeFolder(scratch)
    const { counts: _, timings: __, ...rest } = record
    await writeAtomic(path.join(folder, RUN_RECORD), recordText({ ...rest, complete: false }), scratch)
    const classes = (await listedClasses(folder, record)) ?? (await readClasses(folder))
    await writeAtomic(path.join(folder, CLASSES), classesText(classes), scratch)
    for (const name of REPORTS) await rm(path.join(folder, name), { force: true })
    const repaired = await takeBack(folder, record, classes, (row) => intact(row, record))
    const form = shardFormOf(record.options.layout)
    if (form !== null) await setAside({ folder, form }, shardOf(repaired.next, record.outputs?.start ?? 0))
    await rm(scratch, { recursive: true, force: true })
    return repaired
  } finally {
    await lock.release()
  }
}

async function takeBack(
  folder: string,
  record: RunRecord,
  classes: readonly string[],
  intact: (row: ProvenanceRow) => Promise<boolean>,
): Promise<Repaired & { readonly next: number }> {
  const failures = await wholeFailures(folder)
  const { start = 0 } = record.outputs ?? {}
  const labels = await open(path.join(folder, SCRATCH, LABELS), 'w')
  const writer = await openWriter(folder)
  const sizes = { [METADATA]: 0, [PROVENANCE]: 0 }
  let [whole, kept, next, end] = [0, 0, start, start]
  let damaged = false
  await labels.appendFile(labelsHeader(classes))
  for await (const [metadata, provenance] of sideBySide(folder)) {
    const row = wholeRow(metadata, provenance, classes)
    if (row === null || row.made.index < next || !(await intact(row.made))) {
      damaged = true
      continue
    }
    const [told, made] = [metadataLine(row, classes), jsonLine(row.made)]
    // A row may say the right thing in other bytes, as with line ends of Windows.
    const asWritten = told === `${metadata.bytes}\n` && made === `${provenance.bytes}\n`
    damaged ||= !asWritten || !failures.cover(next, row.made.index)
    next = row.made.index + 1
    if (damaged) {
      await writer.add(told, made)
      kept++
      continue
    }
    await labels.appendFile(labelsLine(row))
    sizes[METADATA] += Buffer.byteLength(told)
    sizes[PROVENANCE] += Buffer.byteLength(made)
    whole++
    end = next
  }
  await labels.sync()
  await labels.close()
  await writer.close()
  // provenance.jsonl says how far the run has got: all else is cut back to it when the run goes on.
  for (const table of [PROVENANCE, METADATA] as const) {
    const file = path.join(folder, table)
    if (existsSync(file)) await truncate(file, sizes[table])
  }
  await rename(path.join(folder, SCRATCH, LABELS), path.join(folder, LABELS))
  if (existsSync(path.join(folder, FAILURES))) await truncate(path.join(folder, FAILURES), failures.bytes)
  return { whole, kept, next: end }
}

/** The rows of metadata.jsonl and provenance.jsonl, until one of them ends. */
async function* sideBySide(folder: string): AsyncGenerator<[metadata: Line, provenance: Line]> {
  const files = [METADATA, PROVENANCE].map((table) => path.join(folder, table))
  if (!files.every((file) => existsSync(file))) return
  const metadata = readLines(files[0]!)
  for await (const provenance of readLines(files[1]!)) {
    const { value: line } = await metadata.next()
    if (line === undefined) return
    yield [line, provenance]
  }
}

/** The row of two lines; null unless both are whole and say the same. */
function wholeRow(metadata: Line, provenance: Line, classes: readonly string[]): Row | null {
  if (!metadata.whole || !provenance.whole) return null
  try {
    const told = parseRow(metadataRow, metadata.bytes)
    const made = parseRow<ProvenanceRow>(provenanceRow, provenance.bytes)
    const label = Float64Array.from(told.soft_label)
    return label.length === classes.length && differingEntry(told, made, label, classes) === null
      ? { label, made }
      : null
  } catch {
    return null
  }
}

/** The failures up to the first damaged line: their bytes, and whether all outputs from one to before another are among them. */
async function wholeFailures(folder: string) {
  const file = path.join(folder, FAILURES)
  const failed = new Set<number>()
  let bytes = 0
  if (existsSync(file)) {
    for await (const line of readLines(file)) {
      try {
        failed.add(parseRow(failureRow, line.bytes).index)
      } catch {
        break
      }
      if (!line.whole) break
      bytes += line.bytes.length + 1
    }
  }
  return {
    bytes,
    cover(from: number, to: number): boolean {
      for (let index = from; index < to; index++) if (!failed.has(index)) return false
      return true
    },
  }
}
