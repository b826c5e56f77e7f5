import type { CyclicLayout } from './cyclicLayout.js'
import type { Opposites } from './fftLength.js'
import type { Box } from './pair.js'
import type { Signals } from './plainFft.js'

/** As assembly/overlap.ts, in float64: a lower bound on the overlap of `a` and the moved `b` for every shift at once. */

export function signals(points: number): Signals {
  return { re: new Float64Array(points), im: new Float64Array(points) }
}

/** exp(-n / 256) for n / 256 up to LIMIT. */
const LIMIT = 40
const EXPONENTIALS = Float64Array.from({ length: LIMIT * 256 + 1 }, (_, n) => Math.exp(-n / 256))

/**
 * Writes scale * value * exp(-rate value) of every pixel, 0 where the exponent is below -LIMIT; returns the sum of their
 * squares.
 */
export function damp(map: Float32Array, rate: number, scale: number, to: Float64Array): number {
  let squares = 0
  for (let i = 0; i < map.length; i++) {
    const value = map[i]!
    const t = rate * value
    let damped = 0
    if (t < LIMIT) {
      // The series of exp(r), |r| <= 1 / 512, is cut at r^5 / 5! < 2^-51.
      const n = (t * 256 + 0.5) | 0
      const r = n / 256 - t
      damped = scale * value * EXPONENTIALS[n]! * (1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24)))))
    }
    squares += damped * damped
    to[i] = damped
  }
  return squares
}

/** Writes the pixels of `box`, in reverse order if `reversed`, as `rows` rows of `columns`, with zeros around. */
export function place(
  values: Float64Array,
  box: Box,
  reversed: boolean,
  width: number,
  to: Float64Array,
  columns: number,
  rows: number,
): void {
  const boxWidth = box.right - box.left
  const boxHeight = box.bottom - box.top
  to.fill(0, boxWidth < columns ? 0 : boxHeight * columns, columns * rows)
  const step = reversed ? -1 : 1
  for (let y = 0; y < boxHeight; y++) {
    let from = (box.top + y) * width + (reversed ? box.right - 1 : box.left)
    const start = (reversed ? boxHeight - 1 - y : y) * columns
    for (let p = start; p < start + boxWidth; p++) {
      to[p] = values[from]!
      from += step
    }
  }
}

/** Pairs of rows of a picture transformed at once: few enough for the nearest cache. */
export const PAIRS = 16

/**
 * Writes `count` pairs of rows of a picture from the `first` on, transposed, to pointsX rows: the halves, then their
 * opposites; the rest zeros.
 */
export function transpose(
  { re, im }: Signals,
  columns: number,
  { opposite, halves }: Opposites,
  first: number,
  count: number,
  pointsX: number,
  to: Signals,
): void {
  const lines = 2 * count
  const toRe = to.re
  const toIm = to.im
  for (let y = 0; y < lines; y++) {
    const row = y < count ? halves[first + y]! : opposite[halves[first + y - count]!]!
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
 * Adds the spectrum of the imaginary part of z convolved with itself, (Z(k)^2 - conj(Z(-k)^2)) / 2i, to `sum`, or
 * sets it if `first`. As it is that of real numbers, only the halves of the pairs are needed.
 */
export function addProducts(
  { re, im }: Signals,
  count: number,
  oppositeX: Int32Array,
  first: boolean,
  sum: Signals,
): void {
  const sumRe = sum.re
  const sumIm = sum.im
  let to = 0
  for (let x = 0; x < oppositeX.length; x++) {
    let q = (2 * oppositeX[x]! + 1) * count
    for (let p = 2 * x * count; p < (2 * x + 1) * count; p++) {
      const pR = re[p]!
      const pI = im[p]!
      const qR = re[q]!
      const qI = im[q++]!
      const productR = pR * pI + qR * qI
      const productI = 0.5 * ((qR - qI) * (qR + qI) - (pR - pI) * (pR + pI))
      sumRe[to] = first ? productR : sumRe[to]! + productR
      sumIm[to] = first ? productI : sumIm[to]! + productI
      to++
    }
  }
}

/**
 * Writes the window's columns, transposed, to the pairs' rows of a picture whose columns are two of the window each: one
 * of its first half, and i times one of its second.
 */
export function crop(
  { re, im }: Signals,
  { opposite, halves }: Opposites,
  first: number,
  count: number,
  { pointsX, firstX, columns }: CyclicLayout,
  to: Signals,
): void {
  const toRe = to.re
  const toIm = to.im
  const half = (columns + 1) >> 1
  for (let i = 0; i < half; i++) {
    let p = ((firstX + i) % pointsX) * count
    let q = ((firstX + half + i) % pointsX) * count
    for (let y = first; y < first + count; y++) {
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
