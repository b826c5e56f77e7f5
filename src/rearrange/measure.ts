/** What the search wants to know of a map. */
export interface Measures {
  /** Sum of the values, row by row as in totalSaliency.ts; NaN where one is negative or NaN. */
  readonly total: number
  readonly squares: number
  readonly largest: number
}

/** One pass over a map of width x height. */
export function measure(map: Float32Array, width: number, height: number): Measures {
  let total = 0
  let squares = 0
  let largest = 0
  for (let y = 0; y < height; y++) {
    let row = 0
    for (let i = y * width; i < (y + 1) * width; i++) {
      const value = map[i]!
      if (!(value >= 0)) return { total: Number.NaN, squares, largest }
      row += value
      squares += value * value
      if (value > largest) largest = value
    }
    total += row
  }
  return { total, squares, largest }
}
