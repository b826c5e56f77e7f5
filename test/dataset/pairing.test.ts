import fc from 'fast-check'
import { expect, test } from 'vitest'
import { randomStream } from '../../src/core/random.js'
import { pairEpoch } from '../../src/dataset/pairing.js'

const classes = (minimum: number) =>
  fc
    .array(fc.integer({ min: 0, max: 3 }), { minLength: minimum, maxLength: 40 })
    .map((labels) => Int32Array.from(labels))
const sorted = (values: Int32Array) => [...values].sort((x, y) => x - y)

test('every source is sample once and partner once, and never meets itself', () => {
  fc.assert(
    fc.property(classes(2), fc.nat(), (labels, seed) => {
      const { samples, partners } = pairEpoch(labels, 'any', randomStream(seed, 0))
      expect(sorted(samples)).toEqual([...labels.keys()])
      expect(sorted(partners)).toEqual([...labels.keys()])
      samples.forEach((sample, i) => {
        expect(partners[i]).not.toBe(sample)
      })
    }),
  )
})

test('different-class never pairs two of a class', () => {
  fc.assert(
    fc.property(classes(2), fc.nat(), (labels, seed) => {
      fc.pre(new Set(labels).size > 1)
      const { samples, partners } = pairEpoch(labels, 'different-class', randomStream(seed, 0))
      expect(sorted(samples)).toEqual([...labels.keys()])
      samples.forEach((sample, i) => {
        expect(labels[partners[i]!]).not.toBe(labels[sample])
      })
    }),
  )
})

test('same-class pairs within a class and gives every source one partner turn', () => {
  fc.assert(
    fc.property(classes(1), fc.nat(), (half, seed) => {
      const labels = Int32Array.from([...half, ...half])
      const { samples, partners } = pairEpoch(labels, 'same-class', randomStream(seed, 0))
      expect(sorted(samples)).toEqual([...labels.keys()])
      expect(sorted(partners)).toEqual([...labels.keys()])
      samples.forEach((sample, i) => {
        expect(partners[i]).not.toBe(sample)
        expect(labels[partners[i]!]).toBe(labels[sample])
      })
    }),
  )
})

test('the partner of an output is the sample of the next', () => {
  const { samples, partners } = pairEpoch(new Int32Array(100), 'any', randomStream(7, 0))
  expect([...partners.subarray(0, 99)]).toEqual([...samples.subarray(1)])
})

test('a million sources of one dominant class are paired in one pass', () => {
  const labels = Int32Array.from({ length: 1_000_000 }, (_, i) => (i % 1000 === 0 ? 1 : 0))
  const { samples, partners } = pairEpoch(labels, 'different-class', randomStream(1, 0))
  expect(samples.every((sample, i) => labels[sample] !== labels[partners[i]!])).toBe(true)
})
