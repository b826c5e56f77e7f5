import { expect, test } from 'vitest'
import type { Image } from '../../src/core/image.js'
import { mean } from '../../src/core/plane.js'
import { randomStream } from '../../src/core/random.js'
import type { Sample } from '../../src/core/sample.js'
import { defaultParameters, describedParameters, type MethodName, methods } from '../../src/mix/index.js'
import type { Mixed } from '../../src/mix/method.js'
import { noise, sampleOf } from './pictures.js'

const names = Object.keys(methods) as MethodName[]

/** Parameters under which no method moves pixels, so that output and sources compare in place. */
const STILL = { shift: 'none', xi: 1e9 }

/** One output of a method of pairs. */
function mixPair(name: MethodName, sources: readonly Sample[], more: object, index: number): Mixed {
  const method = methods[name]
  if ('mixGroup' in method) throw new Error(`${name} mixes groups`)
  return method.mix(sources, { ...defaultParameters(name), shift: 'exact', ...more } as never, randomStream(5, index))
}

/** The outputs of any method on any number of pictures: pair by pair round the ring, or as one group. */
function mixAll(name: MethodName, sources: readonly Sample[], more: object, index: number): Mixed[] {
  const method = methods[name]
  if ('mixGroup' in method) {
    const parameters = { ...defaultParameters(name), ...more } as never
    return [...method.mixGroup(sources, parameters, randomStream(5, index))]
  }
  return sources.map((source, i) => {
    const next = (i + 1) % sources.length
    return { ...mixPair(name, [source, sources[next]!], more, index * sources.length + i), sources: [i, next] }
  })
}

function samplesOf(width: number, height: number, gridWidth: number, gridHeight: number, count: number): Sample[] {
  return Array.from({ length: count }, (_, i) => sampleOf(width, height, gridWidth, gridHeight, 100 + i))
}

function flat(value: number, { width, height }: Image): Image {
  return { data: new Uint8Array(width * height * 3).fill(value), width, height }
}

const SIZES = [
  [37, 53, 37, 53],
  [96, 40, 24, 32],
  [40, 97, 64, 20],
] as const

test.each(names)(
  'the shares of %s are what each source fills, counted in pixels, on pictures that are not square',
  (name) => {
    for (const [width, height, gridWidth, gridHeight] of SIZES) {
      const samples = samplesOf(width, height, gridWidth, gridHeight, 5)
      for (let white = 0; white < samples.length; white++) {
        // One source is white, all others are black: an output's mean is that source's share.
        const sources = samples.map((sample, i) => ({ ...sample, image: flat(i === white ? 255 : 0, sample.image) }))
        for (const { image, weights, sources: places } of mixAll(name, sources, {}, 1)) {
          const share = weights[places!.indexOf(white)] ?? 0
          const counted = image.data.reduce((sum, value) => sum + value, 0) / (255 * image.data.length)
          expect(Math.abs(counted - share)).toBeLessThan(0.5 / 255)
        }
      }
    }
  },
)

test.each(names)('the shares of %s are positive, sum to 1 and start with the mean of the mask', (name) => {
  for (let index = 0; index < 5; index++) {
    const outputs = mixAll(name, samplesOf(31, 20, 16, 16, 6), {}, index)
    expect(outputs.length).toBe(6)
    for (const { weights, mask, image, sources } of outputs) {
      expect([mask.width, mask.height, image.width, image.height]).toEqual([31, 20, 31, 20])
      expect(weights.length).toBe(sources!.length)
      expect(Math.min(...weights)).toBeGreaterThanOrEqual(0)
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
      expect(weights[0]).toBeCloseTo(mean(mask), 12)
    }
  }
})

test.each(names)('what %s keeps of each map is what shows, weighed in place', (name) => {
  for (const [gridWidth, gridHeight] of [
    [24, 36],
    [12, 18],
    [24, 12],
  ] as const) {
    const samples = samplesOf(24, 36, gridWidth, gridHeight, 4)
    for (let white = 0; white < samples.length; white++) {
      const sources = samples.map((sample, i) => ({ ...sample, image: flat(i === white ? 255 : 0, sample.image) }))
      const { data } = samples[white]!.saliency!
      // SAGE and the block methods weigh on grids of their own: there only the picture's grid tells the same.
      if (gridWidth * gridHeight !== 24 * 36 && ['sage', 'puzzlemix', 'comixup'].includes(name)) continue
      for (const { image, kept, sources: places } of mixAll(name, sources, { ...STILL, blocks: 4, gamma: 0.1 }, 1)) {
        let shows = 0
        for (let i = 0; i < 24 * 36; i++) {
          const x = Math.floor(((i % 24) * gridWidth) / 24)
          const y = Math.floor((Math.floor(i / 24) * gridHeight) / 36)
          shows += (image.data[3 * i]! / 255) * data[y * gridWidth + x]! * ((gridWidth * gridHeight) / (24 * 36))
        }
        expect(Math.abs(shows - (kept![places!.indexOf(white)] ?? 0))).toBeLessThan(0.5 / 255)
      }
    }
  }
})

