import { checkMaps } from './checkMaps.js'
import { isPreferred, type Shift, tieWidth } from './shift.js'
import { gain, totalOf } from './totalSaliency.js'

/**
 * The shift of `b` over `a` with the greatest total saliency among all |dx| < width, |dy| < height. Totals within 1e-12
 * of the greatest (times the maps' mass, if that is above 1) are ties: the shortest move wins, then the smaller dy, then
 * the smaller dx. `a` = alpha s1 and `b` = (1 - alpha) s2, row-major; RangeError if not finite and non-negative.
 */
export function bestShift(a: Float32Array, b: Float32Array, width: number, height: number): Shift {
  checkMaps(a, b, width, height)
  const base = totalOf(a, width, height)
  const gains = new Float64Array((2 * width - 1) * (2 * height - 1))
  let i = 0
  let greatest = Number.NEGATIVE_INFINITY
  for (let dy = 1 - height; dy < height; dy++) {
    for (let dx = 1 - width; dx < width; dx++) {
      const value = gain(a, b, width, height, dx, dy)
      gains[i++] = value
      if (value > greatest) greatest = value
    }
  }
  const tied = greatest - tieWidth(base + totalOf(b, width, height))
  let best: Shift | undefined
  i = 0
  for (let dy = 1 - height; dy < height; dy++) {
    for (let dx = 1 - width; dx < width; dx++) {
      const value = gains[i++]!
      if (value < tied) continue
      if (!best || isPreferred(dx, dy, best.dx, best.dy)) best = { dx, dy, total: base + value }
    }
  }
  return best!
}
