import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, rename, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import { FAILURES, METADATA, PROVENANCE, REUSABLE } from './layout.js'
import { type Line, readLines } from './lines.js'
import { damaged, rowOn, tableRows } from './read.js'
import { failureRow, metadataRow, type ProvenanceRow, parseRow, provenanceRow, type Row } from './rows.js'

/**
 * Takes a run back to its first failure so that it can be tried again: the rows from there on move from the tables to a file
 * of reusable rows. The run puts a row back if its picture is still there. Does nothing if nothing failed.
 */
export async function rewindToFailure(folder: string): Promise<void> {
  const failures = path.join(folder, FAILURES)
  if (!existsSync(failures)) return
  const { value: failure } = await tableRows(failures, failureRow).next()
  if (failure === undefined) return
  const first = failure.row.index
  const metadata = readLines(path.join(folder, METADATA))
  const writer = await openWriter(folder)
  let bytes = 0
  for await (const { row, bytes: text } of tableRows(path.join(folder, PROVENANCE), provenanceRow)) {
    const { value: described } = await metadata.next()
    if (row.index < first) bytes += text.length + 1
    else await writer.add(`${described!.bytes}\n`, `${text}\n`)
  }
  await writer.close()
  // The other tables follow provenance.jsonl when they are opened; the failures last, since they tell that there is a gap.
  await truncate(path.join(folder, PROVENANCE), bytes)
  await rm(failures)
}

/** Writes a new file of reusable rows. It replaces the old one when it is closed. */
export async function openWriter(folder: string) {
  const file = path.join(folder, REUSABLE)
  const handle = await open(`${file}.new`, 'w')
  return {
    /** Takes a line of metadata.jsonl and one of provenance.jsonl. */
    add: (metadata: string, provenance: string) => handle.appendFile(`${metadata.slice(0, -1)}\t${provenance}`),
    async close(): Promise<void> {
      await handle.sync()
      await handle.close()
      await rename(`${file}.new`, file)
    },
  }
}

/** Every reusable row of a folder in rising order of index. Throws a conflict error for a damaged line. */
export async function* reusableRows(folder: string): AsyncGenerator<Row> {
  const file = path.join(folder, REUSABLE)
  if (!existsSync(file)) return
  for await (const line of readLines(file)) yield reusableOn(line, file)
}

function reusableOn(line: Line, file: string): Row {
  const tab = line.bytes.indexOf(9)
  const made = rowOn<ProvenanceRow>(provenanceRow, { ...line, bytes: line.bytes.subarray(tab + 1) }, file)
  try {
    const { soft_label: label } = parseRow(metadataRow, line.bytes.subarray(0, Math.max(0, tab)))
    return { label: Float64Array.from(label), made }
  } catch (error) {
    throw damaged(file, line.number, (error as Error).message)
  }
}

/**
 * Finds reusable rows and their pictures, asked for in rising order of index; null if there is none or its picture, as `read`
 * finds it, has changed.
 */
export function openReusable(
  folder: string,
  read: (file: string) => Promise<Uint8Array | null>,
): (index: number) => Promise<{ row: Row; picture: Uint8Array } | null> {
  const rows = reusableRows(folder)
  let ahead: Row | null = null
  async function find(index: number): Promise<Row | null> {
    while (ahead === null || ahead.made.index < index) {
      const { value, done } = await rows.next()
      if (done) return null
      ahead = value
    }
    return ahead.made.index === index ? ahead : null
  }
  let turn: Promise<unknown> = Promise.resolve()
  return async (index) => {
    const found = turn.then(() => find(index))
    turn = found
    const row = await found
    if (row === null) return null
    const { file_name: file, sha256 } = row.made
    const picture = await read(file)
    return picture !== null && createHash('sha256').update(picture).digest('hex') === sha256 ? { row, picture } : null
  }
}

/** Deletes the reusable rows of a finished run. */
export function dropReusable(folder: string): Promise<void> {
  return rm(path.join(folder, REUSABLE), { force: true })
}