test('what SAGE and Puzzle Mix keep follows the pixels that they move', () => {
  const [width, height] = [12, 16]
  const samples = samplesOf(width, height, width, height, 2)
  for (const [name, more] of [
    ['sage', {}],
    ['puzzlemix', { blocks: 4, transportBlocks: 4, xi: 0.02, gamma: 0 }],
  ] as const) {
    const kept = [0, 0]
    for (const [which, { saliency, image }] of samples.entries()) {
      // Pixel by pixel one source is white in one place only: where that lands, and how much of it, shows.
      for (let pixel = 0; pixel < width * height; pixel++) {
        const probe = flat(0, image)
        probe.data.fill(255, 3 * pixel, 3 * pixel + 3)
        const sources = samples.map((sample, i) => ({ ...sample, image: i === which ? probe : flat(0, image) }))
        const mixed = mixPair(name, sources, more, 1)
        const seen = mixed.image.data.reduce((sum, value) => sum + value, 0) / (3 * 255)
        kept[which]! += seen * saliency!.data[pixel]!
      }
    }
    const mixed = mixPair(name, samples, more, 1)
    expect(mixed.kept![0]).toBeCloseTo(kept[0]!, 2)
    expect(mixed.kept![1]).toBeCloseTo(kept[1]!, 2)
    expect(JSON.stringify(mixed.details)).not.toMatch(/"(moved|shift)":\[0,0\]/)
  }
})

test.each(names)('%s gives a picture back that is mixed with itself where it stands', (name) => {
  const source = sampleOf(31, 44, 16, 16, 8)
  for (const { image } of mixAll(name, [source, source, source], STILL, 1)) {
    expect(image.data).toEqual(source.image.data)
  }
})

test.each(names)('every pixel of %s lies between those of its sources where nothing moves', (name) => {
  const samples = samplesOf(37, 26, 16, 16, 6)
  for (const { image, sources } of mixAll(name, samples, STILL, 2)) {
    const mixed = sources!.map((i) => samples[i]!.image.data)
    const outside = image.data.findIndex((value, i) => {
      const values = mixed.map((data) => data[i]!)
      return value < Math.min(...values) || value > Math.max(...values)
    })
    expect(outside).toBe(-1)
  }
})

test.each(names)('%s depends on its random stream and on nothing else', (name) => {
  const samples = samplesOf(32, 24, 16, 16, 4)
  const again = mixAll(name, structuredClone(samples), {}, 3)
  expect(mixAll(name, samples, {}, 3)).toEqual(again)
  expect(mixAll(name, samples, {}, 4)).not.toEqual(again)
})

test.each(names)('%s takes pictures of a few pixels', (name) => {
  for (const [width, height] of [
    [1, 1],
    [1, 5],
    [3, 2],
    [5, 9],
  ] as const) {
    for (const { image, weights } of mixAll(name, samplesOf(width, height, 4, 3, 3), {}, 6)) {
      expect([image.width, image.height, image.data.length]).toEqual([width, height, width * height * 3])
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
    }
  }
})

test('methods that say so need no saliency, the others refuse to go without', () => {
  const bare = [1, 2].map((seed) => ({ image: noise(20, 30, seed), saliency: null }))
  for (const name of names) {
    const needs = methods[name].needsSaliency(defaultParameters(name) as never)
    if (needs) expect(() => mixAll(name, bare, {}, 1)).toThrow('expected a saliency map')
    else expect(mixAll(name, bare, {}, 1).length).toBe(2)
  }
  const needy = names.filter((name) => methods[name].needsSaliency(defaultParameters(name) as never))
  expect(needy).toEqual(['sage', 'saliencymix', 'puzzlemix', 'comixup'])
  expect(methods.saliencymix.needsSaliency({ mixupAlpha: 1, detector: 'spectral-residual' })).toBe(false)
  expect(mixAll('saliencymix', bare, { detector: 'spectral-residual' }, 1).length).toBe(2)
})

test('methods refuse a saliency map with a value that is no saliency', () => {
  const samples = samplesOf(20, 30, 10, 15, 3)
  for (const name of names.filter((name) => methods[name].needsSaliency(defaultParameters(name) as never))) {
    for (const value of [Number.NaN, -0.1, Number.POSITIVE_INFINITY]) {
      const broken = structuredClone(samples)
      broken[1]!.saliency!.data[7] = value
      expect(() => mixAll(name, broken, {}, 1)).toThrow(RangeError)
    }
  }
})

test('every described parameter has a default within its range', () => {
  for (const name of names) {
    for (const [key, parameter] of Object.entries(describedParameters(name))) {
      expect(parameter.description, key).toMatch(/^[a-z0-9].*[^.]$/i)
      if ('choices' in parameter) expect(parameter.choices).toContain(parameter.default)
      else {
        expect(parameter.default, key).toBeGreaterThanOrEqual(parameter.low)
        expect(parameter.default, key).toBeLessThanOrEqual(parameter.high)
        if (parameter.whole) expect(Number.isInteger(parameter.default)).toBe(true)
      }
    }
  }
})

