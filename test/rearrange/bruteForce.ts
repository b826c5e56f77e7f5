import type { Shift } from '../../src/rearrange/shift.js'
import { totalSaliency } from '../../src/rearrange/totalSaliency.js'

/** The definition: all shifts in float64; of those within 1e-12 of the best, the shortest, then smaller dy, then dx. */
export function bruteForce(a: Float32Array, b: Float32Array, width: number, height: number): Shift {
  const shifts: Shift[] = []
  for (let dy = 1 - height; dy < height; dy++) {
    for (let dx = 1 - width; dx < width; dx++) {
      shifts.push({ dx, dy, total: totalSaliency(a, b, width, height, dx, dy) })
    }
  }
  const mass = [...a, ...b].reduce((sum, value) => sum + value, 0)
  const tied = shifts.reduce((most, { total }) => Math.max(most, total), 0) - 1e-12 * Math.max(1, mass)
  return shifts
    .filter(({ total }) => total >= tied)
    .sort((p, q) => p.dx ** 2 + p.dy ** 2 - q.dx ** 2 - q.dy ** 2 || p.dy - q.dy || p.dx - q.dx)[0]!
}
