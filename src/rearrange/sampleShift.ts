import type { Random } from '../core/random.js'
import { checkMaps } from './checkMaps.js'
import { isPreferred, type Shift, tieWidth } from './shift.js'
import { gain, totalOf } from './totalSaliency.js'

/** `count` different integers of [0, n), uniform over all such sets (Floyd's algorithm: no list of n is made). */
function sampleWithoutReplacement(n: number, count: number, random: Random): Set<number> {
  const chosen = new Set<number>()
  for (let top = n - count; top < n; top++) {
    const candidate = random.integer(0, top)
    chosen.add(chosen.has(candidate) ? top : candidate)
  }
  return chosen
}

/**
 * The paper's search: the best of a random `fraction` (0 to 1) of all shifts, drawn without replacement, at least one.
 * Maps, ties and errors as for `bestShift`.
 */
export function sampleShift(
  a: Float32Array,
  b: Float32Array,
  width: number,
  height: number,
  fraction: number,
  random: Random,
): Shift {
  checkMaps(a, b, width, height)
  if (!(fraction >= 0 && fraction <= 1)) throw new RangeError(`fraction: expected 0 to 1, got ${fraction}`)
  const base = totalOf(a, width, height)
  const columns = 2 * width - 1
  const shifts = columns * (2 * height - 1)
  const sampled = [...sampleWithoutReplacement(shifts, Math.max(1, Math.floor(shifts * fraction)), random)].map((i) => {
    const dx = (i % columns) + 1 - width
    const dy = Math.floor(i / columns) + 1 - height
    return { dx, dy, total: base + gain(a, b, width, height, dx, dy) }
  })
  const greatest = sampled.reduce((most, { total }) => Math.max(most, total), 0)
  const tied = greatest - tieWidth(base + totalOf(b, width, height))
  return sampled
    .filter(({ total }) => total >= tied)
    .reduce((best, next) => (isPreferred(next.dx, next.dy, best.dx, best.dy) ? next : best))
}
