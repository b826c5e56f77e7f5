import type { Kernel } from './kernel.js'
import type { Pair } from './pair.js'
import { isPreferred, type Shift } from './shift.js'

/** The queue of candidates, kept between calls: a heap in [0, size), then the visited ones with their gains. */
let queue = new Int32Array(256)
let gains = new Float64Array(256)

/**
 * The best of the `count` shifts the kernel collected, whose gains are at most their bounds + `margin`; `lower` is a gain
 * that some shift reaches. Candidates are visited from the greatest bound down, until no bound reaches the best gain;
 * undefined if that takes more than `limit` of them.
 *
 * No gain exceeds bTotal. Bounds from bTotal - tie - margin up count as equal and go by preference: every shift that
 * might tie at bTotal is among them, so that the first which does is the best. (Sparse maps have thousands of those.)
 */
export function bestOfCandidates(
  kernel: Kernel,
  pair: Pair,
  count: number,
  margin: number,
  lower: number,
  limit: number,
): Shift | undefined {
  const { tie } = pair
  const bTotal = pair.b.total
  const ceiling = bTotal - tie - margin
  if (queue.length < count) {
    queue = new Int32Array(2 * count)
    gains = new Float64Array(2 * count)
  }
  for (let i = 0; i < count; i++) queue[i] = kernel.candidate(i)
  for (let i = (count >> 1) - 1; i >= 0; i--) siftDown(kernel, i, count, ceiling)
  let size = count
  while (size > 0) {
    const candidate = queue[0]!
    if (Math.min(kernel.boundOf(candidate), ceiling) + margin < lower - tie) break
    if (count - size === limit) return undefined
    size--
    queue[0] = queue[size]!
    queue[size] = candidate
    siftDown(kernel, 0, size, ceiling)
    const dx = kernel.shiftX(candidate)
    const dy = kernel.shiftY(candidate)
    const found = kernel.gain(dx, dy)
    gains[size] = found
    if (found + kernel.gainError >= bTotal - tie) {
      const exact = pair.gain(dx, dy)
      if (exact >= bTotal - tie / 2) return pair.shift(dx, dy, exact)
    }
    lower = Math.max(lower, found - kernel.gainError)
  }
  return bestOfVisited(kernel, pair, size, count, lower)
}

/** Judges those visited whose gain may tie with the best, at least `lower`, by the definition. */
function bestOfVisited(kernel: Kernel, pair: Pair, from: number, to: number, lower: number): Shift {
  const { tie } = pair
  let greatest = Number.NEGATIVE_INFINITY
  for (let i = from; i < to; i++) {
    if (gains[i]! + kernel.gainError < lower - tie) continue
    gains[i] = pair.gain(kernel.shiftX(queue[i]!), kernel.shiftY(queue[i]!))
    greatest = Math.max(greatest, gains[i]!)
  }
  let best = -1
  for (let i = from; i < to; i++) {
    // Those not judged are below: a gain's error is never more than what kept them from it.
    if (gains[i]! >= greatest - tie && (best < 0 || precedes(kernel, queue[i]!, queue[best]!))) best = i
  }
  return pair.shift(kernel.shiftX(queue[best]!), kernel.shiftY(queue[best]!), gains[best]!)
}

/** Whether of two indices of a kernel's shifts the first goes before the other among ties. */
export function precedes(kernel: Kernel, candidate: number, other: number): boolean {
  return isPreferred(kernel.shiftX(candidate), kernel.shiftY(candidate), kernel.shiftX(other), kernel.shiftY(other))
}

function siftDown(kernel: Kernel, start: number, size: number, ceiling: number): void {
  const item = queue[start]!
  const key = Math.min(kernel.boundOf(item), ceiling)
  let hole = start
  for (let child = 2 * hole + 1; child < size; child = 2 * hole + 1) {
    let childKey = Math.min(kernel.boundOf(queue[child]!), ceiling)
    if (child + 1 < size) {
      const otherKey = Math.min(kernel.boundOf(queue[child + 1]!), ceiling)
      if (otherKey > childKey || (otherKey === childKey && precedes(kernel, queue[child + 1]!, queue[child]!))) {
        child++
        childKey = otherKey
      }
    }
    if (key > childKey || (key === childKey && precedes(kernel, item, queue[child]!))) break
    queue[hole] = queue[child]!
    hole = child
  }
  queue[hole] = item
}
