import fc from 'fast-check'
import { expect, test } from 'vitest'
import { randomStream } from '../../src/core/random.js'
import { cutBlocks, type Pairing, type Pass, pairBlock, unlikePicker } from '../../src/dataset/pairing.js'

const classes = (minimum: number, maximum = 60) =>
  fc
    .array(fc.integer({ min: 0, max: 3 }), { minLength: minimum, maxLength: maximum })
    .map((labels) => Int32Array.from(labels))
const sorted = (values: Iterable<number>) => [...values].sort((x, y) => x - y)

/** Every pass of every block, epoch after epoch. */
function passes(
  labels: Int32Array,
  pairing: Pairing,
  options: { seed: number; size: number; epochs: number },
): Pass[][] {
  const { order, bounds } = cutBlocks(labels, pairing, options.size, randomStream(options.seed, 0))
  const unlike = unlikePicker(labels)
  return Array.from({ length: options.epochs }, (_, epoch) =>
    Array.from(bounds.subarray(1), (end, block) =>
      pairBlock(order.subarray(bounds[block]!, end), epoch, {
        classes: labels,
        pairing,
        ofBlock: randomStream(options.seed, 1 + block),
        ofPass: randomStream(options.seed, 1000 * (1 + epoch) + block),
        unlike,
      }),
    ),
  )
}
const samplesOf = (blocks: Pass[]) => blocks.flatMap(({ samples }) => [...samples])
const partnersOf = (blocks: Pass[]) => blocks.flatMap(({ partners }) => [...partners])

const sizes = fc.integer({ min: 4, max: 64 })

test('in every epoch every source is sample once and partner once, and never meets itself', () => {
  fc.assert(
    fc.property(classes(2), fc.nat(), sizes, (labels, seed, size) => {
      for (const epoch of passes(labels, 'any', { seed, size, epochs: 3 })) {
        expect(sorted(samplesOf(epoch))).toEqual([...labels.keys()])
        expect(sorted(partnersOf(epoch))).toEqual([...labels.keys()])
        const partners = partnersOf(epoch)
        for (const [i, sample] of samplesOf(epoch).entries()) expect(partners[i]).not.toBe(sample)
      }
    }),
  )
})

test('nobody gets the same partner in two epochs before it has had all of its block', () => {
  fc.assert(
    fc.property(classes(2), fc.nat(), sizes, (labels, seed, size) => {
      const { bounds } = cutBlocks(labels, 'any', size, randomStream(seed, 0))
      const smallest = Math.min(...Array.from(bounds.subarray(1), (end, i) => end - bounds[i]!))
      const partnersOfEach = Array.from(labels, () => new Set<number>())
      for (const epoch of passes(labels, 'any', { seed, size, epochs: smallest - 1 })) {
        const partners = partnersOf(epoch)
        for (const [i, sample] of samplesOf(epoch).entries()) partnersOfEach[sample]!.add(partners[i]!)
      }
      for (const partners of partnersOfEach) expect(partners.size).toBe(smallest - 1)
    }),
  )
})

test('different-class never pairs two of a class', () => {
  fc.assert(
    fc.property(classes(2), fc.nat(), sizes, (labels, seed, size) => {
      fc.pre(new Set(labels).size > 1)
      for (const epoch of passes(labels, 'different-class', { seed, size, epochs: 2 })) {
        expect(sorted(samplesOf(epoch))).toEqual([...labels.keys()])
        const partners = partnersOf(epoch)
        for (const [i, sample] of samplesOf(epoch).entries()) expect(labels[partners[i]!]).not.toBe(labels[sample])
      }
    }),
  )
})

test('same-class pairs within a class and gives every source one partner turn', () => {
  fc.assert(
    fc.property(classes(1), fc.nat(), sizes, (half, seed, size) => {
      const labels = Int32Array.from([...half, ...half])
      for (const epoch of passes(labels, 'same-class', { seed, size, epochs: 2 })) {
        const [samples, partners] = [samplesOf(epoch), partnersOf(epoch)]
        expect(sorted(samples)).toEqual([...labels.keys()])
        expect(sorted(partners)).toEqual([...labels.keys()])
        for (const [i, sample] of samples.entries()) {
          expect(partners[i]).not.toBe(sample)
          expect(labels[partners[i]!]).toBe(labels[sample])
        }
      }
    }),
  )
})

