/** Sparse assignment costs: row r may take `columns[at]` at `costs[at]`, for at in [starts[r], starts[r + 1]). */
export interface Candidates {
  readonly starts: Int32Array
  readonly columns: Int32Array
  /** Any finite costs. */
  readonly costs: Float64Array
}

/**
 * Who takes what, and the prices that prove it optimal: rowPrice + columnPrice is at most the cost of every candidate and
 * equal to that of every pair assigned. A pair that was no candidate could not help either if that holds for it too.
 */
export interface Assignment {
  readonly columnOf: Int32Array
  readonly rowPrice: Float64Array
  readonly columnPrice: Float64Array
}

/** An assignment of some of the rows, optimal for these, and where the search for the next row's column stands. */
interface Search extends Assignment {
  readonly candidates: Candidates
  readonly rowOf: Int32Array
  /** Of the columns: infinite until reached; NaN, which compares as neither nearer nor farther, once settled. */
  readonly distance: Float64Array
  /** The row from which a column was reached. */
  readonly before: Int32Array
  /** The columns that are reached and not settled. */
  readonly open: Int32Array
  opened: number
  /** The settled columns, and their distances. */
  readonly settled: Int32Array
  readonly settledAt: Float64Array
}

/**
 * The cheapest one-to-one assignment of n rows to n columns among the candidates, by Jonker & Volgenant's successive
 * shortest paths (Computing 1987). RangeError if the candidates allow none.
 */
export function assign(candidates: Candidates): Assignment {
  const n = candidates.starts.length - 1
  const search: Search = {
    candidates,
    columnOf: new Int32Array(n).fill(-1),
    rowPrice: new Float64Array(n),
    columnPrice: new Float64Array(n),
    rowOf: new Int32Array(n).fill(-1),
    distance: new Float64Array(n),
    before: new Int32Array(n),
    open: new Int32Array(n),
    opened: 0,
    settled: new Int32Array(n),
    settledAt: new Float64Array(n),
  }
  assignRowMinima(search)
  for (let row = 0; row < n; row++) if (search.columnOf[row]! < 0) augment(search, row)
  return search
}

/** Prices every row at its cheapest candidate, and gives it that column where it is still free. */
function assignRowMinima({ candidates, rowOf, columnOf, rowPrice }: Search): void {
  const { starts, columns, costs } = candidates
  for (let row = 0; row < rowOf.length; row++) {
    let least = Number.POSITIVE_INFINITY
    let column = -1
    for (let at = starts[row]!; at < starts[row + 1]!; at++) {
      if (costs[at]! < least) {
        least = costs[at]!
        column = columns[at]!
      }
    }
    rowPrice[row] = least
    if (column < 0 || rowOf[column]! >= 0) continue
    columnOf[row] = column
    rowOf[column] = row
  }
}

/** Assigns `start` by the path of least reduced cost to a free column (Dijkstra), and moves the prices along. */
function augment(search: Search, start: number): void {
  const { rowOf, columnOf, rowPrice, columnPrice, distance, before, settled, settledAt } = search
  distance.fill(Number.POSITIVE_INFINITY)
  search.opened = 0
  let count = 0
  let row = start
  let column = -1
  let reached = 0
  while (row >= 0) {
    relax(search, row, reached - rowPrice[row]!)
    column = takeNearest(search)
    reached = distance[column]!
    distance[column] = Number.NaN
    settled[count] = column
    settledAt[count++] = reached
    row = rowOf[column]!
  }
  rowPrice[start]! += reached
  for (let i = 0; i < count; i++) {
    const change = reached - settledAt[i]!
    columnPrice[settled[i]!]! -= change
    // The last one settled is the free column, and its change 0.
    if (i < count - 1) rowPrice[rowOf[settled[i]!]!]! += change
  }
  while (row !== start) {
    row = before[column]!
    rowOf[column] = row
    const previous = columnOf[row]!
    columnOf[row] = column
    column = previous
  }
}

/** Shortens the distances of the unsettled columns by way of `row`, whose candidates lie at their reduced cost + `base`. */
function relax(search: Search, row: number, base: number): void {
  const { candidates, columnPrice, distance, before, open } = search
  const { starts, columns, costs } = candidates
  const end = starts[row + 1]!
  for (let at = starts[row]!; at < end; at++) {
    const column = columns[at]!
    const through = base + costs[at]! - columnPrice[column]!
    if (through < distance[column]!) {
      if (distance[column] === Number.POSITIVE_INFINITY) open[search.opened++] = column
      distance[column] = through
      before[column] = row
    }
  }
}

/** The nearest of the open columns, which it is no more; the first in order among equals. */
function takeNearest(search: Search): number {
  const { distance, open } = search
  if (search.opened === 0) throw new RangeError('assign: expected candidates that allow an assignment, got none')
  let place = 0
  let nearest = open[0]!
  let least = distance[nearest]!
  for (let i = 1; i < search.opened; i++) {
    const column = open[i]!
    const length = distance[column]!
    if (length < least || (length === least && column < nearest)) {
      place = i
      nearest = column
      least = length
    }
  }
  open[place] = open[--search.opened]!
  return nearest
}
