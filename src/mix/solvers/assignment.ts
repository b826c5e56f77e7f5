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
  const search = { distance: new Float64Array(n), before: new Int32Array(n), order: new Int32Array(n) }
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
  for (let column = 0; column < n; column++) {
    let cheapest = 0
    for (let row = 1; row < n; row++) {
      if (costs[row * n + column]! < costs[cheapest * n + column]!) cheapest = row
    }
    columnPrice[column] = costs[cheapest * n + column]!
    if (columnOf[cheapest]! < 0) {
      columnOf[cheapest] = column
      rowOf[column] = cheapest
    }
  }
}

interface Search {
  readonly distance: Float64Array
  readonly before: Int32Array
  /** The columns: settled ones first, then those at the least distance, then the rest. */
  readonly order: Int32Array
}

/** Assigns `start` by the path of least reduced cost to a free column (Dijkstra), and moves the prices along. */
function augment(
  costs: Float64Array,
  n: number,
  start: number,
  columnPrice: Float64Array,
  rowOf: Int32Array,
  columnOf: Int32Array,
  { distance, before, order }: Search,
): void {
  for (let column = 0; column < n; column++) {
    distance[column] = costs[start * n + column]! - columnPrice[column]!
    before[column] = start
    order[column] = column
  }
  let settled = 0
  let free = -1
  let reached = 0
  while (free < 0) {
    let nearest = settled
    for (let i = settled + 1; i < n; i++) if (distance[order[i]!]! < distance[order[nearest]!]!) nearest = i
    const column = order[nearest]!
    order[nearest] = order[settled]!
    order[settled++] = column
    reached = distance[column]!
    const row = rowOf[column]!
    if (row < 0) {
      free = column
      break
    }
    // The row's price is what makes its own column's reduced cost 0.
    const base = reached - (costs[row * n + column]! - columnPrice[column]!)
    for (let i = settled; i < n; i++) {
      const other = order[i]!
      const through = base + costs[row * n + other]! - columnPrice[other]!
      if (through < distance[other]!) {
        distance[other] = through
        before[other] = row
      }
    }
  }
  for (let i = 0; i < settled; i++) columnPrice[order[i]!]! += distance[order[i]!]! - reached
  for (let column = free, row = -1; row !== start; ) {
    row = before[column]!
    rowOf[column] = row
    const previous = columnOf[row]!
    columnOf[row] = column
    column = previous
  }
}
