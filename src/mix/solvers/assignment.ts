/**
 * The cheapest one-to-one assignment of n rows to n columns: `columnOf[row]`, of least sum of `costs[row * n + column]`
 * (any finite costs). Jonker & Volgenant's successive shortest paths (Computing 1987), O(n^3): prices keep every reduced
 * cost `costs - rowPrice - columnPrice` non-negative and that of every assigned pair 0, which proves the result optimal.
 */
export function assign(costs: Float64Array, n: number): Int32Array {
  if (costs.length !== n * n) throw new RangeError(`assign: expected ${n} x ${n} costs, got ${costs.length}`)
  const rowOf = new Int32Array(n).fill(-1)
  const columnOf = new Int32Array(n).fill(-1)
  const columnPrice = new Float64Array(n)
  assignColumnMinima(costs, n, columnPrice, rowOf, columnOf)
  const search = {
    distance: new Float64Array(n),
    before: new Int32Array(n),
    settled: new Int32Array(n),
    settledAt: new Float64Array(n),
  }
  for (let row = 0; row < n; row++) {
    if (columnOf[row]! < 0) augment(costs, n, row, columnPrice, rowOf, columnOf, search)
  }
  return columnOf
}

/** Prices every column at its cheapest row, and gives it that row where the row is still free. */
function assignColumnMinima(
  costs: Float64Array,
  n: number,
  columnPrice: Float64Array,
  rowOf: Int32Array,
  columnOf: Int32Array,
): void {
  const cheapest = new Int32Array(n)
  columnPrice.set(costs.subarray(0, n))
  for (let row = 1, at = n; row < n; row++) {
    for (let column = 0; column < n; column++, at++) {
      if (costs[at]! < columnPrice[column]!) {
        columnPrice[column] = costs[at]!
        cheapest[column] = row
      }
    }
  }
  for (let column = 0; column < n; column++) {
    const row = cheapest[column]!
    if (columnOf[row]! >= 0) continue
    columnOf[row] = column
    rowOf[column] = row
  }
}

interface Search {
  /** Of the columns not yet settled; NaN, which compares as neither nearer nor farther, for the settled. */
  readonly distance: Float64Array
  readonly before: Int32Array
  /** The settled columns in order, and their distances. */
  readonly settled: Int32Array
  readonly settledAt: Float64Array
}

/** Assigns `start` by the path of least reduced cost to a free column (Dijkstra), and moves the prices along. */
function augment(
  costs: Float64Array,
  n: number,
  start: number,
  columnPrice: Float64Array,
  rowOf: Int32Array,
  columnOf: Int32Array,
  search: Search,
): void {
  const { distance, before, settled, settledAt } = search
  distance.fill(Number.POSITIVE_INFINITY)
  let count = 0
  let row = start
  let column = -1
  let reached = 0
  while (row >= 0) {
    // What the row's own price takes off: its assigned column's reduced cost is 0. The start's price is free, say 0.
    const base = column < 0 ? 0 : reached - (costs[row * n + column]! - columnPrice[column]!)
    column = relax(costs, n, row, base, columnPrice, search)
    reached = distance[column]!
    distance[column] = Number.NaN
    settled[count] = column
    settledAt[count++] = reached
    row = rowOf[column]!
  }
  for (let i = 0; i < count; i++) columnPrice[settled[i]!]! += settledAt[i]! - reached
  while (row !== start) {
    row = before[column]!
    rowOf[column] = row
    const previous = columnOf[row]!
    columnOf[row] = column
    column = previous
  }
}

/** Shortens the distances of the unsettled columns by way of `row`; the nearest of them. */
function relax(
  costs: Float64Array,
  n: number,
  row: number,
  base: number,
  columnPrice: Float64Array,
  { distance, before }: Search,
): number {
  let nearest = -1
  let least = Number.POSITIVE_INFINITY
  for (let column = 0, at = row * n; column < n; column++, at++) {
    let length = distance[column]!
    const through = base + costs[at]! - columnPrice[column]!
    if (through < length) {
      length = through
      distance[column] = through
      before[column] = row
    }
    if (length < least) {
      least = length
      nearest = column
    }
  }
  return nearest
}
