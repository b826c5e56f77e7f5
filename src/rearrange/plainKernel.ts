import { type CyclicLayout, cyclicLayout } from './cyclicLayout.js'
import { type Term, THREE_TERMS, TWO_TERMS } from './exponentialSum.js'
import { type Opposites, opposites, twiddles } from './fftLength.js'
import type { Box, Kernel, Window } from './kernel.js'
import { decimate, restore, type Signals } from './plainFft.js'
import { addProducts, crop, damp, decay, PAIRS, signals, subtract, transpose } from './plainOverlap.js'
import { gain } from './totalSaliency.js'

/** Unit roundoff of float64. */
const U = 2 ** -53

/** The kernel in plain TypeScript, float64. */
export function plainKernel(): Kernel {
  return new PlainKernel()
}

class PlainKernel implements Kernel {
  readonly gainError = 0
  private readonly twiddlesOf = new Map<number, Float64Array>()
  private readonly oppositesOf = new Map<number, Opposites>()
  private a: Float32Array = new Float32Array(0)
  private b: Float32Array = new Float32Array(0)
  private width = 0
  private height = 0
  private aBox!: Box
  private bBox!: Box
  private balance = 1
  private bTotal = 0
  private table = new Float64Array(0)
  private aDecays = new Float64Array(0)
  private bDecays = new Float64Array(0)
  private bounds = new Float64Array(0)
  private candidates = new Int32Array(0)
  private pictures: Signals[] = []
  private lines = signals(0)
  private sum = signals(0)
  private window = signals(0)
  private layout!: CyclicLayout
  private lastX = 0
  private lastY = 0
  /** How many bounds there are. */
  private count = 0

  load(
    a: Float32Array,
    b: Float32Array,
    width: number,
    height: number,
    aBox: Box,
    bBox: Box,
    _largest: number,
    aTotal: number,
    bTotal: number,
  ): void {
    this.a = a
    this.b = b
    this.width = width
    this.height = height
    this.aBox = aBox
    this.bBox = bBox
    this.bTotal = bTotal
    this.balance = Math.sqrt(bTotal / aTotal)
    if (this.table.length < (width + 1) * (height + 1)) this.table = new Float64Array((width + 1) * (height + 1))
    if (this.aDecays.length < a.length) {
      this.aDecays = new Float64Array(a.length)
      this.bDecays = new Float64Array(a.length)
    }
    integrate(b, width, height, this.table)
  }

  massLeftOf(x: number): number {
    return this.table[this.height * (this.width + 1) + x]!
  }

  massAbove(y: number): number {
    return this.table[y * (this.width + 1) + this.width]!
  }

  gain(dx: number, dy: number): number {
    return gain(this.a, this.b, this.width, this.height, dx, dy)
  }

  bound(window: Window, sigma: number): number {
    const { width, height, bTotal } = this
    const { rate, terms } = width * height < 2000 ? TWO_TERMS : THREE_TERMS
    this.layout = cyclicLayout(this.aBox, this.bBox, window)
    this.lastX = window.toX
    this.lastY = window.toY
    this.reserve()
    const { pointsX, pointsY, columns, rows } = this.layout
    const points = pointsX * pointsY
    const twiddlesY = this.twiddlesFor(pointsY)
    const fft = 4 * U * Math.log2(points)
    decay(this.a, rate / sigma, this.aDecays)
    decay(this.b, rate / sigma, this.bDecays)
    const boxColumns = Math.max(this.aBox.right - this.aBox.left, this.bBox.right - this.bBox.left)
    let mass = 0
    let error = 0
    let multiple = 1
    for (const [k, { weight, use, keep }] of terms.entries()) {
      const squares = this.draw(this.pictures[k]!, boxColumns, sigma, use, keep)
      mass += weight * squares
      error += weight * squares * (2 * fft + U * (44 * use * multiple + 12))
      multiple *= keep
      decimate(this.pictures[k]!, boxColumns, pointsY, twiddlesY)
    }
    this.convolve(terms, boxColumns)
    restore(this.window, (columns + 1) >> 1, pointsY, twiddlesY)
    retain(this.table, width, height, this.lastX, this.lastY, columns, rows, this.bounds)
    subtract(this.window, this.layout, sigma / points, this.bounds)
    // |sum w Z_k^2|_2 <= sum w |Z_k|_2^2 = points sum w |z_k|_2^2.
    return sigma * (error + fft * Math.sqrt(points) * mass) + 4 * (width + height) * U * bTotal
  }

