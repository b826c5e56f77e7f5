import { createReadStream, existsSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Failure } from '../output/tables.js'

/** One output as the tables of a run tell it; what only SAGE records may be missing. */
export interface MadeRow {
  readonly index: number
  readonly file_name: string
  readonly method: string
  readonly canvas: readonly [width: number, height: number]
  readonly lambda: number
  readonly shift?: readonly [dx: number, dy: number]
  readonly grid?: readonly [width: number, height: number]
  readonly total_saliency?: number
  readonly total_saliency_unshifted?: number
  readonly label: Float64Array
}

/** The rows of a run in the order of its plan, from provenance.jsonl and labels.csv side by side. */
export async function* readRows(folder: string): AsyncGenerator<MadeRow> {
  const labels = linesOf(path.join(folder, 'labels.csv'))[Symbol.asyncIterator]()
  await labels.next()
  for await (const line of linesOf(path.join(folder, 'provenance.jsonl'))) {
    const { value: weights } = (await labels.next()) as IteratorYieldResult<string>
    yield { ...(JSON.parse(line) as Omit<MadeRow, 'label'>), label: labelOf(weights) }
  }
}

/** The first `limit` failures of a run. */
export async function readFailures(folder: string, limit: number): Promise<Failure[]> {
  const file = path.join(folder, 'failures.jsonl')
  const failures: Failure[] = []
  if (!existsSync(file)) return failures
  for await (const line of linesOf(file)) {
    if (failures.push(JSON.parse(line) as Failure) === limit) break
  }
  return failures
}

function linesOf(file: string) {
  return createInterface({ input: createReadStream(file) })
}

/** The numbers of a line of labels.csv, whose file name never holds a comma. */
function labelOf(line: string): Float64Array {
  return Float64Array.from(line.split(',').slice(1), Number)
}

/** Places of `wanted` of `total` things, evenly from the first to the last: whether place `i` is one of them. */
export function evenly(wanted: number, total: number): (i: number) => boolean {
  return (i) => Math.floor(((i + 1) * wanted) / total) > Math.floor((i * wanted) / total)
}

/**
 * Up to `limit` of the `mixes` mixed rows, evenly over the run. Groups of `groupSize` consecutive outputs are taken whole,
 * since what is mixed together has to be mixed together again.
 */
export async function chooseRows(folder: string, mixes: number, groupSize: number, limit: number): Promise<MadeRow[]> {
  const groups = Math.ceil(mixes / groupSize)
  const taken = evenly(Math.min(groups, Math.max(1, Math.floor(limit / groupSize))), groups)
  const rows: MadeRow[] = []
  let [place, group] = [-1, -1]
  for await (const row of readRows(folder)) {
    if (row.method === 'original' || rows.length === limit) break
    const own = Math.floor(row.index / groupSize)
    if (own !== group) place++
    group = own
    if (taken(place)) rows.push(row)
  }
  return rows
}
