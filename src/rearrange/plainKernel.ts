import { CyclicLayout } from './cyclicLayout.js'
import { type ExponentialSum, multiples, THREE_TERMS, TWO_TERMS } from './exponentialSum.js'
import { type Opposites, opposites, twiddles } from './fftLength.js'
import type { Kernel, Window } from './kernel.js'
import { Pair } from './pair.js'
import { collisions } from './plainCollisions.js'
import { decimate, restore, type Signals } from './plainFft.js'
import { addProducts, crop, damp, PAIRS, place, signals, subtract, transpose } from './plainOverlap.js'

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
  private aDamped = new Float64Array(0)
  private bDamped = new Float64Array(0)
  private bounds = new Float64Array(0)
  private candidates = new Int32Array(0)
  private pictures: Signals[] = []
  private lines = signals(0)
  private sum = signals(0)
  private window = signals(0)
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
      this.aDamped = new Float64Array(width * height)
      this.bDamped = new Float64Array(width * height)
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
    const { pair, balance } = this
    const { a, b, width, height } = pair
    const terms = width * height < 2000 ? FEW : MORE
    this.fit(window)
    let squares = 0
    for (let k = 0; k < terms.length; k++) {
      const { weight, rate } = terms[k]!
      const scale = Math.sqrt(weight)
      squares += damp(a.map, rate / sigma, (scale * balance) / sigma, this.aDamped)
      squares += damp(b.map, rate / sigma, scale / (balance * sigma), this.bDamped)
      this.draw(k, this.aDamped, this.bDamped)
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
      this.draw(k, a, b)
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

  /** Draws z = a' + i b' of the k-th term, b' reversed, and transforms its columns. */
  private draw(k: number, a: Float64Array, b: Float64Array): void {
    const { pair, boxColumns, layout } = this
    const picture = this.pictures[k]!
    const { pointsY } = layout
    place(a, pair.a, false, pair.width, picture.re, boxColumns, pointsY)
    place(b, pair.b, true, pair.width, picture.im, boxColumns, pointsY)
    decimate(picture, boxColumns, pointsY, this.twiddlesFor(pointsY))
  }

  /** Sets the bounds to what b keeps in the frame less `scale` times the imaginary part of the sum of z_k * z_k. */
  private convolve(terms: number, scale: number): void {
    const { pictures, boxColumns, lines, sum, layout, window, bounds } = this
    const { pointsX, pointsY, columns, rows } = layout
    const twiddlesX = this.twiddlesFor(pointsX)
    const { opposite } = this.oppositesFor(pointsX)
    const opposites = this.oppositesFor(pointsY)
    const { length } = opposites.halves
    const most = Math.ceil(length / Math.ceil(length / PAIRS))
    for (let first = 0; first < length; first += most) {
      const count = Math.min(most, length - first)
      for (let k = 0; k < terms; k++) {
        transpose(pictures[k]!, boxColumns, opposites, first, count, pointsX, lines)
        decimate(lines, 2 * count, pointsX, twiddlesX)
        addProducts(lines, count, opposite, k === 0, sum)
      }
      restore(sum, count, pointsX, twiddlesX)
      crop(sum, opposites, first, count, layout, window)
    }
    restore(window, (columns + 1) >> 1, pointsY, this.twiddlesFor(pointsY))
    retain(this.table, this.pair.width, this.pair.height, this.lastX, this.lastY, columns, rows, bounds)
    subtract(window, layout, scale / (pointsX * pointsY), bounds)
  }

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
  const split = Math.min(columns, Math.max(0, lastX))
  for (let j = 0; j < rows; j++) {
    const top = Math.max(0, j - lastY) * (width + 1)
    const bottom = Math.min(height, height + j - lastY) * (width + 1)
    const to = j * columns
    // Columns before `split` lose what leaves on the right, the others what leaves on the left.
    for (let i = 0; i < split; i++) {
      const x = width + i - lastX
      kept[to + i] = table[bottom + x]! - table[top + x]!
    }
    const whole = table[bottom + width]! - table[top + width]!
    for (let i = split; i < columns; i++) kept[to + i] = whole - (table[bottom + i - lastX]! - table[top + i - lastX]!)
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
