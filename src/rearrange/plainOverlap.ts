import type { CyclicLayout } from './cyclicLayout.js'
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

/** Rows of a picture transformed at once: few enough for the nearest cache. */
export const LINES = 16

/** Writes `lines` rows of `columns` from row `from` on, transposed, to pointsX rows of `lines`, with zeros at the end. */
export function transpose(
  { re, im }: Signals,
  columns: number,
  from: number,
  lines: number,
  pointsX: number,
  to: Signals,
): void {
  const toRe = to.re
  const toIm = to.im
  for (let y = 0; y < lines; y++) {
    let p = (from + y) * columns
    for (let i = y; i < columns * lines; i += lines) {
      toRe[i] = re[p]!
      toIm[i] = im[p++]!
    }
  }
  toRe.fill(0, columns * lines, pointsX * lines)
  toIm.fill(0, columns * lines, pointsX * lines)
}

/** Adds weight z^2 of each point to `sum`, or sets it if `first`. */
export function addSquares({ re, im }: Signals, points: number, weight: number, first: boolean, sum: Signals): void {
  const sumRe = sum.re
  const sumIm = sum.im
  for (let i = 0; i < points; i++) {
    const r = re[i]!
    const s = im[i]!
    sumRe[i] = weight * (r * r - s * s) + (first ? 0 : sumRe[i]!)
    sumIm[i] = 2 * weight * r * s + (first ? 0 : sumIm[i]!)
  }
}

/** Writes the window's columns of `lines` rows, transposed, to rows of a picture from row `first` on. */
export function crop(
  { re, im }: Signals,
  lines: number,
  { pointsX, firstX, columns }: CyclicLayout,
  first: number,
  to: Signals,
): void {
  const toRe = to.re
  const toIm = to.im
  for (let i = 0; i < columns; i++) {
    let p = first * columns + i
    const from = ((firstX + i) % pointsX) * lines
    for (let y = from; y < from + lines; y++) {
      toRe[p] = re[y]!
      toIm[p] = im[y]!
      p += columns
    }
  }
}

/** Subtracts scale times `values`, where the window's rows lie, from `bounds`. */
export function subtract(
  values: Float64Array,
  { pointsY, firstY, columns, rows }: CyclicLayout,
  scale: number,
  bounds: Float64Array,
): void {
  for (let j = 0; j < rows; j++) {
    let p = ((firstY + j) % pointsY) * columns
    for (let i = j * columns; i < (j + 1) * columns; i++) bounds[i]! -= scale * values[p++]!
  }
}
