import { CyclicLayout } from './cyclicLayout.js'
import { type ExponentialSum, FOUR_TERMS, THREE_TERMS } from './exponentialSum.js'
import { FFT_LENGTHS, twiddles } from './fftLength.js'
import { wasm } from './kernel.generated.js'
import type { Kernel, Window } from './kernel.js'
import { Pair } from './pair.js'
import type { SimdExports } from './simdExports.js'

/** Unit roundoff of float32. */
const U = 2 ** -24

/** Bytes of one point of an FFT of four signals, and zeros after each row of a map (assembly/fft.ts, maps.ts). */
const POINT = 32
const PADDING = 8

/** Thrown where the kernel gets no memory. */
export class NoMemory extends Error {}

/**
 * The kernel in WebAssembly with 128-bit SIMD, float32. Its memory is kept and grows as needed. Throws NoMemory where there is
 * none: V8 reserves 10 GB of addresses for each such memory, however little of it is used, and `ulimit -v` counts them.
 */
export function simdKernel(): Kernel {
  const instance = orNoMemory(() => new WebAssembly.Instance(new WebAssembly.Module(wasm())))
  return new SimdKernel(instance.exports as unknown as SimdExports)
}

function orNoMemory<T>(allocate: () => T): T {
  try {
    return allocate()
  } catch (cause) {
    throw new NoMemory('no memory for WebAssembly', { cause })
  }
}

class SimdKernel implements Kernel {
  gainError = 0
  private readonly exports: SimdExports
  private floats: Float32Array
  private integers: Int32Array
  /** Where free memory begins: all of it, behind the twiddles, and behind the pair's maps. */
  private end = 64
  private readonly fixed: number
  private mapsEnd = 0
  private readonly twiddlesOf = new Map<number, number>()
  private pair = new Pair()
  private readonly layout = new CyclicLayout()
  private unit = 0
  private a = 0
  private b = 0
  private aDecays = 0
  private bDecays = 0
  private aInverse = 0
  private bInverse = 0
  private table = 0
  private scratch = 0
  private spectra = 0
  private sums = 0
  private bounds = 0
  private candidates = 0
  private columns = 0
  private rows = 0
  private lastX = 0
  private lastY = 0

  constructor(exports: SimdExports) {
    this.exports = exports
    this.floats = new Float32Array(exports.memory.buffer)
    this.integers = new Int32Array(exports.memory.buffer)
    for (const length of FFT_LENGTHS) {
      const values = twiddles(length)
      const start = this.reserve(4 * values.length)
      this.floats.set(values, start / 4)
      this.twiddlesOf.set(length, start)
    }
    this.fixed = this.end
  }

  load(pair: Pair): void {
    const { exports } = this
    const { a, b, width, height } = pair
    this.pair = pair
    this.unit = Math.max(a.largest, b.largest)
    this.reserveMaps()
    const raw = this.reserve(4 * width * height)
    const sums = this.reserve(8 * (width + 1))
    this.floats.set(a.map, raw / 4)
    exports.pad(raw, width, height, this.a)
    exports.invert(raw, width, height, this.unit, this.aInverse)
    this.floats.set(b.map, raw / 4)
    exports.padReversed(raw, width, height, this.b)
    exports.invert(raw, width, height, this.unit, this.bInverse)
    exports.integrate(raw, width, height, sums, this.table)
    // A collision takes 9 roundings, then at most width / 8 + 4 additions in float32; an entry of the table one.
    this.gainError = U * ((width / 8 + 14) * 2 * Math.min(a.total, b.total) + 8 * b.total)
  }

  gain(dx: number, dy: number): number {
    const { a, b, width, height } = this.pair
    const kept =
      this.massWithin(Math.min(width, width - dx), Math.min(height, height - dy)) -
      this.massWithin(Math.max(0, -dx), Math.min(height, height - dy)) -
      this.massWithin(Math.min(width, width - dx), Math.max(0, -dy)) +
      this.massWithin(Math.max(0, -dx), Math.max(0, -dy))
    // Pixels collide where the boxes overlap; to their right one of the maps is 0.
    const left = Math.max(a.left, b.left + dx)
    const top = Math.max(a.top, b.top + dy)
    const columns = Math.min(a.right, b.right + dx) - left
    const rows = Math.min(a.bottom, b.bottom + dy) - top
    if (columns <= 0 || rows <= 0) return kept
    const stride = 4 * (width + PADDING)
    const aFirst = this.aInverse + stride * top + 4 * left
    const bFirst = this.bInverse + stride * (top - dy) + 4 * (left - dx)
    return kept - 2 * this.unit * this.exports.collisions(aFirst, bFirst, columns, rows, stride)
  }

