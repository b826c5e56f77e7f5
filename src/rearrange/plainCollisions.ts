import type { Measured } from './pair.js'

/** Keeps the sum of two zeros from being 0, and changes no other. */
const TINY = 1e-100

/**
 * Sum of pq / (p + q) over the pixels where the boxes of `a` and of `b` moved by (dx, dy) overlap. Two pixels share a
 * division: n/d + m/e = (ne + md) / (de), which products of float32 values cannot take out of float64's range.
 */
export function collisions(a: Measured, b: Measured, width: number, dx: number, dy: number): number {
  const left = Math.max(a.left, b.left + dx)
  const right = Math.min(a.right, b.right + dx)
  const bottom = Math.min(a.bottom, b.bottom + dy)
  const aMap = a.map
  const bMap = b.map
  let total = 0
  for (let y = Math.max(a.top, b.top + dy); y < bottom; y++) {
    let i = y * width + left
    let j = (y - dy) * width + left - dx
    let row = 0
    for (const last = y * width + right - 1; i < last; i += 2) {
      const p = aMap[i]!
      const q = bMap[j]!
      const r = aMap[i + 1]!
      const s = bMap[j + 1]!
      const d = p + q + TINY
      const e = r + s + TINY
      row += (p * q * e + r * s * d) / (d * e)
      j += 2
    }
    if (i < y * width + right) row += (aMap[i]! * bMap[j]!) / (aMap[i]! + bMap[j]! + TINY)
    total += row
  }
  return total
}
