import { CyclicLayout } from './cyclicLayout.js'
import { type ExponentialSum, multiples, THREE_TERMS, TWO_TERMS } from './exponentialSum.js'
import { type Opposites, opposites, twiddles } from './fftLength.js'
import type { Kernel, Window } from './kernel.js'
import { Pair } from './pair.js'
import { collisions } from './plainCollisions.js'
import { decimate, restore } from './plainFft.js'
import { integrate, retain } from './plainMass.js'
import { addProducts, crop, damp, PAIRS, place, startRows, subtract } from './plainOverlap.js'

/** Unit roundoff of float64. */
const U = 2 ** -53

/** The terms weight exp(-rate x) of a sum. */
function separate(sum: ExponentialSum): readonly { weight: number; rate: number }[] {
  const rates = multiples(sum)
  return sum.terms.map(({ weight }, k) => ({ weight, rate: sum.rate * rates[k]! }))
}

const FEW = separate(TWO_TERMS)
const MORE = separate(THREE_TERMS)

/** The kernel in plain TypeScript, float64. */
export class PlainKernel implements Kernel {
  gainError = 0
  private readonly twiddlesOf = new Map<number, Float64Array>()
  private readonly oppositesOf = new Map<number, Opposites>()
  private pair = new Pair()
  private balance = 1
  private table = new Float64Array(0)
  /** The pixels of both maps' boxes as a + i b, b's reversed, and the same for a term of the overlap. */
  private boxes = new Float64Array(0)
  private drawn = new Float64Array(0)
  private columnStarts = new Int32Array(0)
  private readonly rowStarts = new Int32Array(2 * PAIRS)
  private pictures: Float64Array[] = []
  private lines: Float64Array[] = []
  private sum = new Float64Array(0)
  private window = new Float64Array(0)
  private bounds = new Float64Array(0)
  private candidates = new Int32Array(0)
  private readonly layout = new CyclicLayout()
  private lastX = 0
  private lastY = 0
  /** How many bounds there are. */
  private count = 0

  load(pair: Pair): void {
    const { a, b, width, height } = pair
    this.pair = pair
    this.balance = Math.sqrt(b.total / a.total)
    if (this.table.length < (width + 1) * (height + 1)) {
      this.table = new Float64Array((width + 1) * (height + 1))
      this.boxes = new Float64Array(2 * width * height)
      this.drawn = new Float64Array(2 * width * height)
    }
    integrate(b.map, width, height, this.table)
    // A collision takes 8 roundings, then at most width / 2 + height additions; an entry of the table width + height.
    const additions = width + height + 8
    this.gainError = U * additions * (2 * Math.min(a.total, b.total) + 4 * b.total)
  }

  gain(dx: number, dy: number): number {
    const { a, b, width, height } = this.pair
    const right = Math.min(width, width - dx)
    const bottom = Math.min(height, height - dy)
    const left = Math.max(0, -dx)
    const top = Math.max(0, -dy)
    const kept =
      this.massWithin(right, bottom) -
      this.massWithin(left, bottom) -
      this.massWithin(right, top) +
      this.massWithin(left, top)
    return kept - 2 * collisions(a, b, width, dx, dy)
  }

  bound(window: Window, sigma: number): number {
    const { pair, balance, boxes, drawn } = this
    const { a, b, width, height } = pair
    const terms = width * height < 2000 ? FEW : MORE
    this.fit(window)
    this.place(a.map, b.map, boxes)
    const points = this.boxColumns * this.boxRows
    let squares = 0
    for (let k = 0; k < terms.length; k++) {
      const { weight, rate } = terms[k]!
      const scale = Math.sqrt(weight)
      squares += damp(boxes, points, rate / sigma, (scale * balance) / sigma, scale / (balance * sigma), drawn)
      this.transformColumns(k)
    }
    this.convolve(terms.length, sigma)
    return this.margin(sigma * squares, 120)
  }

  /** The greatest error of the bounds, `squares` being the sum of |z_k|^2 and its terms off by at most `roundings`. */
  private margin(squares: number, roundings: number): number {
    const { pair, layout } = this
    const points = layout.pointsX * layout.pointsY
    const fft = 4 * U * Math.log2(points)
    // |sum Z_k^2|_2 <= sum |Z_k|_2^2 = points sum |z_k|_2^2.
    const convolution = squares * (2 * fft + roundings * U + fft * Math.sqrt(points))
    return convolution + 4 * (pair.width + pair.height) * U * pair.b.total
  }

  /**
   * Sets the bounds to what b keeps less twice the correlations of pairs of other maps, 0 where a and b are; returns the
   * greatest error. The pairs are overwritten.
   */
  subtractCorrelations(window: Window, pairs: readonly (readonly Float64Array[])[]): number {
    this.fit(window)
    let squares = 0
    for (let k = 0; k < pairs.length; k++) {
      const [a, b] = pairs[k] as [Float64Array, Float64Array]
      squares += balance(a, b)
      this.place(a, b, this.drawn)
      this.transformColumns(k)
    }
    this.convolve(pairs.length, 1)
    return this.margin(squares, 20)
  }

