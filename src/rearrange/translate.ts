/**
 * The pixels of a line of `length` whose middle a partner moved by `shift` pixels, whole or not, covers: [first, end).
 */
export function coveredBy(shift: number, length: number): [first: number, end: number] {
  return [Math.max(0, Math.ceil(shift - 0.5)), Math.min(length, Math.floor(length - 0.5 + shift) + 1)]
}

/**
 * The map moved by (dx, dy) pixels (positive: right, down), row-major, width x height: interpolated linearly where these
 * are not whole, 0 where the moved map does not cover the middle of a pixel.
 */
export function translate(map: Float32Array, width: number, height: number, dx: number, dy: number): Float32Array {
  const moved = new Float32Array(width * height)
  const [left, right] = coveredBy(dx, width)
  const [top, bottom] = coveredBy(dy, height)
  for (let y = top; y < bottom; y++) {
    const v = Math.min(Math.max(y - dy, 0), height - 1)
    const above = Math.floor(v) * width
    const below = Math.min(Math.floor(v) + 1, height - 1) * width
    const down = v - Math.floor(v)
    for (let x = left; x < right; x++) {
      const u = Math.min(Math.max(x - dx, 0), width - 1)
      const from = Math.floor(u)
      const to = Math.min(from + 1, width - 1)
      const across = u - from
      const upper = map[above + from]! * (1 - across) + map[above + to]! * across
      const lower = map[below + from]! * (1 - across) + map[below + to]! * across
      moved[y * width + x] = upper * (1 - down) + lower * down
    }
  }
  return moved
}
