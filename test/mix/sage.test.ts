import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Image } from '../../src/core/image.js'
import { mean, type Plane } from '../../src/core/plane.js'
import { randomStream } from '../../src/core/random.js'
import { blend, keepUncovered } from '../../src/mix/blend.js'
import { type SageParameters, sage } from '../../src/mix/sage.js'
import { needing } from '../helpers/needing.js'
import { readGoldens } from '../rearrange/goldens.js'
import { noise, sampleOf } from './pictures.js'

const parameters: SageParameters = { mixupAlpha: 1, upperLambda: 0.6, shift: 'exact' }
const OFFICIAL = '../shared/oracle/goldens'

/** The sizes of canvas and grid on which a width taken for a height must show. */
const SIZES = [
  [37, 53, 37, 53],
  [37, 53, 16, 24],
  [640, 200, 32, 32],
  [640, 200, 64, 20],
  [53, 37, 72, 60],
] as const

/** M x1 + (1 - M) T(x2) in float64, pixel by pixel with coordinates; undefined where the partner does not cover. */
function mixedValue(x1: Image, x2: Image, mask: Plane, dx: number, dy: number, x: number, y: number, c: number) {
  const at = (image: Image, px: number, py: number) => image.data[(py * image.width + px) * 3 + c]!
  const m = mask.data[y * mask.width + x]!
  const covered = x - dx >= 0 && x - dx < x2.width && y - dy >= 0 && y - dy < x2.height
  if (!covered) return at(x1, x, y)
  return m * at(x1, x, y) + (1 - m) * at(x2, x - dx, y - dy)
}

for (const [origin, goldens] of Object.entries({
  bundled: readGoldens('fixtures/goldens'),
  official: readGoldens(OFFICIAL),
})) {
  needing('the shared reference files', goldens.length > 0)(
    `SAGE finds the official code's shift, mask and lambda (${origin})`,
    () => {
      for (const { name, width, height, alpha, a, b, dx, dy, mask, lambda } of goldens) {
        const sources = [
          { image: noise(width, height, 1), saliency: { data: a.map((value) => value / alpha), width, height } },
          { image: noise(width, height, 2), saliency: { data: b.map((value) => value / (1 - alpha)), width, height } },
        ]
        const mixed = sage.mix(sources, { ...parameters, fixed: { alpha } }, randomStream(0, 0))
        expect(mixed.details.shift, name).toEqual([dx, dy])
        expect(Math.abs(mixed.weights[0]! - lambda), name).toBeLessThan(1e-6)
        const error = mixed.mask.data.reduce((most, value, i) => Math.max(most, Math.abs(value - mask[i]!)), 0)
        expect(error, name).toBeLessThan(1e-6)
      }
    },
  )
}

needing('the shared reference files', existsSync(OFFICIAL))(
  "SAGE's picture is the official code's within the rounding to 8 bits",
  () => {
    const read = (name: string, file: string) => new Uint8Array(readFileSync(`${OFFICIAL}/${name}/${file}`)).buffer
    for (const golden of readGoldens(OFFICIAL)) {
      const [name, index] = golden.name.split(' #') as [string, string]
      const { width, height, alpha, a, b } = golden
      const i = Number(index)
      const partner = new Int32Array(read(name, 'perm.bin'))[i]!
      const values = new Float32Array(read(name, 'x.bin'))
      const low = values.reduce((least, value) => Math.min(least, value), 0)
      const high = values.reduce((most, value) => Math.max(most, value), 0)
      const grey = (value: number) => (255 * (value - low)) / (high - low)
      const pixels = width * height
      const image = (k: number): Image => {
        const data = new Uint8Array(pixels * 3)
        for (let p = 0; p < pixels * 3; p++)
          data[p] = Math.round(grey(values[(k * 3 + (p % 3)) * pixels + Math.floor(p / 3)]!))
        return { data, width, height }
      }
      const sources = [
        { image: image(i), saliency: { data: a.map((value) => value / alpha), width, height } },
        { image: image(partner), saliency: { data: b.map((value) => value / (1 - alpha)), width, height } },
      ]
      const mixed = sage.mix(sources, { ...parameters, fixed: { alpha } }, randomStream(0, 0))
      const expected = new Float64Array(read(name, 'mixed_x_f64.bin'))
      let error = 0
      for (let p = 0; p < pixels * 3; p++) {
        const official = grey(expected[(i * 3 + (p % 3)) * pixels + Math.floor(p / 3)]!)
        error = Math.max(error, Math.abs(mixed.image.data[p]! - official))
      }
      // Half a grey level from rounding the sources, half from rounding the mix.
      expect(error, golden.name).toBeLessThan(1.001)
    }
  },
)

