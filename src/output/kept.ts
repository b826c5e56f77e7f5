import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { open, readFile, rename, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Row } from './rows.js'
import type { Failure } from './tables.js'

const KEPT = path.join('.sage', 'kept.tsv')

/**
 * Takes a run back to its first failure so that it can be tried again: the rows from there on leave the tables for a file of
 * kept rows, from which the run takes them back where their picture is still there. Does nothing where nothing failed.
 */
export async function takeBackToFailure(folder: string): Promise<void> {
  const [failures, metadata, provenance] = ['failures.jsonl', 'metadata.jsonl', 'provenance.jsonl'].map((name) =>
    path.join(folder, name),
  ) as [string, string, string]
  const text = await readFile(failures, 'utf8').catch(() => '')
  if (text === '') return
  const first = (JSON.parse(text.slice(0, text.indexOf('\n'))) as Failure).index
  const other = lines(metadata)
  const handle = await open(path.join(folder, `${KEPT}.new`), 'w')
  let bytes = 0
  for await (const line of lines(provenance)) {
    const { value: described } = await other.next()
    if (indexOf(line) < first) bytes += Buffer.byteLength(line) + 1
    else await handle.appendFile(`${described}\t${line}\n`)
  }
  await handle.sync()
  await handle.close()
  await rename(path.join(folder, `${KEPT}.new`), path.join(folder, KEPT))
  // The other tables follow provenance.jsonl when they are opened; the failures last, since they tell that there is a gap.
  await truncate(provenance, bytes)
  await rm(failures)
}

/** Gives back kept rows, asked for in rising order of index; null where there is none or its picture is not as it was. */
export function openKept(folder: string): (index: number) => Promise<Row | null> {
  if (!existsSync(path.join(folder, KEPT))) return async () => null
  const rows = lines(path.join(folder, KEPT))
  let ahead: Row | null = null
  async function find(index: number): Promise<Row | null> {
    while (ahead === null || ahead.index < index) {
      const { value, done } = await rows.next()
      if (done) return null
      ahead = parse(value)
    }
    return ahead.index === index ? ahead : null
  }
  let turn: Promise<unknown> = Promise.resolve()
  return async (index) => {
    const found = turn.then(() => find(index))
    turn = found
    const row = await found
    return row !== null && (await isIntact(folder, row)) ? row : null
  }
}

/** Forgets the kept rows of a finished run. */
export function dropKept(folder: string): Promise<void> {
  return rm(path.join(folder, KEPT), { force: true })
}

function lines(file: string): AsyncIterableIterator<string> {
  return createInterface({ input: createReadStream(file) })[Symbol.asyncIterator]() as AsyncIterableIterator<string>
}

function indexOf(provenance: string): number {
  return (JSON.parse(provenance) as { index: number }).index
}

function parse(line: string): Row {
  const [described, made] = line.split('\t') as [string, string]
  const metadata = JSON.parse(described) as { soft_label: number[]; lambda: number; source_a: string; source_b: string }
  const { index, file_name: file, ...provenance } = JSON.parse(made) as { index: number; file_name: string }
  const { soft_label: label, lambda, source_a: a, source_b: b } = metadata
  return { index, file, label: Float64Array.from(label), lambda, sources: [a, b], provenance }
}

async function isIntact(folder: string, { file, provenance }: Row): Promise<boolean> {
  const bytes = await readFile(path.join(folder, file)).catch(() => null)
  return bytes !== null && createHash('sha256').update(bytes).digest('hex') === provenance.sha256
}
