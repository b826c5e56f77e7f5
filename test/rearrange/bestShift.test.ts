import { expect, test } from 'vitest'
import { type Random, randomStream } from '../../src/core/random.js'
import { bestShift, searchShift } from '../../src/rearrange/bestShift.js'
import { PlainKernel } from '../../src/rearrange/plainKernel.js'
import { simdKernel } from '../../src/rearrange/simdKernel.js'
import { bruteForce } from './bruteForce.js'
import { DEGENERATE, REGULAR, weighted } from './saliencyMaps.js'

// One kernel each for the whole file: sizes follow one another on it, so that anything stale would show.
const simd = simdKernel()
const plain = new PlainKernel()

const ODD_SIZES = [
  [1, 1],
  [1, 2],
  [9, 1],
  [1, 9],
  [2, 3],
  [5, 5],
  [40, 7],
  [33, 36],
  [7, 31],
  [17, 16],
] as const

const ALPHAS = [0.01, 0.1, 0.3, 0.5, 0.9, 0.99]

function expectExact(a: Float32Array, b: Float32Array, width: number, height: number, name: string) {
  const expected = { name, ...bruteForce(a, b, width, height) }
  expect({ name, ...searchShift(simd, a, b, width, height) }).toEqual(expected)
  expect({ name, ...searchShift(plain, a, b, width, height) }).toEqual(expected)
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[random.integer(0, items.length - 1)]!
}

for (const [kind, make] of Object.entries(REGULAR)) {
  test(`the best shift of ${kind} maps is brute force's, at any size and alpha`, () => {
    const random = randomStream(1, kind.length)
    for (let i = 0; i < 60; i++) {
      const [width, height] = i % 3 === 0 ? pick(ODD_SIZES, random) : [random.integer(8, 24), random.integer(8, 24)]
      const alpha = pick(ALPHAS, random)
      const a = weighted(make(width, height, random), alpha)
      const b = weighted(make(width, height, random), 1 - alpha)
      expectExact(a, b, width, height, `${kind} ${i}: ${width} x ${height}, alpha ${alpha}`)
    }
  })
}

test("the best shift of pictures of 32 x 32 and 64 x 64 is brute force's", () => {
  const random = randomStream(2, 0)
  for (const size of [32, 32, 32, 32, 32, 32, 32, 32, 64]) {
    const alpha = pick(ALPHAS, random)
    const a = weighted(REGULAR.speckled!(size, size, random), alpha)
    const b = weighted(REGULAR.speckled!(size, size, random), 1 - alpha)
    expectExact(a, b, size, size, `${size} x ${size}, alpha ${alpha}`)
  }
})

// Brute force takes 1 to 10 s on these, so what it found is written down.
test.each([
  [128, 128, -7, -5, 0.9351437855363],
  [128, 96, 32, 0, 0.902071117421],
  [224, 224, 0, 41, 0.9176335516004],
])('the best shift of a large pair of %i x %i is the one brute force found', (width, height, dx, dy, total) => {
  const random = randomStream(5, width + height)
  const a = weighted(REGULAR.speckled!(width, height, random), 0.4)
  const b = weighted(REGULAR.speckled!(width, height, random), 0.6)
  for (const kernel of [simd, plain]) {
    const best = searchShift(kernel, a, b, width, height)
    expect({ dx: best.dx, dy: best.dy }).toEqual({ dx, dy })
    expect(best.total).toBeCloseTo(total, 9)
  }
})

test('the longest maps take no brute force', () => {
  const flat = new Float32Array(1024 * 64).fill(0.5)
  for (const kernel of [simd, plain]) {
    expect(searchShift(kernel, flat, flat, 1024, 64)).toEqual({ dx: 0, dy: 0, total: 0.5 * 1024 * 64 })
  }
})

test("the best shift of flat and nearly flat maps, with holes or without, is brute force's", () => {
  const random = randomStream(9, 0)
  const { constant, hole, disc, checkered, spiked, nearlyConstant } = DEGENERATE
  const pairs = [constant, hole, disc, checkered, nearlyConstant].flatMap((flat) =>
    [constant, hole, disc, spiked, nearlyConstant].flatMap((other) => [
      [flat!, other!] as const,
      [other!, flat!] as const,
    ]),
  )
  for (const [i, [makeA, makeB]] of pairs.entries()) {
    const [width, height] = [random.integer(20, 26), random.integer(14, 20)]
    const alpha = i % 3 === 0 ? 0.45 : 0.5
    const a = weighted(makeA(width, height, random), alpha)
    const b = weighted(makeB(width, height, random), 1 - alpha)
    expectExact(a, b, width, height, `${i}: ${width} x ${height}, alpha ${alpha}`)
  }
})

test('flat and nearly flat maps are not searched by trying all shifts', () => {
  class CountingKernel extends PlainKernel {
    tried = 0
    override gain(dx: number, dy: number): number {
      this.tried++
      return super.gain(dx, dy)
    }
  }
  const random = randomStream(10, 0)
  for (const make of [DEGENERATE.constant!, DEGENERATE.hole!, DEGENERATE.disc!, DEGENERATE.nearlyConstant!]) {
    const kernel = new CountingKernel()
    searchShift(kernel, weighted(make(96, 80, random), 0.5), weighted(make(96, 80, random), 0.5), 96, 80)
    expect(kernel.tried).toBeLessThan(500)
  }
})

test("the best shift of degenerate maps is brute force's, weighted or as they are", () => {
  const random = randomStream(3, 0)
  const makers = { ...DEGENERATE, noise: REGULAR.noise! }
  for (const [first, makeA] of Object.entries(makers)) {
    for (const [second, makeB] of Object.entries(makers)) {
      const [width, height] = pick([...ODD_SIZES, [12, 12], [16, 10]] as const, random)
      const a = makeA(width, height, random)
      const b = makeB(width, height, random)
      const name = `${first} on ${second}: ${width} x ${height}`
      expectExact(a, b, width, height, name)
      expectExact(weighted(a, 0.4), weighted(b, 0.6), width, height, `${name}, weighted`)
    }
  }
})

test("a map on itself is brute force's", () => {
  const random = randomStream(4, 0)
  for (const [name, make] of Object.entries({ ...DEGENERATE, ...REGULAR })) {
    const map = make(13, 11, random)
    expectExact(map, map, 13, 11, name)
  }
})

test('maps that are not finite, not positive, or of another size are refused', () => {
  const good = new Float32Array(6).fill(1)
  for (const value of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
    for (let i = 0; i < 6; i++) {
      const bad = good.slice()
      bad[i] = value
      expect(() => bestShift(bad, good, 3, 2)).toThrow(RangeError)
      expect(() => bestShift(good, bad, 3, 2)).toThrow(RangeError)
    }
  }
  expect(() => bestShift(good, good, 2, 2)).toThrow(/expected 2 x 2 values, got 6/)
  expect(() => bestShift(good, good, 6, 0)).toThrow(RangeError)
})
