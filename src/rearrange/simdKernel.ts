import { cyclicLayout } from './cyclicLayout.js'
import { FOUR_TERMS, THREE_TERMS } from './exponentialSum.js'
import { FFT_LENGTHS, twiddles } from './fftLength.js'
import { wasm } from './kernel.generated.js'
import type { Box, Kernel, Window } from './kernel.js'

/** Exports of assembly/kernel.ts, where each is described; pointers are byte offsets into `memory`. */
interface Exports {
  readonly memory: WebAssembly.Memory
  pad(map: number, width: number, height: number, to: number): void
  padReversed(map: number, width: number, height: number, to: number): void
  invert(map: number, width: number, height: number, unit: number, to: number): void
  integrate(map: number, width: number, height: number, columns: number, to: number): void
  retain(
    table: number,
    width: number,
    height: number,
    firstX: number,
    firstY: number,
    columns: number,
    low: number,
    high: number,
    rows: number,
    to: number,
  ): void
  decay(map: number, bytes: number, rate: number, to: number): void
  transformColumns(
    a: number,
    aDecays: number,
    aWidth: number,
    aHeight: number,
    aScale: number,
    b: number,
    bDecays: number,
    bWidth: number,
    bHeight: number,
    bScale: number,
    stride: number,
    use: number,
    keep: number,
    scratch: number,
    spectra: number,
    pointsX: number,
    pointsY: number,
    twiddles: number,
  ): number
  addSquares(
    spectra: number,
    columns: number,
    pointsX: number,
    pointsY: number,
    twiddles: number,
    weight: number,
    first: boolean,
    sum: number,
  ): number
  subtractConvolution(
    sum: number,
    pointsX: number,
    pointsY: number,
    twiddlesX: number,
    twiddlesY: number,
    scale: number,
    spectra: number,
    firstGroup: number,
    groups: number,
    firstRow: number,
    rows: number,
    bounds: number,
  ): void
  collisions(a: number, b: number, columns: number, rows: number, stride: number): number
  greatest(values: number, count: number): number
  collect(values: number, count: number, threshold: number, to: number): number
}

/** Unit roundoff of float32. */
const U = 2 ** -24

/** Bytes of one point of an FFT of four signals, and zeros after each row of a map (assembly/fft.ts, maps.ts). */
const POINT = 32
const PADDING = 8

/** Every part of the memory starts at a multiple of a cache line and has one of slack behind it. */
function room(bytes: number): number {
  return (Math.ceil(bytes / 64) + 1) * 64
}