  greatest(): number {
    const { bounds, count } = this
    let most = 0
    for (let i = 1; i < count; i++) if (bounds[i]! > bounds[most]!) most = i
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

  massWithin(x: number, y: number): number {
    return this.table[y * (this.pair.width + 1) + x]!
  }

  private fit(window: Window): void {
    const { a, b } = this.pair
    this.layout.fit(a, b, window)
    this.lastX = window.toX
    this.lastY = window.toY
    this.reserve()
  }

  /** Columns of a picture before it is transformed along x. */
  private get boxColumns(): number {
    const { a, b } = this.pair
    return Math.max(a.right - a.left, b.right - b.left)
  }

  private get boxRows(): number {
    const { a, b } = this.pair
    return Math.max(a.bottom - a.top, b.bottom - b.top)
  }

  private place(a: Float32Array | Float64Array, b: Float32Array | Float64Array, to: Float64Array): void {
    const { pair, boxColumns, boxRows } = this
    to.fill(0, 0, 2 * boxColumns * boxRows)
    place(a, pair.a, pair.width, false, to, boxColumns)
    place(b, pair.b, pair.width, true, to, boxColumns)
  }

  /** Transforms the columns of what is drawn, of the k-th term. */
  private transformColumns(k: number): void {
    const { drawn, columnStarts, boxColumns, boxRows, layout, pictures } = this
    const { pointsY } = layout
    const source = { values: drawn, starts: columnStarts, step: 2 * boxColumns, filled: boxRows }
    decimate(source, pictures[k]!, boxColumns, pointsY, this.twiddlesFor(pointsY))
  }

  /** Transforms `count` pairs of rows of the k-th term; zeros if there is no such term. */
  private transformRows(k: number, terms: number, count: number, to: Float64Array): void {
    const { pictures, rowStarts, boxColumns, layout } = this
    const { pointsX } = layout
    if (k === terms) return void to.fill(0, 0, 4 * count * pointsX)
    const source = { values: pictures[k]!, starts: rowStarts, step: 2, filled: boxColumns }
    decimate(source, to, 2 * count, pointsX, this.twiddlesFor(pointsX))
  }

  /** Sets the bounds to what b keeps in the frame less `scale` times the imaginary part of the sum of z_k * z_k. */
  private convolve(terms: number, scale: number): void {
    const { boxColumns, lines, sum, layout, window, bounds } = this
    const { pointsX, pointsY, columns, rows } = layout
    const [y, z] = lines as [Float64Array, Float64Array]
    const { opposite } = this.oppositesFor(pointsX)
    const opposites = this.oppositesFor(pointsY)
    const { length } = opposites.halves
    const most = Math.ceil(length / Math.ceil(length / PAIRS))
    for (let first = 0; first < length; first += most) {
      const count = Math.min(most, length - first)
      startRows(opposites, first, count, boxColumns, this.rowStarts)
      for (let k = 0; k < terms; k += 2) {
        this.transformRows(k, terms, count, y)
        this.transformRows(k + 1, terms, count, z)
        addProducts(y, z, count, opposite, k === 0, sum)
      }
      restore(sum, count, pointsX, this.twiddlesFor(pointsX))
      crop(sum, opposites, first, count, layout, window)
    }
    restore(window, (columns + 1) >> 1, pointsY, this.twiddlesFor(pointsY))
    retain(this.table, this.pair.width, this.pair.height, this.lastX, this.lastY, columns, rows, bounds)
    subtract(window, layout, scale / (pointsX * pointsY), bounds)
  }

  private reserve(): void {
    const { pointsX, pointsY, columns, rows } = this.layout
    if (this.window.length < 2 * pointsX * pointsY) {
      this.pictures = THREE_TERMS.terms.map(() => new Float64Array(2 * pointsX * pointsY))
      this.window = new Float64Array(2 * pointsX * pointsY)
    }
    if (this.sum.length < 2 * pointsX * PAIRS) {
      this.lines = [0, 1].map(() => new Float64Array(4 * pointsX * PAIRS))
      this.sum = new Float64Array(2 * pointsX * PAIRS)
    }
    if (this.columnStarts.length < this.boxColumns) {
      this.columnStarts = Int32Array.from({ length: this.boxColumns }, (_, i) => 2 * i)
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

/** Scales two maps, one up and the other down, to the same norm; returns the sum of their squares. */
function balance(a: Float64Array, b: Float64Array): number {
  const norm = (map: Float64Array) => Math.sqrt(map.reduce((sum, value) => sum + value * value, 0))
  const [aNorm, bNorm] = [norm(a), norm(b)]
  const factor = Math.sqrt(bNorm / aNorm)
  for (let i = 0; i < a.length; i++) {
    a[i]! *= factor
    b[i]! /= factor
  }
  return 2 * aNorm * bNorm
}
