import type { CyclicLayout } from './cyclicLayout.js'
import type { Opposites } from './fftLength.js'
import type { Box } from './pair.js'

/** As assembly/overlap.ts, in float64: a lower bound on the overlap of `a` and the moved `b` for every shift at once. */

/** exp(-n / 256) for n / 256 up to LIMIT. */
const LIMIT = 40
const EXPONENTIALS = Float64Array.from({ length: LIMIT * 256 + 1 }, (_, n) => Math.exp(-n / 256))

/** Writes the pixels of `box` as real parts of rows of `columns`; or as imaginary parts, the last one first. */
export function place(
  values: Float32Array | Float64Array,
  box: Box,
  width: number,
  reversed: boolean,
  to: Float64Array,
  columns: number,
): void {
  const boxWidth = box.right - box.left
  const boxHeight = box.bottom - box.top
  const step = reversed ? -1 : 1
  for (let y = 0; y < boxHeight; y++) {
    let from = reversed ? (box.bottom - 1 - y) * width + box.right - 1 : (box.top + y) * width + box.left
    const start = 2 * y * columns + (reversed ? 1 : 0)
    for (let p = start; p < start + 2 * boxWidth; p += 2) {
      to[p] = values[from]!
      from += step
    }
  }
}

/**
 * Writes scale value exp(-rate value) of `points` pixels of both maps, 0 where the exponent is below -LIMIT; returns the
 * sum of their squares.
 */
export function damp(
  values: Float64Array,
  points: number,
  rate: number,
  aScale: number,
  bScale: number,
  to: Float64Array,
): number {
  let squares = 0
  for (let i = 0; i < 2 * points; i += 2) {
    const a = aScale * values[i]! * exponential(rate * values[i]!)
    const b = bScale * values[i + 1]! * exponential(rate * values[i + 1]!)
    squares += a * a + b * b
    to[i] = a
    to[i + 1] = b
  }
  return squares
}

/** exp(-t) for t >= 0. */
function exponential(t: number): number {
  if (t >= LIMIT) return 0
  // The series of exp(r), |r| <= 1 / 512, is cut at r^5 / 5! < 2^-51.
  const n = (t * 256 + 0.5) | 0
  const r = n / 256 - t
  return EXPONENTIALS[n]! * (1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24)))))
}

/** Pairs of rows of a picture transformed at once: few enough for the nearest cache. */
export const PAIRS = 16

/** Writes where the rows of `count` pairs begin, from the `first` on: the halves, then their opposites. */
export function startRows(
  { opposite, halves }: Opposites,
  first: number,
  count: number,
  columns: number,
  starts: Int32Array,
): void {
  for (let i = 0; i < count; i++) {
    const half = halves[first + i]!
    starts[i] = 2 * half * columns
    starts[count + i] = 2 * opposite[half]! * columns
  }
}

/**
 * Adds the spectra of the imaginary parts of y convolved with itself and of z convolved with itself to `sum`, or sets it
 * if `first`: (Z(k)^2 - conj(Z(-k)^2)) / 2i. As they are those of real numbers, only the halves of the pairs are needed.
 */
export function addProducts(
  y: Float64Array,
  z: Float64Array,
  count: number,
  oppositeX: Int32Array,
  first: boolean,
  sum: Float64Array,
): void {
  let to = 0
  for (let x = 0; x < oppositeX.length; x++) {
    let q = 2 * (2 * oppositeX[x]! + 1) * count
    for (let p = 4 * x * count; p < (4 * x + 2) * count; p += 2) {
      const ypR = y[p]!
      const ypI = y[p + 1]!
      const yqR = y[q]!
      const yqI = y[q + 1]!
      const zpR = z[p]!
      const zpI = z[p + 1]!
      const zqR = z[q]!
      const zqI = z[q + 1]!
      const productR = ypR * ypI + yqR * yqI + zpR * zpI + zqR * zqI
      const productI = (yqR - yqI) * (yqR + yqI) - (ypR - ypI) * (ypR + ypI)
      const productJ = (zqR - zqI) * (zqR + zqI) - (zpR - zpI) * (zpR + zpI)
      sum[to] = first ? productR : sum[to]! + productR
      sum[to + 1] = first ? 0.5 * (productI + productJ) : sum[to + 1]! + 0.5 * (productI + productJ)
      to += 2
      q += 2
    }
  }
}

/**
 * Writes the window's columns, transposed, to the pairs' rows of a picture whose columns are two of the window each: one
 * of its first half, and i times one of its second.
 */
export function crop(
  sum: Float64Array,
  { opposite, halves }: Opposites,
  first: number,
  count: number,
  { pointsX, firstX, columns }: CyclicLayout,
  to: Float64Array,
): void {
  const half = (columns + 1) >> 1
  for (let i = 0; i < half; i++) {
    let p = 2 * ((firstX + i) % pointsX) * count
    let q = 2 * ((firstX + half + i) % pointsX) * count
    for (let y = first; y < first + count; y++) {
      const pR = sum[p]!
      const pI = sum[p + 1]!
      const qR = sum[q]!
      const qI = sum[q + 1]!
      const here = 2 * (halves[y]! * half + i)
      const there = 2 * (opposite[halves[y]!]! * half + i)
      to[here] = pR - qI
      to[here + 1] = pI + qR
      to[there] = pR + qI
      to[there + 1] = qR - pI
      p += 2
      q += 2
    }
  }
}

/** Subtracts scale times the picture of `crop`, restored, where the window's rows lie, from `bounds`. */
export function subtract(
  picture: Float64Array,
  { pointsY, firstY, columns, rows }: CyclicLayout,
  scale: number,
  bounds: Float64Array,
): void {
  const half = (columns + 1) >> 1
  for (let j = 0; j < rows; j++) {
    const from = 2 * ((firstY + j) % pointsY) * half
    const to = j * columns
    for (let i = 0; i < half; i++) bounds[to + i]! -= scale * picture[from + 2 * i]!
    for (let i = half; i < columns; i++) bounds[to + i]! -= scale * picture[from + 2 * (i - half) + 1]!
  }
}
