/** Summed-area table of height + 1 rows of width + 1: entry (x, y) is the sum of the pixels left of x and above y. */
export function integrate(map: Float32Array, width: number, height: number, table: Float64Array): void {
  const stride = width + 1
  table.fill(0, 0, stride)
  for (let y = 0; y < height; y++) {
    const to = (y + 1) * stride
    let row = 0
    table[to] = 0
    for (let x = 0; x < width; x++) {
      row += map[y * width + x]!
      table[to + x + 1] = table[to + x + 1 - stride]! + row
    }
  }
}

/** What b keeps inside the frame for the shifts (lastX - i, lastY - j): row j, column i of `kept`. */
export function retain(
  table: Float64Array,
  width: number,
  height: number,
  lastX: number,
  lastY: number,
  columns: number,
  rows: number,
  kept: Float64Array,
): void {
  const split = Math.min(columns, Math.max(0, lastX))
  for (let j = 0; j < rows; j++) {
    const top = Math.max(0, j - lastY) * (width + 1)
    const bottom = Math.min(height, height + j - lastY) * (width + 1)
    const to = j * columns
    // Columns before `split` lose what leaves on the right, the others what leaves on the left.
    for (let i = 0; i < split; i++) {
      const x = width + i - lastX
      kept[to + i] = table[bottom + x]! - table[top + x]!
    }
    const whole = table[bottom + width]! - table[top + width]!
    for (let i = split; i < columns; i++) kept[to + i] = whole - (table[bottom + i - lastX]! - table[top + i - lastX]!)
  }
}