/** The kernel in WebAssembly with 128-bit SIMD, float32. `bytes` is the module. Its memory is kept and grows as needed. */
export function simdKernel(): Kernel {
  const exports = new WebAssembly.Instance(new WebAssembly.Module(wasm())).exports as unknown as Exports
  const { memory } = exports
  let floats = new Float32Array(memory.buffer)
  let integers = new Int32Array(memory.buffer)
  let end = 64

  function reserve(bytes: number): number {
    const start = end
    end += room(bytes)
    if (end > memory.buffer.byteLength) {
      memory.grow(Math.ceil((end - memory.buffer.byteLength) / 65536))
      floats = new Float32Array(memory.buffer)
      integers = new Int32Array(memory.buffer)
    }
    return start
  }

  const twiddlesOf = new Map<number, number>()
  for (const length of FFT_LENGTHS) {
    const values = twiddles(length)
    const start = reserve(4 * values.length)
    floats.set(values, start / 4)
    twiddlesOf.set(length, start)
  }
  const fixed = end

  let width = 0
  let height = 0
  let aBox: Box
  let bBox: Box
  let unit = 0
  let aTotal = 0
  let bTotal = 0
  let a = 0
  let b = 0
  let aDecays = 0
  let bDecays = 0
  let aInverse = 0
  let bInverse = 0
  let table = 0
  let mapsEnd = 0
  let bounds = 0
  let candidates = 0
  let columns = 0
  let rows = 0
  let lastX = 0
  let lastY = 0

  function tableAt(x: number, y: number): number {
    return floats[table / 4 + y * (width + PADDING) + x]!
  }

  const kernel = {
    gainError: 0,

    load(
      aMap: Float32Array,
      bMap: Float32Array,
      mapWidth: number,
      mapHeight: number,
      aMapBox: Box,
      bMapBox: Box,
      largest: number,
      aMapTotal: number,
      bMapTotal: number,
    ): void {
      width = mapWidth
      height = mapHeight
      aBox = aMapBox
      bBox = bMapBox
      unit = largest
      aTotal = aMapTotal
      bTotal = bMapTotal
      const padded = 4 * height * (width + PADDING)
      end = fixed
      a = reserve(padded)
      b = reserve(padded)
      aDecays = reserve(padded)
      bDecays = reserve(padded)
      aInverse = reserve(padded)
      bInverse = reserve(padded)
      table = reserve(padded + 4 * (width + PADDING))
      mapsEnd = end
      const raw = reserve(4 * width * height)
      const sums = reserve(8 * (width + 1))
      floats.set(aMap, raw / 4)
      exports.pad(raw, width, height, a)
      exports.invert(raw, width, height, unit, aInverse)
      floats.set(bMap, raw / 4)
      exports.padReversed(raw, width, height, b)
      exports.invert(raw, width, height, unit, bInverse)
      exports.integrate(raw, width, height, sums, table)
      // A collision takes 9 roundings, then at most width / 8 + 4 additions in float32; an entry of the table one.
      kernel.gainError = U * ((width / 8 + 14) * 2 * Math.min(aTotal, bTotal) + 8 * bTotal)
    },

    massLeftOf: (x: number) => tableAt(x, height),
    massAbove: (y: number) => tableAt(width, y),

    gain(dx: number, dy: number): number {
      const kept =
        tableAt(Math.min(width, width - dx), Math.min(height, height - dy)) -
        tableAt(Math.max(0, -dx), Math.min(height, height - dy)) -
        tableAt(Math.min(width, width - dx), Math.max(0, -dy)) +
        tableAt(Math.max(0, -dx), Math.max(0, -dy))
      // Pixels collide where the boxes overlap; to their right one of the maps is 0.
      const left = Math.max(aBox.left, bBox.left + dx)
      const top = Math.max(aBox.top, bBox.top + dy)
      const columns = Math.min(aBox.right, bBox.right + dx) - left
      const rows = Math.min(aBox.bottom, bBox.bottom + dy) - top
      if (columns <= 0 || rows <= 0) return kept
      const stride = 4 * (width + PADDING)
      const aFirst = aInverse + stride * top + 4 * left
      const bFirst = bInverse + stride * (top - dy) + 4 * (left - dx)
      return kept - 2 * unit * exports.collisions(aFirst, bFirst, columns, rows, stride)
    },

    bound(window: Window, sigma: number): number {
      const sum = width * height < 10000 ? THREE_TERMS : FOUR_TERMS
      const layout = cyclicLayout(aBox, bBox, window)
      const { pointsX, pointsY } = layout
      const aWidth = aBox.right - aBox.left
      const bWidth = bBox.right - bBox.left
      // Columns come four at a time: those before `low` and from `high` on are not in the window.
      const low = layout.firstX % 4
      const high = low + layout.columns
      columns = 4 * Math.ceil(high / 4)
      rows = layout.rows
      lastX = window.toX + low
      lastY = window.toY

      end = mapsEnd
      const scratch = reserve(POINT * pointsY)
      const spectra = reserve(8 * pointsX * pointsY)
      const sums = reserve(8 * pointsX * pointsY)
      bounds = reserve(4 * columns * rows)
      candidates = reserve(4 * columns * rows)

      exports.retain(table, width, height, -lastX, -lastY, columns, low, high, rows, bounds)
      const stride = 4 * (width + PADDING)
      const padded = stride * height
      exports.decay(a, padded, sum.rate / sigma, aDecays)
      exports.decay(b, padded, sum.rate / sigma, bDecays)
      const aFirst = stride * aBox.top + 4 * aBox.left
      const bFirst = stride * (height - bBox.bottom) + 4 * (width - bBox.right)
      const balance = Math.sqrt(bTotal / aTotal)
      const twiddlesX = twiddlesOf.get(pointsX)!
      const twiddlesY = twiddlesOf.get(pointsY)!
      const fft = 4 * U * Math.log2(pointsX * pointsY)
      let error = 0
      let norm = 0
      let multiple = 1
      let first = true
      for (const { weight, use, keep } of sum.terms) {
        const squares = exports.transformColumns(
          a + aFirst,
          aDecays + aFirst,
          aWidth,
          aBox.bottom - aBox.top,
          balance / sigma,
          b + bFirst,
          bDecays + bFirst,
          bWidth,
          bBox.bottom - bBox.top,
          1 / (balance * sigma),
          stride,
          use,
          keep,
          scratch,
          spectra,
          pointsX,
          pointsY,
          twiddlesY,
        )
        error += weight * squares * (2 * fft + U * (44 * use * multiple + 12))
        multiple *= keep
        norm = exports.addSquares(spectra, Math.max(aWidth, bWidth), pointsX, pointsY, twiddlesX, weight, first, sums)
        first = false
      }
      exports.subtractConvolution(
        sums,
        pointsX,
        pointsY,
        twiddlesX,
        twiddlesY,
        sigma / (pointsX * pointsY),
        spectra,
        (layout.firstX - low) / 4,
        columns / 4,
        layout.firstY,
        rows,
        bounds,
      )
      return sigma * (error + fft * Math.sqrt((1.01 * norm) / (pointsX * pointsY))) + 8 * U * bTotal
    },

    greatest: () => exports.greatest(bounds, columns * rows),
    collect: (threshold: number) => exports.collect(bounds, columns * rows, threshold, candidates),
    candidate: (i: number) => integers[candidates / 4 + i]!,
    boundOf: (index: number) => floats[bounds / 4 + index]!,
    shiftX: (index: number) => lastX - (index % columns),
    shiftY: (index: number) => lastY - Math.floor(index / columns),
  }
  return kernel
}
