import { bestOfCandidates } from './bestFirst.js'
import { flatShift } from './flatShift.js'
import { wasm } from './kernel.generated.js'
import type { Kernel, Window } from './kernel.js'
import { Pair } from './pair.js'
import { PlainKernel } from './plainKernel.js'
import type { Shift } from './shift.js'
import { NoMemory, simdKernel } from './simdKernel.js'

/** With more candidates to visit than this, it pays to look whether a map is flat. */
const MANY = 400

let defaultKernel: Kernel | undefined
let starved = false

/** Kept between calls. */
const pair = new Pair()
const window: Window = { fromX: 0, toX: 0, fromY: 0, toY: 0 }

/**
 * The shift of `b` over `a` with the greatest total saliency among all |dx| < width, |dy| < height. Totals within 1e-12
 * of the greatest (times the maps' mass, if that is above 1) are ties: the shortest move wins, then the smaller dy, then
 * the smaller dx. `a` = alpha s1 and `b` = (1 - alpha) s2, row-major; RangeError if not finite and non-negative.
 */
export function bestShift(a: Float32Array, b: Float32Array, width: number, height: number): Shift {
  try {
    defaultKernel ??= WebAssembly.validate(wasm()) ? simdKernel() : new PlainKernel()
    return searchShift(defaultKernel, a, b, width, height)
  } catch (error) {
    if (!(error instanceof NoMemory)) throw error
    starved = true
    defaultKernel = new PlainKernel()
    return searchShift(defaultKernel, a, b, width, height)
  }
}

/** Whether `bestShift` had to take its slow kernel, as there was no memory for the fast one. */
export function lacksMemory(): boolean {
  return starved
}

/** `bestShift` with a given kernel; the result does not depend on it. */
export function searchShift(kernel: Kernel, a: Float32Array, b: Float32Array, width: number, height: number): Shift {
  pair.measure(a, b, width, height)
  const { tie } = pair
  const bTotal = pair.b.total
  // Staying keeps all of b, and loses at most 2 min(a.total, b.total) to collisions.
  if (2 * Math.min(pair.a.total, bTotal) <= tie) return pair.shift(0, 0, pair.gain(0, 0))
  kernel.load(pair)
  const staying = kernel.gain(0, 0)
  if (staying + kernel.gainError >= bTotal - tie) {
    const exact = pair.gain(0, 0)
    // No gain exceeds bTotal, but for rounding, which is far below half a tie.
    if (exact >= bTotal - tie / 2) return pair.shift(0, 0, exact)
  }
  narrow(kernel, staying - kernel.gainError - tie)
  const margin = kernel.bound(window, overlapScale())
  const first = kernel.greatest()
  const lower = Math.max(staying, kernel.gain(kernel.shiftX(first), kernel.shiftY(first))) - kernel.gainError
  const count = kernel.collect(lower - tie - margin)
  return (
    bestOfCandidates(kernel, pair, count, margin, lower, MANY) ??
    flatShift(pair, window) ??
    bestOfCandidates(kernel, pair, count, margin, lower, count)!
  )
}

/** Pairs of pixels looked at to find where the bound should be tight. */
const SAMPLES = 128

/** A two-dimensional low-discrepancy sequence (R2): evenly over both maps, whatever their width. */
const PLACES = Float64Array.from({ length: 2 * SAMPLES }, (_, i) => {
  const step = i % 2 === 0 ? 0.7548776662 : 0.569840291
  return (Math.floor(i / 2) * step) % 1
})

/**
 * The sigma of exponentialSum.ts: the typical a + b of a collision. That is its geometric mean over some pairs of pixels
 * apart, weighted by their overlap: unlike a mean it is not led astray by one spike.
 */
function overlapScale(): number {
  const { a, b } = pair
  const { length } = a.map
  let logarithms = 0
  let weights = 0
  for (let i = 0; i < 2 * SAMPLES; i += 2) {
    const p = a.map[Math.floor(PLACES[i]! * length)]!
    const q = b.map[Math.floor(PLACES[i + 1]! * length)]!
    if (p === 0 || q === 0) continue
    const weight = (p * q) / (p + q)
    logarithms += weight * Math.log(p + q)
    weights += weight
  }
  return weights > 0 ? Math.exp(logarithms / weights) : (a.squares + b.squares) / (a.total + b.total)
}

/**
 * Sets the window to the shifts that may reach the gain `least`. Without overlap there is nothing to lose by moving back
 * until the boxes touch, so shifts beyond that are left out; nor can a gain exceed what the frame keeps of b.
 */
function narrow(kernel: Kernel, least: number): void {
  const { a, b, width, height } = pair
  const enough = least - kernel.gainError
  const spare = b.total - enough
  window.fromX = Math.max(1 - width, a.left - b.right)
  window.toX = Math.min(width - 1, a.right - b.left)
  window.fromY = Math.max(1 - height, a.top - b.bottom)
  window.toY = Math.min(height - 1, a.bottom - b.top)
  while (window.fromX < 0 && kernel.massWithin(-window.fromX, height) > spare) window.fromX++
  while (window.toX > 0 && kernel.massWithin(width - window.toX, height) < enough) window.toX--
  while (window.fromY < 0 && kernel.massWithin(width, -window.fromY) > spare) window.fromY++
  while (window.toY > 0 && kernel.massWithin(width, height - window.toY) < enough) window.toY--
}
