import { expect, test } from 'vitest'
import { scoresOf } from '../../src/trial/scores.js'
import {
  detectable,
  difference,
  differenceOf,
  isShown,
  picturesFor,
  spreadOf,
  studentQuantile,
} from '../../src/trial/statistics.js'

/** Of `scipy.stats.t.ppf(0.975, v)`, SciPy 1.17.1. */
const QUANTILES = {
  1: 12.706204736174694,
  2: 4.302652729749462,
  3: 3.1824463052837078,
  4: 2.7764451051977934,
  7: 2.364624251592784,
  19: 2.0930240544083087,
  100: 1.9839715185235556,
}

test('quantiles are those of SciPy', () => {
  for (const [freedom, expected] of Object.entries(QUANTILES))
    expect(studentQuantile(Number(freedom))).toBeCloseTo(expected, 8)
})

/** What seeds change, where one repetition cannot show it. */
const POINT = 0.01

const bits = (text: string) => Uint8Array.from(text, Number)
const THREE = [
  { ours: bits('1110111011'), theirs: bits('1010101010') },
  { ours: bits('1111101011'), theirs: bits('1111001010') },
  { ours: bits('0110111010'), theirs: bits('1010101010') },
]

test('hold-outs: the corrected error of Nadeau and Bengio, by hand', () => {
  // Differences .3, .2 and .1: variance .01. Of ten pictures 3, 2 and 3 differ, the third time one the other way.
  const alone = (2.1 + 1.6 + 2.9) / 9 / 10 / 3
  const found = difference(THREE, { kind: 'holdOuts', share: 0.2 })
  expect(alone).toBeGreaterThan(0.01)
  expect(found.mean).toBeCloseTo(0.2, 12)
  expect(found.error).toBeCloseTo(Math.sqrt((1 / 3 + 0.25) * alone), 12)
  expect(found.quantile).toBeCloseTo(QUANTILES[1], 8)
  expect(isShown(found)).toBe(false)
  expect(detectable(found)).toBeCloseTo(QUANTILES[1] * found.error, 7)
  // Where repetitions differ more than pictures explain, their variance counts.
  const wide = difference(THREE, { kind: 'holdOuts', share: 0.2 }, { variance: 0.09, freedom: 4 })
  expect(wide.error).toBeCloseTo(Math.sqrt((1 / 3 + 0.25) * 0.09), 12)
  expect(wide.quantile).toBeCloseTo(QUANTILES[4], 8)
  // Twice the difference needs a quarter of the pictures.
  expect(picturesFor(2 * detectable(found), 500, detectable(found))).toBeCloseTo(125, 9)
  expect(differenceOf([1, 3], [2, 2], { kind: 'holdOuts', share: 0.5 }).error).toBeCloseTo(Math.sqrt(1.5 * 2), 12)
})

test('arms are taken together, and those that agree by chance do not count as sure', () => {
  // Variances .01 of three repetitions, and 0 of two.
  const same = [THREE[0]!, THREE[0]!]
  const spread = spreadOf([THREE, same])
  expect(spread).toEqual({ variance: expect.closeTo((2 * 0.01) / 3, 12), freedom: 2 })
  const { error } = difference(same, { kind: 'holdOuts', share: 0.2 }, spread)
  expect(error).toBeCloseTo(Math.sqrt(0.75 * ((0.3 * 0.7) / 9)), 12)
})

test('arms that answer alike are not known to a picture', () => {
  const alike = [{ ours: THREE[0]!.ours, theirs: THREE[0]!.ours }]
  expect(difference(alike, { kind: 'validation' })).toMatchObject({
    mean: 0,
    error: expect.closeTo(Math.hypot(0.1, POINT), 12),
  })
  expect(difference(alike, { kind: 'holdOuts', share: 0.2 }).error).toBeCloseTo(
    Math.sqrt(1.25 * (0.01 + POINT ** 2)),
    12,
  )
})

test('one repetition: the error of its pictures, and of a seed', () => {
  const { mean, error, quantile } = difference([THREE[0]!], { kind: 'validation' })
  expect(mean).toBeCloseTo(0.3, 12)
  // Three ones among ten, and a point for the seed.
  expect(error).toBeCloseTo(Math.sqrt((0.3 * 0.7 * 10) / 9 / 10 + POINT ** 2), 12)
  expect(quantile).toBeCloseTo(1.96, 2)
})

/** A generator of its own, so that the simulation is the same everywhere. */
function uniforms(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

test('validation: the error covers other pictures and other seeds, as a simulation shows', () => {
  const uniform = uniforms(1)
  const [pictures, seeds, trials] = [150, 4, 300]
  const means: number[] = []
  const errors: number[] = []
  for (let trial = 0; trial < trials; trial++) {
    // Some pictures are easier for one arm, and some seeds better for it.
    const leaning = Array.from({ length: pictures }, () => 0.5 * (uniform() - 0.5))
    const repetitions = Array.from({ length: seeds }, () => {
      const luck = 0.1 * (uniform() - 0.5)
      return {
        ours: Uint8Array.from(leaning, (l) => Number(uniform() < 0.6 + l + luck)),
        theirs: Uint8Array.from(leaning, () => Number(uniform() < 0.6)),
      }
    })
    const { mean, error } = difference(repetitions, { kind: 'validation' })
    means.push(mean)
    errors.push(error ** 2)
  }
  const spread = Math.sqrt(means.reduce((sum, m) => sum + m ** 2, 0) / trials)
  const told = Math.sqrt(errors.reduce((a, b) => a + b, 0) / trials)
  expect(told / spread).toBeGreaterThan(0.85)
  expect(told / spread).toBeLessThan(1.25)
})

test('scores are those of NumPy', () => {
  // probabilities .7 .2 .1, .4 .35 .25 and .1 .1 .8; classes 0, 1, 2: two right.
  const logits = Float32Array.from([0.7, 0.2, 0.1, 0.4, 0.35, 0.25, 0.1, 0.1, 0.8], Math.log)
  const target = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1)
  const { accuracy, logLoss, calibration } = scoresOf(logits, target, 3)
  expect(accuracy).toBeCloseTo(2 / 3, 12)
  expect(logLoss).toBeCloseTo(-(Math.log(0.7) + Math.log(0.35) + Math.log(0.8)) / 3, 6)
  // Each stands in a bin of its own: |1 - .7|, |0 - .4|, |1 - .8|.
  expect(calibration).toBeCloseTo((0.3 + 0.4 + 0.2) / 3, 6)
})