  bound(window: Window, sigma: number): number {
    const { exports, pair, layout } = this
    const { width, height } = pair
    const sum = width * height < 10000 ? THREE_TERMS : FOUR_TERMS
    layout.fit(pair.a, pair.b, window)
    const { pointsX, pointsY } = layout
    // Columns come four at a time: those before `low` and from `high` on are not in the window.
    const low = layout.firstX % 4
    const high = low + layout.columns
    this.columns = 4 * Math.ceil(high / 4)
    this.rows = layout.rows
    this.lastX = window.toX + low
    this.lastY = window.toY
    this.reserveSpectra()
    const { table, lastX, lastY, columns, rows, bounds } = this
    exports.retain(table, width, height, -lastX, -lastY, columns, low, high, rows, bounds)
    const error = this.sumSpectra(sum, sigma)
    exports.subtractConvolution(
      this.sums,
      pointsX,
      pointsY,
      this.twiddlesOf.get(pointsX)!,
      this.twiddlesOf.get(pointsY)!,
      sigma / (pointsX * pointsY),
      this.spectra,
      (layout.firstX - low) / 4,
      columns / 4,
      layout.firstY,
      rows,
      bounds,
    )
    return sigma * error + 8 * U * pair.b.total
  }

  greatest(): number {
    this.collect(this.exports.greatest(this.bounds, this.columns * this.rows))
    return this.candidate(0)
  }

  collect(threshold: number): number {
    return this.exports.collect(this.bounds, this.columns * this.rows, threshold, this.candidates)
  }

  candidate(i: number): number {
    return this.integers[this.candidates / 4 + i]!
  }

  boundOf(index: number): number {
    return this.floats[this.bounds / 4 + index]!
  }

  shiftX(index: number): number {
    return this.lastX - (index % this.columns)
  }

  shiftY(index: number): number {
    return this.lastY - Math.floor(index / this.columns)
  }

  /** Leaves the sum of w Z_k^2 in `sums`; returns the greatest error of the convolution in the end. */
  private sumSpectra({ rate, terms }: ExponentialSum, sigma: number): number {
    const { exports, pair, layout } = this
    const { a, b, width, height } = pair
    const { pointsX, pointsY } = layout
    const stride = 4 * (width + PADDING)
    exports.decay(this.a, stride * height, rate / sigma, this.aDecays)
    exports.decay(this.b, stride * height, rate / sigma, this.bDecays)
    const aWidth = a.right - a.left
    const bWidth = b.right - b.left
    const aFirst = stride * a.top + 4 * a.left
    const bFirst = stride * (height - b.bottom) + 4 * (width - b.right)
    const balance = Math.sqrt(b.total / a.total)
    const twiddlesX = this.twiddlesOf.get(pointsX)!
    const twiddlesY = this.twiddlesOf.get(pointsY)!
    const fft = 4 * U * Math.log2(pointsX * pointsY)
    let error = 0
    let norm = 0
    let multiple = 1
    for (let k = 0; k < terms.length; k++) {
      const { weight, use, keep } = terms[k]!
      const squares = exports.transformColumns(
        this.a + aFirst,
        this.aDecays + aFirst,
        aWidth,
        a.bottom - a.top,
        balance / sigma,
        this.b + bFirst,
        this.bDecays + bFirst,
        bWidth,
        b.bottom - b.top,
        1 / (balance * sigma),
        stride,
        use,
        keep,
        this.scratch,
        this.spectra,
        pointsX,
        pointsY,
        twiddlesY,
      )
      error += weight * squares * (2 * fft + U * (44 * use * multiple + 12))
      multiple *= keep
      const columns = Math.max(aWidth, bWidth)
      norm = exports.addSquares(this.spectra, columns, pointsX, pointsY, twiddlesX, weight, k === 0, this.sums)
    }
    return error + fft * Math.sqrt((1.01 * norm) / (pointsX * pointsY))
  }

  massWithin(x: number, y: number): number {
    return this.floats[this.table / 4 + y * (this.pair.width + PADDING) + x]!
  }

  private reserveMaps(): void {
    const row = 4 * (this.pair.width + PADDING)
    const padded = row * this.pair.height
    this.end = this.fixed
    this.a = this.reserve(padded)
    this.b = this.reserve(padded)
    this.aDecays = this.reserve(padded)
    this.bDecays = this.reserve(padded)
    this.aInverse = this.reserve(padded)
    this.bInverse = this.reserve(padded)
    this.table = this.reserve(padded + row)
    this.mapsEnd = this.end
  }

  private reserveSpectra(): void {
    const { pointsX, pointsY } = this.layout
    this.end = this.mapsEnd
    this.scratch = this.reserve(POINT * pointsY)
    this.spectra = this.reserve(8 * pointsX * pointsY)
    this.sums = this.reserve(8 * pointsX * pointsY)
    this.bounds = this.reserve(4 * this.columns * this.rows)
    this.candidates = this.reserve(4 * this.columns * this.rows)
  }

  /** A part of the memory, from a multiple of a cache line on and with one of slack behind it. */
  private reserve(bytes: number): number {
    const { memory } = this.exports
    const start = this.end
    this.end += (Math.ceil(bytes / 64) + 1) * 64
    if (this.end > memory.buffer.byteLength) {
      orNoMemory(() => memory.grow(Math.ceil((this.end - memory.buffer.byteLength) / 65536)))
      this.floats = new Float32Array(memory.buffer)
      this.integers = new Int32Array(memory.buffer)
    }
    return start
  }
}
