import { type CyclicLayout, cyclicLayout } from './cyclicLayout.js'
import { THREE_TERMS, TWO_TERMS } from './exponentialSum.js'
import { twiddles } from './fftLength.js'
import type { Box, Kernel, Window } from './kernel.js'
import { decimate, restore, type Signals } from './plainFft.js'
import { gain } from './totalSaliency.js'

/** Unit roundoff of float64. */
const U = 2 ** -53

/** The kernel in plain TypeScript, float64. */
export function plainKernel(): Kernel {
  const twiddlesOf = new Map<number, Float64Array>()
  let a: Float32Array = new Float32Array(0)
  let b: Float32Array = new Float32Array(0)
  let width = 0
  let height = 0
  let aBox: Box
  let bBox: Box
  let balance = 1
  let bTotal = 0
  let table = new Float64Array(0)
  let aDecays = new Float64Array(0)
  let bDecays = new Float64Array(0)
  let bounds = new Float64Array(0)
  let candidates = new Int32Array(0)
  let columnSignals: Signals = signals(0)
  let rowSignals: Signals = signals(0)
  let sums: Signals = signals(0)
  let layout: CyclicLayout
  let lastX = 0
  let lastY = 0

  function twiddlesFor(length: number): Float64Array {
    let values = twiddlesOf.get(length)
    if (!values) {
      values = Float64Array.from(twiddles(length))
      twiddlesOf.set(length, values)
    }
    return values
  }

  return {
    gainError: 0,

    load(aMap, bMap, mapWidth, mapHeight, aMapBox, bMapBox, _largest, aTotal, bMapTotal) {
      a = aMap
      b = bMap
      width = mapWidth
      height = mapHeight
      aBox = aMapBox
      bBox = bMapBox
      bTotal = bMapTotal
      balance = Math.sqrt(bTotal / aTotal)
      if (table.length < (width + 1) * (height + 1)) table = new Float64Array((width + 1) * (height + 1))
      if (aDecays.length < a.length) {
        aDecays = new Float64Array(a.length)
        bDecays = new Float64Array(a.length)
      }
      integrate(b, width, height, table)
    },

    massLeftOf: (x) => table[height * (width + 1) + x]!,
    massAbove: (y) => table[y * (width + 1) + width]!,
    gain: (dx, dy) => gain(a, b, width, height, dx, dy),

    bound(window: Window, sigma: number): number {
      const sum = width * height < 2000 ? TWO_TERMS : THREE_TERMS
      layout = cyclicLayout(aBox, bBox, window)
      lastX = window.toX
      lastY = window.toY
      const { pointsX, pointsY, columns, rows } = layout
      const points = pointsX * pointsY
      const boxColumns = Math.max(aBox.right - aBox.left, bBox.right - bBox.left)
      if (columnSignals.re.length < points) {
        columnSignals = signals(points)
        rowSignals = signals(points)
        sums = signals(points)
      }
      if (bounds.length < columns * rows) {
        bounds = new Float64Array(columns * rows)
        candidates = new Int32Array(columns * rows)
      }
      retain(table, width, height, lastX, lastY, columns, rows, bounds)
      sums.re.fill(0, 0, points)
      sums.im.fill(0, 0, points)
      const fft = 4 * U * Math.log2(points)
      decay(a, sum.rate / sigma, aDecays)
      decay(b, sum.rate / sigma, bDecays)
      let error = 0
      let multiple = 1
      for (const { weight, use, keep } of sum.terms) {
        const squares =
          damp(a, aDecays, aBox, false, width, balance / sigma, use, keep, columnSignals.re, boxColumns, pointsY) +
          damp(b, bDecays, bBox, true, width, 1 / (balance * sigma), use, keep, columnSignals.im, boxColumns, pointsY)
        error += weight * squares * (2 * fft + U * (44 * use * multiple + 12))
        multiple *= keep
        decimate(columnSignals, boxColumns, pointsY, twiddlesFor(pointsY))
        transpose(columnSignals.re, boxColumns, rowSignals.re, pointsY, pointsX)
        transpose(columnSignals.im, boxColumns, rowSignals.im, pointsY, pointsX)
        decimate(rowSignals, pointsY, pointsX, twiddlesFor(pointsX))
        addSquares(rowSignals, weight, points, sums)
      }
      const norm = normOf(sums, points)
      restore(sums, pointsY, pointsX, twiddlesFor(pointsX))
      for (let i = 0; i < columns; i++) {
        const from = ((layout.firstX + i) % pointsX) * pointsY
        for (let y = 0; y < pointsY; y++) {
          columnSignals.re[y * columns + i] = sums.re[from + y]!
          columnSignals.im[y * columns + i] = sums.im[from + y]!
        }
      }
      restore(columnSignals, columns, pointsY, twiddlesFor(pointsY))
      for (let j = 0; j < rows; j++) {
        const from = ((layout.firstY + j) % pointsY) * columns
        for (let i = 0; i < columns; i++) {
          bounds[j * columns + i]! -= (sigma / points) * columnSignals.im[from + i]!
        }
      }
      return sigma * (error + fft * Math.sqrt(norm / points)) + 4 * (width + height) * U * bTotal
    },

    greatest() {
      let most = Number.NEGATIVE_INFINITY
      for (let i = 0; i < layout.columns * layout.rows; i++) if (bounds[i]! > most) most = bounds[i]!
      return most
    },

    collect(threshold) {
      let count = 0
      for (let i = 0; i < layout.columns * layout.rows; i++) if (bounds[i]! >= threshold) candidates[count++] = i
      return count
    },

    candidate: (i) => candidates[i]!,
    boundOf: (index) => bounds[index]!,
    shiftX: (index) => lastX - (index % layout.columns),
    shiftY: (index) => lastY - Math.floor(index / layout.columns),
  }
}

