import { expect, test } from 'vitest'
import * as sums from '../../src/rearrange/exponentialSum.js'

const { multiples, ...tables } = sums

/** What a sum captures of 1 / x at least, from x to x. Two terms are flat rather than wide: see exponentialSum.ts. */
const LEAST: Record<string, readonly (readonly [number, number, number])[]> = {
  TWO_TERMS: [
    [0.3, 3, 0.84],
    [0.7, 1.5, 0.998],
  ],
  THREE_TERMS: [[0.3, 3, 0.97]],
  FOUR_TERMS: [[0.3, 3, 0.99]],
}

for (const [name, sum] of Object.entries(tables)) {
  const rates = multiples(sum).map((multiple) => multiple * sum.rate)
  const weights = sum.terms.map(({ weight }) => weight)

  test(`${name} stays below 1 / x for all x > 0`, () => {
    const captured = (x: number) => x * rates.reduce((total, rate, k) => total + weights[k]! * Math.exp(-rate * x), 0)
    const low = 1e-4
    const high = 1e3
    // Below `low` it is at most x sum W; beyond `high` x exp(-T x) decreases, as high > 1 / T.
    expect(low * weights.reduce((total, weight) => total + weight)).toBeLessThan(1)
    expect(high).toBeGreaterThan(1 / rates[0]!)
    // Between, a grid in ln x and the greatest slope there: |d/dl| <= 0.31 sum W / T.
    const step = 1e-4
    const slope = 0.31 * rates.reduce((total, rate, k) => total + weights[k]! / rate, 0)
    let greatest = captured(high)
    for (let l = Math.log(low); l < Math.log(high); l += step) greatest = Math.max(greatest, captured(Math.exp(l)))
    expect(greatest + (slope * step) / 2).toBeLessThan(1)
    // And it is of use: most of 1 / x around 1.
    for (const [from, to, least] of LEAST[name]!) {
      for (let x = from; x <= to; x *= 1.01) expect(captured(x)).toBeGreaterThan(least)
    }
  })
}
