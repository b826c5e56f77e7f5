/** Sum of a map in float64, row by row: the rounding error grows with width + height, not with their product. */
export function totalOf(map: Float32Array, width: number, height: number): number {
  let total = 0
  for (let y = 0; y < height; y++) {
    let row = 0
    for (let i = y * width; i < (y + 1) * width; i++) row += map[i]!
    total += row
  }
  return total
}

/**
 * What `b` moved by (dx, dy) adds to the total saliency of `a` alone, in float64. Where the two collide the mix keeps
 * a M + b (1 - M) with M = a / (a + b), which is a + b (b - a) / (a + b): b adds less than itself, or takes away.
 */
export function gain(a: Float32Array, b: Float32Array, width: number, height: number, dx: number, dy: number): number {
  const left = Math.max(0, dx)
  const right = Math.min(width, width + dx)
  const bottom = Math.min(height, height + dy)
  const offset = -dy * width - dx
  let total = 0
  for (let y = Math.max(0, dy); y < bottom; y++) {
    let row = 0
    for (let i = y * width + left; i < y * width + right; i++) {
      const p = a[i]!
      const q = b[i + offset]!
      if (q > 0) row += (q * (q - p)) / (p + q)
    }
    total += row
  }
  return total
}

/**
 * Total saliency v(dx, dy) of the mix of two pictures whose weighted saliency maps are `a` = alpha s1, which stays, and
 * `b` = (1 - alpha) s2, which moves by (dx, dy) pixels (positive: right, down) and loses what leaves the frame. Maps are
 * row-major, width x height, non-negative. The definition: Ma et al., SAGE, arXiv 2211.00113, section 3.
 */
export function totalSaliency(
  a: Float32Array,
  b: Float32Array,
  width: number,
  height: number,
  dx: number,
  dy: number,
): number {
  return totalOf(a, width, height) + gain(a, b, width, height, dx, dy)
}