function signals(points: number): Signals {
  return { re: new Float64Array(points), im: new Float64Array(points) }
}

/** Summed-area table of height + 1 rows of width + 1: entry (x, y) is the sum of the pixels left of x and above y. */
function integrate(map: Float32Array, width: number, height: number, table: Float64Array): void {
  const stride = width + 1
  table.fill(0, 0, stride)
  for (let y = 0; y < height; y++) {
    const to = (y + 1) * stride
    let row = 0
    table[to] = 0
    for (let x = 0; x < width; x++) {
      row += map[y * width + x]!
      table[to + x + 1] = table[to + x + 1 - stride]! + row
    }
  }
}

/** What b keeps inside the frame for the shifts (lastX - i, lastY - j): row j, column i of `kept`. */
function retain(
  table: Float64Array,
  width: number,
  height: number,
  lastX: number,
  lastY: number,
  columns: number,
  rows: number,
  kept: Float64Array,
): void {
  for (let j = 0; j < rows; j++) {
    const top = Math.max(0, j - lastY) * (width + 1)
    const bottom = Math.min(height, height + j - lastY) * (width + 1)
    for (let i = 0; i < columns; i++) {
      const left = Math.max(0, i - lastX)
      const right = Math.min(width, width + i - lastX)
      kept[j * columns + i] = table[bottom + right]! - table[top + right]! - table[bottom + left]! + table[top + left]!
    }
  }
}

/** exp(-rate value) of every pixel. */
function decay(map: Float32Array, rate: number, to: Float64Array): void {
  for (let i = 0; i < map.length; i++) to[i] = Math.exp(-rate * map[i]!)
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
function damp(
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
  let squares = 0
  for (let y = 0; y < boxHeight; y++) {
    const from = (box.top + y) * width + box.left
    const step = reversed ? -1 : 1
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

/** Writes the columns of `from` (rows of `columns`) as rows of `length`, and zeros for the rest of `rows` rows. */
function transpose(from: Float64Array, columns: number, to: Float64Array, length: number, rows: number): void {
  for (let x = 0; x < columns; x++) {
    for (let y = 0; y < length; y++) to[x * length + y] = from[y * columns + x]!
  }
  to.fill(0, columns * length, rows * length)
}

function addSquares({ re, im }: Signals, weight: number, points: number, sums: Signals): void {
  for (let i = 0; i < points; i++) {
    sums.re[i]! += weight * (re[i]! * re[i]! - im[i]! * im[i]!)
    sums.im[i]! += 2 * weight * re[i]! * im[i]!
  }
}

function normOf({ re, im }: Signals, points: number): number {
  let sum = 0
  for (let i = 0; i < points; i++) sum += re[i]! * re[i]! + im[i]! * im[i]!
  return sum
}
