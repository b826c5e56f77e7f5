import type { CyclicLayout } from './cyclicLayout.js'
import type { Opposites } from './fftLength.js'
import type { Box } from './kernel.js'
import type { Signals } from './plainFft.js'

/** As assembly/overlap.ts, in float64: a lower bound on the overlap of `a` and the moved `b` for every shift at once. */

export function signals(points: number): Signals {
  return { re: new Float64Array(points), im: new Float64Array(points) }
}

/** exp(-n / 32) for n / 32 up to LIMIT. */
const LIMIT = 40
const EXPONENTIALS = Float64Array.from({ length: LIMIT * 32 + 1 }, (_, n) => Math.exp(-n / 32))

/** exp(-rate value) of every pixel; 0 where the exponent is below -LIMIT. */
export function decay(map: Float32Array, rate: number, to: Float64Array): void {
  for (let i = 0; i < map.length; i++) {
    const t = rate * map[i]!
    if (t < LIMIT) {
      // The series of exp(r), |r| <= 1 / 64, is cut at r^7 / 7! < 2^-54.
      const n = (t * 32 + 0.5) | 0
      const r = n / 32 - t
      const tail = 1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720))))
      to[i] = EXPONENTIALS[n]! * (1 + r * (1 + r * tail))
    } else to[i] = 0
  }
}

function power(base: number, exponent: number): number {
  let result = exponent & 1 ? base : 1
  let square = base
  for (let rest = exponent >> 1; rest > 0; rest >>= 1) {
    square *= square
    if (rest & 1) result *= square
  }
  return result
}

/**
 * Writes scale * value * decay^use of the pixels of `box`, reversed in both directions if `reversed`, as `rows` rows of
 * `columns`, with zeros around, and raises the decays to the power `keep`; returns the sum of the squares.
 */
export function damp(
  map: Float32Array,
  decays: Float64Array,
  box: Box,
  reversed: boolean,
  width: number,
  scale: number,
  use: number,
  keep: number,
  to: Float64Array,
  columns: number,
  rows: number,
): number {
  to.fill(0, 0, columns * rows)
  const boxWidth = box.right - box.left
  const boxHeight = box.bottom - box.top
  const step = reversed ? -1 : 1
  let squares = 0
  for (let y = 0; y < boxHeight; y++) {
    const from = (box.top + y) * width + box.left
    let p = reversed ? (boxHeight - 1 - y) * columns + boxWidth - 1 : y * columns
    for (let i = from; i < from + boxWidth; i++) {
      const damped = scale * map[i]! * power(decays[i]!, use)
      if (keep > 1) decays[i] = power(decays[i]!, keep)
      squares += damped * damped
      to[p] = damped
      p += step
    }
  }
  return squares
}

/** Pairs of rows of a picture transformed at once: few enough for the nearest cache. */
export const PAIRS = 16

/** `count` of the pairs of opposite frequencies, from the `first` on. */
export interface Pairs {
  readonly opposites: Opposites
  readonly first: number
  readonly count: number
}

/** Writes pairs of rows of a picture, transposed, to pointsX rows: the halves, then their opposites; the rest zeros. */
export function transpose({ re, im }: Signals, columns: number, pairs: Pairs, pointsX: number, to: Signals): void {
  const { opposite, halves } = pairs.opposites
  const lines = 2 * pairs.count
  const toRe = to.re
  const toIm = to.im
  for (let y = 0; y < lines; y++) {
    const row = y < pairs.count ? halves[pairs.first + y]! : opposite[halves[pairs.first + y - pairs.count]!]!
    let p = row * columns
    for (let i = y; i < columns * lines; i += lines) {
      toRe[i] = re[p]!
      toIm[i] = im[p++]!
    }
  }
  toRe.fill(0, columns * lines, pointsX * lines)
  toIm.fill(0, columns * lines, pointsX * lines)
}

/**
 * Adds the spectrum of the imaginary part of z convolved with itself, (Z(k)^2 - conj(Z(-k)^2)) / 2i, times `weight` to
 * `sum`, or sets it if `first`. As it is that of real numbers, only the halves of the pairs are needed.
 */
export function addProducts(
  { re, im }: Signals,
  count: number,
  oppositeX: Int32Array,
  weight: number,
  first: boolean,
  sum: Signals,
): void {
  const sumRe = sum.re
  const sumIm = sum.im
  const half = weight / 2
  let to = 0
  for (let x = 0; x < oppositeX.length; x++) {
    let q = (2 * oppositeX[x]! + 1) * count
    for (let p = 2 * x * count; p < (2 * x + 1) * count; p++) {
      const pR = re[p]!
      const pI = im[p]!
      const qR = re[q]!
      const qI = im[q++]!
      sumRe[to] = weight * (pR * pI + qR * qI) + (first ? 0 : sumRe[to]!)
      sumIm[to] = half * (qR * qR - qI * qI - pR * pR + pI * pI) + (first ? 0 : sumIm[to]!)
      to++
    }
  }
}

/**
 * Writes the window's columns, transposed, to the pairs' rows of a picture whose columns are two of the window each: one
 * of its first half, and i times one of its second.
 */
export function crop({ re, im }: Signals, pairs: Pairs, layout: CyclicLayout, to: Signals): void {
  const { opposite, halves } = pairs.opposites
  const { pointsX, firstX, columns } = layout
  const toRe = to.re
  const toIm = to.im
  const half = (columns + 1) >> 1
  for (let i = 0; i < half; i++) {
    let p = ((firstX + i) % pointsX) * pairs.count
    let q = ((firstX + half + i) % pointsX) * pairs.count
    for (let y = pairs.first; y < pairs.first + pairs.count; y++) {
      const pR = re[p]!
      const pI = im[p++]!
      const qR = re[q]!
      const qI = im[q++]!
      const here = halves[y]! * half + i
      const there = opposite[halves[y]!]! * half + i
      toRe[here] = pR - qI
      toIm[here] = pI + qR
      toRe[there] = pR + qI
      toIm[there] = qR - pI
    }
  }
}

/** Subtracts scale times the picture of `crop`, restored, where the window's rows lie, from `bounds`. */
export function subtract(
  { re, im }: Signals,
  { pointsY, firstY, columns, rows }: CyclicLayout,
  scale: number,
  bounds: Float64Array,
): void {
  const half = (columns + 1) >> 1
  for (let j = 0; j < rows; j++) {
    const from = ((firstY + j) % pointsY) * half
    let to = j * columns
    for (let i = 0; i < half; i++) bounds[to++]! -= scale * re[from + i]!
    for (let i = 0; i < columns - half; i++) bounds[to++]! -= scale * im[from + i]!
  }
}
