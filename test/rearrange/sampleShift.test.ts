import { expect, test } from 'vitest'
import { randomStream } from '../../src/core/random.js'
import { bestShift } from '../../src/rearrange/bestShift.js'
import { sampleShift } from '../../src/rearrange/sampleShift.js'

const random = randomStream(7, 0)
const a = Float32Array.from({ length: 30 }, () => random.uniform() / 30)
const b = Float32Array.from({ length: 30 }, () => random.uniform() / 30)

test('a sample of all shifts finds the best shift', () => {
  expect(sampleShift(a, b, 6, 5, 1, randomStream(1, 0))).toEqual(bestShift(a, b, 6, 5))
})

test('a sample of fraction 0 is one shift, drawn uniformly over all of them', () => {
  const counts = new Map<string, number>()
  for (let i = 0; i < 9900; i++) {
    const { dx, dy } = sampleShift(a, b, 6, 5, 0, randomStream(2, i))
    counts.set(`${dx} ${dy}`, (counts.get(`${dx} ${dy}`) ?? 0) + 1)
  }
  expect(counts.size).toBe(99)
  // Chi-squared with 98 degrees of freedom: above 160 with probability 1e-4.
  const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0)
  expect(chiSquared).toBeLessThan(160)
})

test('a larger sample from the same stream length keeps at least as much saliency on average', () => {
  const mean = (fraction: number) => {
    let sum = 0
    for (let i = 0; i < 200; i++) sum += sampleShift(a, b, 6, 5, fraction, randomStream(3, i)).total
    return sum / 200
  }
  expect(mean(0.1)).toBeGreaterThan(mean(0.01))
  expect(mean(0.5)).toBeGreaterThan(mean(0.1))
})

test('a fraction outside 0 to 1 is an error', () => {
  for (const fraction of [-0.1, 1.1, Number.NaN]) {
    expect(() => sampleShift(a, b, 6, 5, fraction, random)).toThrow(/fraction: expected 0 to 1/)
  }
})