test('a class of two is always in one block with same-class, and blocks of many classes are mixed', () => {
  const labels = Int32Array.from({ length: 2000 }, (_, i) => i >> 1)
  const [blocks] = passes(labels, 'same-class', { seed: 3, size: 256, epochs: 1 })
  expect(blocks).toHaveLength(8)
  const large = Int32Array.from({ length: 4000 }, (_, i) => Math.floor(i / 1000))
  for (const { samples } of passes(large, 'same-class', { seed: 3, size: 256, epochs: 1 })[0]!.slice(0, -1)) {
    const runs = samples.reduce((most, _, i) => {
      let length = 1
      while (large[samples[i + length]!] === large[samples[i]!] && i + length < samples.length) length++
      return Math.max(most, length)
    }, 0)
    const kinds = new Set(Array.from(samples, (source) => large[source])).size
    expect(kinds === 1 || runs <= 4).toBe(true)
  }
})

test('blocks of sorted folders are mixed, of equal size, and never of one source', () => {
  const labels = Int32Array.from({ length: 1025 }, (_, i) => Math.floor(i / 103))
  const { order, bounds } = cutBlocks(labels, 'any', 256, randomStream(1, 0))
  expect([...bounds]).toEqual([0, 205, 410, 615, 820, 1025])
  for (let block = 0; block < 5; block++) {
    const own = order.subarray(bounds[block], bounds[block + 1])
    expect(new Set(Array.from(own, (source) => labels[source])).size).toBe(10)
  }
})

test('the partner of an output is the sample of the next, but at the end of a round', () => {
  const [[{ samples, partners }]] = passes(new Int32Array(101), 'any', { seed: 7, size: 128, epochs: 1 }) as [[Pass]]
  expect([...partners.subarray(0, 100)]).toEqual([...samples.subarray(1)])
})

test('where two classes are equally large, different-class gives every source one partner turn, and others each epoch', () => {
  const labels = Int32Array.from({ length: 1024 }, (_, i) => (i < 512 ? 0 : 1))
  const met = Array.from(labels, () => new Set<number>())
  for (const epoch of passes(labels, 'different-class', { seed: 5, size: 256, epochs: 20 })) {
    const partners = partnersOf(epoch)
    expect(sorted(partners)).toEqual([...labels.keys()])
    for (const [i, sample] of samplesOf(epoch).entries()) met[sample]!.add(partners[i]!)
  }
  expect(met.every(({ size }) => size === 20)).toBe(true)
})

test('a picture of a class that fills its block gets partners from everywhere, each about as often', () => {
  const labels = Int32Array.from({ length: 4000 }, (_, i) => (i % 50 === 0 ? 1 + (i % 3) : 0))
  const met = new Map<number, number>()
  for (const epoch of passes(labels, 'different-class', { seed: 1, size: 256, epochs: 10 })) {
    const partners = partnersOf(epoch)
    for (const [i, sample] of samplesOf(epoch).entries()) {
      if (labels[sample] === 0) met.set(partners[i]!, (met.get(partners[i]!) ?? 0) + 1)
    }
  }
  const [mean, counts] = [(3920 * 10) / 80, [...met.values()]]
  expect(met.size).toBe(80)
  expect(Math.min(...counts)).toBeGreaterThan(mean - 5 * Math.sqrt(mean))
  expect(Math.max(...counts)).toBeLessThan(mean + 5 * Math.sqrt(mean))
})

test('a class of three quarters shares the others fairly', () => {
  const labels = Int32Array.from({ length: 1000 }, (_, i) => (i % 4 === 0 ? 1 : 0))
  const [epoch] = passes(labels, 'different-class', { seed: 2, size: 200, epochs: 1 })
  const times = new Map<number, number>()
  for (const partner of partnersOf(epoch!)) times.set(partner, (times.get(partner) ?? 0) + 1)
  for (const [source, label] of labels.entries()) {
    const turns = times.get(source) ?? 0
    expect(turns).toBe(label === 1 ? 3 : Math.min(turns, 1))
  }
})

test('sources of one dominant class are paired', () => {
  const labels = Int32Array.from({ length: 100_000 }, (_, i) => (i % 1000 === 0 ? 1 : 0))
  const [epoch] = passes(labels, 'different-class', { seed: 1, size: 256, epochs: 1 })
  const partners = partnersOf(epoch!)
  expect(samplesOf(epoch!).every((sample, i) => labels[sample] !== labels[partners[i]!])).toBe(true)
})