test.each(['cutmix', 'saliencymix'] as const)('inside the box of %s is the partner, outside the sample', (name) => {
  const samples = samplesOf(47, 30, 16, 20, 5)
  mixAll(name, samples, {}, 7).forEach(({ image, weights, details }, i) => {
    const [left, top, width, height] = details.box as readonly [number, number, number, number]
    expect(weights[1]).toBeCloseTo((width * height) / (47 * 30), 12)
    const wrong = image.data.findIndex((value, at) => {
      const x = Math.floor(at / 3) % 47
      const y = Math.floor(at / 3 / 47)
      const inside = x >= left && x < left + width && y >= top && y < top + height
      return value !== samples[inside ? (i + 1) % 5 : i]!.image.data[at]
    })
    expect(wrong).toBe(-1)
  })
})

test("CutMix's box has the sides of the paper unless the frame cuts them, around a uniform centre", () => {
  const samples = samplesOf(100, 50, 4, 4, 2)
  let whole = 0
  let shares = 0
  const rounds = 2000
  for (let index = 0; index < rounds; index++) {
    const { details, weights } = methods.cutmix.mix(samples, { mixupAlpha: 1 }, randomStream(1, index))
    const [left, top, width, height] = details.box as readonly [number, number, number, number]
    const scale = Math.sqrt(1 - (details.lambda as number))
    shares += weights[1]!
    expect(width).toBeLessThanOrEqual(100 * scale + 1)
    expect(height).toBeLessThanOrEqual(50 * scale + 1)
    if (left === 0 || top === 0 || left + width === 100 || top + height === 50) continue
    whole++
    expect(Math.abs(width - 100 * scale)).toBeLessThanOrEqual(1)
    expect(Math.abs(height - 50 * scale)).toBeLessThanOrEqual(1)
  }
  expect(whole).toBeGreaterThan(rounds / 10)
  // A span of r = sqrt(u), u uniform, keeps r - r^2 / 4 of the frame on average: the share's mean is E (r - r^2 / 4)^2.
  // Its deviation, by simulation, is 0.19.
  const expected = 1 / 2 - (2 / 4) * (2 / 5) + (1 / 16) * (1 / 3)
  expect(Math.abs(shares / rounds - expected)).toBeLessThan((4 * 0.19) / Math.sqrt(rounds))
})

test("SaliencyMix's box is whole and holds the partner's peak", () => {
  const samples = samplesOf(90, 61, 18, 20, 2)
  const { data } = samples[1]!.saliency!
  const peak = data.indexOf(Math.max(...data))
  for (let index = 0; index < 50; index++) {
    const { details } = methods.saliencymix.mix(
      samples,
      { mixupAlpha: 1, detector: 'gradient' },
      randomStream(2, index),
    )
    const [left, top, width, height] = details.box as readonly [number, number, number, number]
    const scale = Math.sqrt(1 - (details.lambda as number))
    expect([width, height]).toEqual([Math.round(90 * scale), Math.round(61 * scale)])
    expect(left).toBeGreaterThanOrEqual(0)
    expect(top).toBeGreaterThanOrEqual(0)
    expect(left + width).toBeLessThanOrEqual(90)
    expect(top + height).toBeLessThanOrEqual(61)
    if (width === 0 || height === 0) continue
    const [x, y] = [(((peak % 18) + 0.5) * 90) / 18, ((Math.floor(peak / 18) + 0.5) * 61) / 20]
    expect(x > left - 1 && x < left + width + 1 && y > top - 1 && y < top + height + 1).toBe(true)
  }
})

test("SmoothMix's mask is the circle of the paper", () => {
  const samples = samplesOf(60, 33, 4, 4, 2)
  for (let index = 0; index < 20; index++) {
    const { details, mask } = methods.smoothmix.mix(samples, { sigmaLow: 0.25, sigmaHigh: 0.5 }, randomStream(3, index))
    const [cx, cy] = details.centre as readonly [number, number]
    const sigma = details.sigma as number
    expect(sigma).toBeGreaterThanOrEqual(33 / 4)
    expect(sigma).toBeLessThanOrEqual(33 / 2)
    for (const [x, y] of [
      [0, 0],
      [59, 0],
      [30, 16],
      [7, 32],
    ] as const) {
      const distance = (x + 0.5 - cx) ** 2 + (y + 0.5 - cy) ** 2
      expect(mask.data[y * 60 + x]).toBeCloseTo(Math.exp(-distance / (2 * sigma * sigma)), 6)
    }
  }
})

test('Co-Mixup uses every picture about once, no output is made of crumbs', () => {
  const samples = samplesOf(32, 32, 32, 32, 20)
  const used = new Float64Array(20)
  const outputs = mixAll('comixup', samples, {}, 1)
  for (const { sources, weights } of outputs) {
    sources!.forEach((source, i) => {
      used[source]! += weights[i]!
    })
    expect(weights).toEqual([...weights].sort((a, b) => b - a))
    expect(new Set(sources).size).toBe(sources!.length)
  }
  expect(outputs.filter(({ sources }) => sources!.length > 1).length).toBeGreaterThan(10)
  expect(Math.min(...used)).toBeGreaterThan(0.3)
  expect(Math.max(...used)).toBeLessThan(2)
})
