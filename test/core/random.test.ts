import { expect, test } from 'vitest'
import { beta, randomStream, shuffle } from '../../src/core/random.js'

test('a stream depends on seed and index only', () => {
  const draw = (seed: number, index: number) => Array.from({ length: 4 }, () => randomStream(seed, index).uniform())[0]
  expect(draw(1, 2)).toBe(draw(1, 2))
  const all = [draw(1, 2), draw(2, 1), draw(1, 3), draw(1, 2 + 2 ** 32), draw(1 + 2 ** 32, 2), draw(0, 0)]
  expect(new Set(all).size).toBe(all.length)
})

test('first draws of neighbouring streams are uniform and uncorrelated', () => {
  const n = 20_000
  const first = Float64Array.from({ length: n }, (_, i) => randomStream(0, i).uniform())
  const mean = first.reduce((sum, u) => sum + u, 0) / n
  const correlation = first.slice(1).reduce((sum, u, i) => sum + (u - 0.5) * (first[i]! - 0.5), 0) / (n / 12)
  // Standard errors: 0.289 / sqrt(n) = 0.002 and 1 / sqrt(n) = 0.007; five of each.
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.01)
  expect(Math.abs(correlation)).toBeLessThan(0.035)
})

test('Beta has the mean and variance of its definition, for shapes above and below 1', () => {
  const n = 40_000
  for (const [a, b] of [
    [1, 1],
    [0.2, 0.2],
    [2, 5],
    [0.5, 3],
  ] as const) {
    const random = randomStream(3, Math.round(a * 100 + b))
    const draws = Float64Array.from({ length: n }, () => beta(random, a, b))
    const mean = draws.reduce((sum, x) => sum + x, 0) / n
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n
    expect(mean).toBeCloseTo(a / (a + b), 2)
    expect(variance).toBeCloseTo((a * b) / ((a + b) ** 2 * (a + b + 1)), 2)
    expect(draws.every((x) => x >= 0 && x <= 1)).toBe(true)
  }
})

test('Beta with a tiny shape stays a number in [0, 1]', () => {
  const random = randomStream(9, 9)
  for (let i = 0; i < 2000; i++) {
    const x = beta(random, 1e-4, 1e-4)
    expect(x >= 0 && x <= 1).toBe(true)
  }
})

test('shuffle reaches every order of three about equally often', () => {
  const random = randomStream(5, 5)
  const counts = new Map<string, number>()
  for (let i = 0; i < 6000; i++) {
    const key = shuffle(random, [0, 1, 2]).join('')
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  expect(counts.size).toBe(6)
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
})
