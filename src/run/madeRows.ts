/** The rows of a run that a report shows. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { FAILURES } from '../output/layout.js'
import { tableRows } from '../output/read.js'
import { type Failure, failureRow, type Row } from '../output/rows.js'

/** The first `limit` failures of a run. */
export async function readFailures(folder: string, limit: number): Promise<Failure[]> {
  const file = path.join(folder, FAILURES)
  const failures: Failure[] = []
  if (!existsSync(file)) return failures
  for await (const { row } of tableRows(file, failureRow)) {
    if (failures.push(row) === limit) break
  }
  return failures
}

/** Places of `wanted` of `total` things, evenly from the first to the last: whether place `i` is one of them. */
export function evenly(wanted: number, total: number): (i: number) => boolean {
  return (i) => Math.floor(((i + 1) * wanted) / total) > Math.floor((i * wanted) / total)
}

/**
 * Up to `limit` of the `mixes` mixed rows of a run, evenly over the run. Groups of about `groupSize` outputs are taken whole, since what
 * is mixed together has to be mixed together again; `groupOf` gives the first output of the group of one.
 */
export async function chooseRows(
  rows: AsyncIterable<Row>,
  mixes: number,
  groupSize: number,
  groupOf: (index: number) => number,
  limit: number,
): Promise<Row[]> {
  const groups = Math.ceil(mixes / groupSize)
  const taken = evenly(Math.min(groups, Math.max(1, Math.floor(limit / groupSize))), groups)
  const chosen: Row[] = []
  let [place, group] = [-1, -1]
  for await (const row of rows) {
    if (row.made.method === 'original' || chosen.length === limit) break
    const own = groupOf(row.made.index)
    if (own !== group) place++
    group = own
    if (taken(place)) chosen.push(row)
  }
  return chosen
}