  greatest(): number {
    const { bounds, count } = this
    let most = Number.NEGATIVE_INFINITY
    for (let i = 0; i < count; i++) if (bounds[i]! > most) most = bounds[i]!
    return most
  }

  collect(threshold: number): number {
    const { bounds, candidates, count } = this
    let found = 0
    for (let i = 0; i < count; i++) if (bounds[i]! >= threshold) candidates[found++] = i
    return found
  }

  candidate(i: number): number {
    return this.candidates[i]!
  }

  boundOf(index: number): number {
    return this.bounds[index]!
  }

  shiftX(index: number): number {
    return this.lastX - (index % this.layout.columns)
  }

  shiftY(index: number): number {
    return this.lastY - Math.floor(index / this.layout.columns)
  }

  /** Draws z = a' + i b' of a term, b' reversed; returns the sum of |z|^2. */
  private draw({ re, im }: Signals, columns: number, sigma: number, use: number, keep: number): number {
    const { a, b, aDecays, bDecays, aBox, bBox, width, balance } = this
    const rows = this.layout.pointsY
    return (
      damp(a, aDecays, aBox, false, width, balance / sigma, use, keep, re, columns, rows) +
      damp(b, bDecays, bBox, true, width, 1 / (balance * sigma), use, keep, im, columns, rows)
    )
  }

  /** From the columns' spectra of all terms, the window's columns of sum w z_k * z_k, still to be restored along y. */
  private convolve(terms: readonly Term[], boxColumns: number): void {
    const { pictures, lines, sum, layout } = this
    const { pointsX, pointsY } = layout
    const twiddlesX = this.twiddlesFor(pointsX)
    const { opposite } = this.oppositesFor(pointsX)
    const opposites = this.oppositesFor(pointsY)
    const { length } = opposites.halves
    const most = Math.ceil(length / Math.ceil(length / PAIRS))
    for (let first = 0; first < length; first += most) {
      const count = Math.min(most, length - first)
      const pairs = { opposites, first, count }
      for (let k = 0; k < terms.length; k++) {
        transpose(pictures[k]!, boxColumns, pairs, pointsX, lines)
        decimate(lines, 2 * count, pointsX, twiddlesX)
        addProducts(lines, count, opposite, terms[k]!.weight, k === 0, sum)
      }
      restore(sum, count, pointsX, twiddlesX)
      crop(sum, pairs, layout, this.window)
    }
  }

  /** Makes room for the layout's transforms and bounds. */
  private reserve(): void {
    const { pointsX, pointsY, columns, rows } = this.layout
    if (this.window.re.length < pointsX * pointsY) {
      this.pictures = Array.from({ length: THREE_TERMS.terms.length }, () => signals(pointsX * pointsY))
      this.window = signals(pointsX * pointsY)
    }
    if (this.sum.re.length < pointsX * PAIRS) {
      this.lines = signals(2 * pointsX * PAIRS)
      this.sum = signals(pointsX * PAIRS)
    }
    this.count = columns * rows
    if (this.bounds.length < this.count) {
      this.bounds = new Float64Array(this.count)
      this.candidates = new Int32Array(this.count)
    }
  }

  private twiddlesFor(length: number): Float64Array {
    let values = this.twiddlesOf.get(length)
    if (!values) {
      values = Float64Array.from(twiddles(length))
      this.twiddlesOf.set(length, values)
    }
    return values
  }

  private oppositesFor(length: number): Opposites {
    let pairs = this.oppositesOf.get(length)
    if (!pairs) {
      pairs = opposites(length)
      this.oppositesOf.set(length, pairs)
    }
    return pairs
  }
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
      const left = i > lastX ? i - lastX : 0
      const right = i > lastX ? width : width + i - lastX
      kept[j * columns + i] = table[bottom + right]! - table[top + right]! - table[bottom + left]! + table[top + left]!
    }
  }
}
