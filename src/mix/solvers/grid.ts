/** Neighbouring cells of a grid of columns x rows, row by row, and a non-negative weight for every two that touch. */
export interface Grid {
  readonly columns: number
  readonly rows: number
  /** Weight between cell i and i + 1, its right neighbour; nothing in the last column. */
  readonly right: Float64Array
  /** Weight between cell i and i + columns, its lower neighbour; nothing in the last row. */
  readonly down: Float64Array
}

/** Calls `visit` for every two neighbours. */
export function eachPair(grid: Grid, visit: (i: number, j: number, weight: number) => void): void {
  const { columns, rows, right, down } = grid
  for (let i = 0; i < columns * rows; i++) {
    if ((i + 1) % columns !== 0) visit(i, i + 1, right[i]!)
    if (i + columns < columns * rows) visit(i, i + columns, down[i]!)
  }
}

/** The grid in which all neighbours have the same weight. */
export function uniformGrid(columns: number, rows: number, weight: number): Grid {
  const weights = new Float64Array(columns * rows).fill(weight)
  return { columns, rows, right: weights, down: weights }
}