test.each(SIZES)('the mix of %i x %i pictures on a %i x %i grid is the definition', (width, height, gridW, gridH) => {
  for (const seed of [1, 2, 3]) {
    const sources = [sampleOf(width, height, gridW, gridH, seed), sampleOf(width, height, gridW, gridH, seed + 10)]
    const { image, mask, weights, details } = sage.mix(
      sources,
      { ...parameters, shift: { sample: 0.05 } },
      randomStream(seed, 0),
    )
    const [dx, dy] = details.shift as readonly [number, number]
    const cellsOf = (pixels: number, cells: number, length: number) =>
      Array.from({ length: 2 * cells - 1 }, (_, i) => i + 1 - cells).some(
        (c) => Math.round((c * length) / cells) === pixels,
      )
    expect([cellsOf(dx, gridW, width), cellsOf(dy, gridH, height)]).toEqual([true, true])
    expect(details.grid).toEqual([gridW, gridH])
    expect([image.width, image.height, mask.width, mask.height]).toEqual([width, height, width, height])
    let error = 0
    let share = 0
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        share += mask.data[y * width + x]!
        for (let c = 0; c < 3; c++) {
          const value = mixedValue(sources[0]!.image, sources[1]!.image, mask, dx, dy, x, y, c)
          error = Math.max(error, Math.abs(image.data[(y * width + x) * 3 + c]! - value))
        }
      }
    }
    expect(error).toBeLessThanOrEqual(0.5)
    expect(weights[0]).toBeCloseTo(share / (width * height), 12)
    expect(weights[0]! + weights[1]!).toBe(1)
  }
})

test('pixels that the moved partner does not cover are the sample', () => {
  const [width, height] = [37, 53]
  const sources = [sampleOf(width, height, 20, 40, 1), sampleOf(width, height, 20, 40, 2)]
  for (const shift of [
    [7, -11],
    [-19, 39],
    [0, 25],
    [-3, 0],
  ] as const) {
    const { image, mask, details } = sage.mix(sources, { ...parameters, fixed: { shift } }, randomStream(1, 0))
    const [dx, dy] = details.shift as readonly [number, number]
    expect([dx, dy]).toEqual(shift)
    let uncovered = 0
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (x - dx >= 0 && x - dx < width && y - dy >= 0 && y - dy < height) continue
        const i = y * width + x
        uncovered++
        expect(mask.data[i]).toBe(1)
        expect([...image.data.subarray(3 * i, 3 * i + 3)]).toEqual([
          ...sources[0]!.image.data.subarray(3 * i, 3 * i + 3),
        ])
      }
    }
    expect(uncovered).toBe(width * height - (width - Math.abs(dx)) * (height - Math.abs(dy)))
  }
})

test('the shift in pixels gives the same mix again, whatever the grid', () => {
  for (const [width, height, gridW, gridH] of SIZES) {
    const sources = [sampleOf(width, height, gridW, gridH, 5), sampleOf(width, height, gridW, gridH, 6)]
    const found = sage.mix(sources, parameters, randomStream(3, 0))
    const { alpha, shift } = found.details as { alpha: number; shift: readonly [number, number] }
    expect(sage.mix(sources, { ...parameters, fixed: { alpha, shift } }, randomStream(7, 0))).toEqual(found)
  }
})

