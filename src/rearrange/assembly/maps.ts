// The maps as the other parts want them. Rows of `padded` maps are followed by 8 zeros, so that four lanes at a time may
// be read beyond the last column.

export const PADDING: i32 = 8

/** Reciprocals are capped here: a pixel below 1e-18 of the largest counts as that. The cap's square is still a float32. */
const LARGE: f32 = 1e18

function endRow(end: usize, value: v128): void {
  v128.store(end, value)
  v128.store(end, value, 16)
}

/** Copies the rows of `map` to padded rows at `to`. */
export function pad(map: usize, width: i32, height: i32, to: usize): void {
  for (let y = 0; y < height; y++) {
    for (let x: usize = 0; x < usize(width) * 4; x += 16) v128.store(to + x, v128.load(map + x))
    map += usize(width) * 4
    endRow(to + usize(width) * 4, f32x4.splat(0))
    to += usize(width + PADDING) * 4
  }
}

/** As `pad`, with rows and columns in reverse order; reads up to 12 bytes in front of `map`. */
export function padReversed(map: usize, width: i32, height: i32, to: usize): void {
  map += usize(width * height) * 4 - 16
  for (let y = 0; y < height; y++) {
    for (let x: usize = 0; x < usize(width) * 4; x += 16) {
      const v = v128.load(map - x)
      v128.store(to + x, v128.shuffle<f32>(v, v, 3, 2, 1, 0))
    }
    map -= usize(width) * 4
    endRow(to + usize(width) * 4, f32x4.splat(0))
    to += usize(width + PADDING) * 4
  }
}

/** unit / value for the values of `map`, at most 1e18, as padded rows at `to`; the padding is 1e18. */
export function invert(map: usize, width: i32, height: i32, unit: f32, to: usize): void {
  const units = f32x4.splat(unit)
  const cap = f32x4.splat(LARGE)
  for (let y = 0; y < height; y++) {
    for (let x: usize = 0; x < usize(width) * 4; x += 16) {
      v128.store(to + x, f32x4.pmin(f32x4.div(units, v128.load(map + x)), cap))
    }
    map += usize(width) * 4
    endRow(to + usize(width) * 4, cap)
    to += usize(width + PADDING) * 4
  }
}

/**
 * Summed-area table of `map`: entry (x, y) of height + 1 rows of width + 8 is the sum of the pixels left of x and above
 * y, summed in float64 (`columns` is room for width + 1 of them) and rounded.
 */
export function integrate(map: usize, width: i32, height: i32, columns: usize, to: usize): void {
  const stride = usize(width + PADDING) * 4
  memory.fill(columns, 0, usize(width + 1) * 8)
  memory.fill(to, 0, stride)
  for (let y = 0; y < height; y++) {
    to += stride
    store<f32>(to, 0)
    let row = 0.0
    for (let x = 1; x <= width; x++) {
      row += f64(load<f32>(map))
      map += 4
      const column = columns + usize(x) * 8
      const sum = load<f64>(column) + row
      store<f64>(column, sum)
      store<f32>(to + usize(x) * 4, f32(sum))
    }
  }
}

/**
 * What b keeps inside the frame, for each shift (-(firstX + i), -(firstY + j)): row j, column i of `to`, `columns` (a
 * multiple of 4) by `rows`. Column i counts only where low <= i < high; the others are set to -Infinity.
 */
export function retain(
  table: usize,
  width: i32,
  height: i32,
  firstX: i32,
  firstY: i32,
  columns: i32,
  low: i32,
  high: i32,
  rows: i32,
  to: usize,
): void {
  const stride = usize(width + PADDING) * 4
  // Columns before `split` lose what leaves on the right, the others what leaves on the left.
  const split = min(max(-firstX, low), high)
  for (let row = 0; row < rows; row++) {
    const y = firstY + row
    const top = table + usize(max(0, y)) * stride
    const bottom = table + usize(min(height, height + y)) * stride
    for (let i = low; i < split; i += 4) {
      const x = usize(width + firstX + i) * 4
      v128.store(to + usize(i) * 4, f32x4.sub(v128.load(bottom + x), v128.load(top + x)))
    }
    const whole = f32x4.splat(load<f32>(bottom + usize(width) * 4) - load<f32>(top + usize(width) * 4))
    for (let i = split; i < high; i += 4) {
      const x = usize(firstX + i) * 4
      v128.store(to + usize(i) * 4, f32x4.sub(whole, f32x4.sub(v128.load(bottom + x), v128.load(top + x))))
    }
    for (let i = 0; i < low; i++) store<f32>(to + usize(i) * 4, -Infinity)
    for (let i = high; i < columns; i++) store<f32>(to + usize(i) * 4, -Infinity)
    to += usize(columns) * 4
  }
}
