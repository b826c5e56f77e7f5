import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, readFile, rename, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import { FAILURES, KEPT, METADATA, PROVENANCE } from './layout.js'
import { type Line, readLines } from './lines.js'
import { damaged, readTable, rowOn } from './read.js'
import { failureRow, metadataRow, type ProvenanceRow, parseRow, provenanceRow, type Row } from './rows.js'

/**
 * Takes a run back to its first failure so that it can be tried again: the rows from there on leave the tables for a file of
 * kept rows, from which the run takes them back where their picture is still there. Does nothing where nothing failed.
 */
export async function takeBackToFailure(folder: string): Promise<void> {
  const failures = path.join(folder, FAILURES)
  if (!existsSync(failures)) return
  const { value: failure } = await readTable(failures, failureRow).next()
  if (failure === undefined) return
  const first = failure.row.index
  const metadata = readLines(path.join(folder, METADATA))
  const keeper = await openKeeper(folder)
  let bytes = 0
  for await (const { row, bytes: text } of readTable(path.join(folder, PROVENANCE), provenanceRow)) {
    const { value: described } = await metadata.next()
    if (row.index < first) bytes += text.length + 1
    else await keeper.add(`${described!.bytes}\n`, `${text}\n`)
  }
  await keeper.close()
  // The other tables follow provenance.jsonl when they are opened; the failures last, since they tell that there is a gap.
  await truncate(path.join(folder, PROVENANCE), bytes)
  await rm(failures)
}

/** Writes a new file of kept rows, which takes the place of an old one when it is closed. */
export async function openKeeper(folder: string) {
  const file = path.join(folder, KEPT)
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

/** Every kept row of a folder in rising order of index. Throws a conflict error for a damaged line. */
export async function* keptRows(folder: string): AsyncGenerator<Row> {
  const file = path.join(folder, KEPT)
  if (!existsSync(file)) return
  for await (const line of readLines(file)) yield keptOn(line, file)
}

function keptOn(line: Line, file: string): Row {
  const tab = line.bytes.indexOf(9)
  const made = rowOn<ProvenanceRow>(provenanceRow, { ...line, bytes: line.bytes.subarray(tab + 1) }, file)
  try {
    const { soft_label: label } = parseRow(metadataRow, line.bytes.subarray(0, Math.max(0, tab)))
    return { label: Float64Array.from(label), made }
  } catch (error) {
    throw damaged(file, line.number, (error as Error).message)
  }
}

/** Gives back kept rows, asked for in rising order of index; null where there is none or its picture is not as it was. */
export function openKept(folder: string): (index: number) => Promise<Row | null> {
  const rows = keptRows(folder)
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
    return row !== null && (await isIntact(folder, row.made)) ? row : null
  }
}

/** Forgets the kept rows of a finished run. */
export function dropKept(folder: string): Promise<void> {
  return rm(path.join(folder, KEPT), { force: true })
}

async function isIntact(folder: string, { file_name: file, sha256 }: ProvenanceRow): Promise<boolean> {
  const bytes = await readFile(path.join(folder, file)).catch(() => null)
  return bytes !== null && createHash('sha256').update(bytes).digest('hex') === sha256
}