test('a smaller step finds a shift that keeps at least as much, in steps of that many pixels', () => {
  const [width, height] = [96, 64]
  const sources = [sampleOf(width, height, 12, 8, 1), sampleOf(width, height, 12, 8, 2)]
  const kept = (shiftStep?: number) => {
    const { details } = sage.mix(
      sources,
      { ...parameters, fixed: { alpha: 0.3 }, ...(shiftStep && { shiftStep }) },
      randomStream(1, 0),
    )
    const step = shiftStep ?? 8
    expect((details.shift as number[]).map((pixels) => Math.abs(pixels % step))).toEqual([0, 0])
    return details.total_saliency as number
  }
  expect(kept(8)).toBe(kept())
  expect(kept(2)).toBeGreaterThan(kept())
})

test('a picture mixed with itself where it stands is itself', () => {
  const source = sampleOf(53, 37, 20, 30, 4)
  const { image } = sage.mix([source, source], { ...parameters, shift: 'none' }, randomStream(1, 0))
  expect(image.data).toEqual(source.image.data)
})

test('every output pixel lies between the pixels it is mixed from, for any mask and shift', () => {
  const size = fc.integer({ min: 1, max: 9 })
  const property = fc.property(size, size, fc.integer(), fc.nat(), fc.nat(), (width, height, seed, rx, ry) => {
    const dx = (rx % (2 * width - 1)) + 1 - width
    const dy = (ry % (2 * height - 1)) + 1 - height
    const random = randomStream(seed >>> 0, 0)
    const mask = { data: Float32Array.from({ length: width * height }, () => random.uniform()), width, height }
    keepUncovered(mask, dx, dy)
    const [x1, x2] = [noise(width, height, seed >>> 0), noise(width, height, (seed + 1) >>> 0)]
    const { data } = blend(x1, x2, mask, dx, dy)
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const covered = x - dx >= 0 && x - dx < width && y - dy >= 0 && y - dy < height
        for (let c = 0; c < 3; c++) {
          const i = (y * width + x) * 3 + c
          const p = x1.data[i]!
          const q = covered ? x2.data[i - (dy * width + dx) * 3]! : p
          if (data[i]! < Math.min(p, q) || data[i]! > Math.max(p, q)) return false
        }
      }
    }
    return true
  })
  fc.assert(property, { numRuns: 300, seed: 1 })
})

test('blend refuses a partner or mask of another size', () => {
  const mask: Plane = { data: new Float32Array(6), width: 3, height: 2 }
  expect(() => blend(noise(3, 2, 1), noise(2, 3, 2), mask, 0, 0)).toThrow('expected partner and mask of 3 x 2')
  expect(() => blend(noise(2, 3, 1), noise(2, 3, 2), mask, 0, 0)).toThrow('expected partner and mask of 2 x 3')
})

test('alpha has the law of a scaled Beta variate and does not depend on what else is fixed', () => {
  const sources = [sampleOf(4, 3, 4, 3, 1), sampleOf(4, 3, 4, 3, 2)]
  const draw = (i: number, more: Partial<SageParameters>) =>
    sage.mix(sources, { ...parameters, ...more }, randomStream(9, i)).details.alpha as number
  const alphas = Array.from({ length: 2000 }, (_, i) => draw(i, { shift: 'none' }))
  // Beta(1, 1) x 0.6: uniform on [0, 0.6], mean 0.3, standard error of the mean 0.0039.
  expect(Math.abs(alphas.reduce((sum, alpha) => sum + alpha, 0) / 2000 - 0.3)).toBeLessThan(0.016)
  expect(Math.max(...alphas)).toBeLessThan(0.6)
  expect(draw(5, { fixed: { shift: [1, 0] } })).toBe(alphas[5])
  expect(draw(5, { mixupAlpha: 0 })).toBe(0.3)
})

test('the mean of a mask is taken in double', () => {
  const data = new Float32Array(1 << 20).fill(0.1)
  expect(mean({ data, width: 1 << 10, height: 1 << 10 })).toBeCloseTo(Math.fround(0.1), 12)
})
