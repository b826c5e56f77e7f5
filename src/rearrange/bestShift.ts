import { bestOfCandidates, type Pair } from './bestFirst.js'
import { checkMaps, checkSizes } from './checkMaps.js'
import { flatShift } from './flatShift.js'
import { wasm } from './kernel.generated.js'
import type { Box, Kernel, Window } from './kernel.js'
import { measure } from './measure.js'
import { plainKernel } from './plainKernel.js'
import { type Shift, tieWidth } from './shift.js'
import { simdKernel } from './simdKernel.js'
import { gain } from './totalSaliency.js'

/** With more candidates than this, it pays to look whether a map is flat. */
const MANY = 64

let defaultKernel: Kernel | undefined

/**
 * The shift of `b` over `a` with the greatest total saliency among all |dx| < width, |dy| < height. Totals within 1e-12
 * of the greatest (times the maps' mass, if that is above 1) are ties: the shortest move wins, then the smaller dy, then
 * the smaller dx. `a` = alpha s1 and `b` = (1 - alpha) s2, row-major; RangeError if not finite and non-negative.
 */
export function bestShift(a: Float32Array, b: Float32Array, width: number, height: number): Shift {
  defaultKernel ??= WebAssembly.validate(wasm()) ? simdKernel() : plainKernel()
  return searchShift(defaultKernel, a, b, width, height)
}

/** `bestShift` with a given kernel; the result does not depend on it. */
export function searchShift(kernel: Kernel, a: Float32Array, b: Float32Array, width: number, height: number): Shift {
  checkSizes(a, b, width, height)
  const aMeasures = measure(a, width, height)
  const bMeasures = measure(b, width, height)
  const aTotal = aMeasures.total
  const bTotal = bMeasures.total
  const mass = aTotal + bTotal
  if (!Number.isFinite(mass)) checkMaps(a, b, width, height)
  const tie = tieWidth(mass)
  // Staying keeps all of b, and loses at most 2 min(aTotal, bTotal) to collisions.
  if (2 * Math.min(aTotal, bTotal) <= tie) return stay(a, b, width, height, aTotal)
  const aBox = boxOf(a, width, height)
  const bBox = boxOf(b, width, height)
  kernel.load(a, b, width, height, aBox, bBox, Math.max(aMeasures.largest, bMeasures.largest), aTotal, bTotal)
  const staying = kernel.gain(0, 0)
  if (staying + kernel.gainError >= bTotal - tie) {
    const stayed = stay(a, b, width, height, aTotal)
    // No gain exceeds bTotal, but for rounding, which is far below half a tie.
    if (stayed.total - aTotal >= bTotal - tie / 2) return stayed
  }
  const window = windowOf(kernel, aBox, bBox, width, height, bTotal, staying - kernel.gainError - tie)
  const margin = kernel.bound(window, overlapScale(a, b, (aMeasures.squares + bMeasures.squares) / mass))
  kernel.collect(kernel.greatest())
  const first = kernel.candidate(0)
  const lower = Math.max(staying, kernel.gain(kernel.shiftX(first), kernel.shiftY(first))) - kernel.gainError
  const count = kernel.collect(lower - tie - margin)
  if (count > MANY) {
    const flat = flatShift(a, b, width, height, aBox, bBox, tie)
    if (flat) return { ...flat, total: aTotal + gain(a, b, width, height, flat.dx, flat.dy) }
  }
  const pair: Pair = { a, b, width, height, aTotal, bTotal, tie }
  return bestOfCandidates(kernel, pair, count, margin, lower)
}

/** Pairs of pixels looked at to find where the bound should be tight. */
const SAMPLES = 128

/**
 * The sigma of exponentialSum.ts: the typical a + b of a collision. That is its geometric mean over some pairs of pixels
 * apart, weighted by their overlap: unlike a mean it is not led astray by one spike. `otherwise` where none collide.
 */
function overlapScale(a: Float32Array, b: Float32Array, otherwise: number): number {
  const { length } = a
  let logarithms = 0
  let weights = 0
  for (let k = 0; k < SAMPLES; k++) {
    // A two-dimensional low-discrepancy sequence (R2): evenly over both maps, whatever their width.
    const p = a[Math.floor(((k * 0.7548776662) % 1) * length)]!
    const q = b[Math.floor(((k * 0.569840291) % 1) * length)]!
    if (p === 0 || q === 0) continue
    const weight = (p * q) / (p + q)
    logarithms += weight * Math.log(p + q)
    weights += weight
  }
  return weights > 0 ? Math.exp(logarithms / weights) : otherwise
}

function stay(a: Float32Array, b: Float32Array, width: number, height: number, aTotal: number): Shift {
  return { dx: 0, dy: 0, total: aTotal + gain(a, b, width, height, 0, 0) }
}

/** The smallest box around the pixels of `map` that are not 0; there is one. */
function boxOf(map: Float32Array, width: number, height: number): Box {
  const rowIsEmpty = (y: number) => {
    for (let i = y * width; i < (y + 1) * width; i++) if (map[i]! > 0) return false
    return true
  }
  const columnIsEmpty = (x: number) => {
    for (let i = x; i < map.length; i += width) if (map[i]! > 0) return false
    return true
  }
  let left = 0
  let right = width
  let top = 0
  let bottom = height
  while (rowIsEmpty(top)) top++
  while (rowIsEmpty(bottom - 1)) bottom--
  while (columnIsEmpty(left)) left++
  while (columnIsEmpty(right - 1)) right--
  return { left, right, top, bottom }
}

/**
 * The shifts that may reach the gain `least`. Without overlap there is nothing to lose by moving back until the boxes
 * touch, so shifts beyond that are left out; nor can a gain exceed what the frame keeps of b.
 */
function windowOf(
  kernel: Kernel,
  a: Box,
  b: Box,
  width: number,
  height: number,
  bTotal: number,
  least: number,
): Window {
  const enough = least - kernel.gainError
  const keptX = (dx: number) => (dx >= 0 ? kernel.massLeftOf(width - dx) : bTotal - kernel.massLeftOf(-dx))
  const keptY = (dy: number) => (dy >= 0 ? kernel.massAbove(height - dy) : bTotal - kernel.massAbove(-dy))
  let fromX = Math.max(1 - width, a.left - b.right)
  let toX = Math.min(width - 1, a.right - b.left)
  let fromY = Math.max(1 - height, a.top - b.bottom)
  let toY = Math.min(height - 1, a.bottom - b.top)
  while (fromX < 0 && keptX(fromX) < enough) fromX++
  while (toX > 0 && keptX(toX) < enough) toX--
  while (fromY < 0 && keptY(fromY) < enough) fromY++
  while (toY > 0 && keptY(toY) < enough) toY--
  return { fromX, toX, fromY, toY }
}
