import { expect, test } from 'vitest'
import type { Pairing } from '../../src/dataset/pairing.js'
import { type Balance, describeBalance, describeOveruse, planDrawn } from '../../src/run/drawn.js'
import { planEpochs } from '../../src/run/plan.js'

/** 90 pictures of a class, 9 of another, one of a third. */
const CLASSES = Int32Array.from({ length: 100 }, (_, i) => (i < 90 ? 0 : i < 99 ? 1 : 2))

function plan(balance: Balance, { count = 300, pairing = 'any' as Pairing, originals = false, seed = 3 } = {}) {
  return planDrawn(CLASSES, { balance, count, pairing, seed, originals }, (drawn) =>
    planEpochs(drawn, { count, pairing, seed, originals: false, block: 64 }),
  )
}

function jobsOf(made: ReturnType<typeof plan>) {
  return Array.from({ length: made.length }, (_, i) => made.job(i))
}

test.each([
  ['classes', [100, 100, 100]],
  // 300 sqrt(n) / (sqrt(90) + sqrt(9) + sqrt(1)): 211.02, 66.73, 22.24.
  ['sqrt', [211, 67, 22]],
] as const)('%s draws classes as often as it says, and the pictures of a class alike', (balance, expected) => {
  const made = plan(balance)
  const samples = new Map<number, number>()
  for (const { sources } of jobsOf(made)) samples.set(sources[0]!, (samples.get(sources[0]!) ?? 0) + 1)
  expect(Array.from(made.drawn, (_, source) => samples.get(source) ?? 0)).toEqual([...made.drawn])
  expected.forEach((total, label) => {
    const draws = [...made.drawn].filter((_, source) => CLASSES[source] === label)
    expect(draws.reduce((sum, times) => sum + times, 0)).toBe(total)
    expect(Math.max(...draws) - Math.min(...draws)).toBeLessThanOrEqual(1)
  })
})

test.each(['any', 'different-class'] as const)('no picture is mixed with itself, pairing %s', (pairing) => {
  for (const { sources } of jobsOf(plan('classes', { pairing }))) {
    const [a, b] = sources as [number, number]
    expect(a).not.toBe(b)
    if (pairing === 'different-class') expect(CLASSES[a]).not.toBe(CLASSES[b])
  }
})

test('the same seed draws the same, whatever is asked first; another seed, others', () => {
  const [one, two] = [plan('classes'), plan('classes')]
  expect(two.job(250)).toEqual(one.job(250))
  expect(jobsOf(two)).toEqual(jobsOf(one))
  expect(jobsOf(plan('classes', { seed: 4 }))).not.toEqual(jobsOf(one))
})

test('originals come once each, after the mixes', () => {
  const jobs = jobsOf(plan('classes', { originals: true })).slice(300)
  expect(jobs.map(({ sources }) => sources)).toEqual(Array.from({ length: 100 }, (_, i) => [i]))
  expect(jobs.at(-1)!.name).toBe('images/00000/000000399')
})

test('the counts of the classes are told before and after', () => {
  expect(describeBalance(plan('classes'), CLASSES, ['cat', 'dog', 'owl'], 'classes')).toBe(
    '--balance classes: draws by class: cat 90 -> 100, dog 9 -> 100, owl 1 -> 100; one picture is drawn up to 100 times',
  )
})

test('pictures that are partners again and again are told', () => {
  const files = Array.from({ length: 100 }, (_, i) => ({ file: `${i}.jpg` }))
  expect(describeOveruse(CLASSES, ['cat', 'dog', 'owl'], files)).toBe(
    '--pairing different-class: class "cat" has 90 of 100 pictures: each of the 10 others is partner about 9 times an epoch; --balance classes evens that out',
  )
  expect(describeOveruse(Int32Array.of(0, 0, 1, 0), ['cat', 'dog'], files)).toBe(
    '--pairing different-class: class "cat" has 3 of 4 pictures: the only other one, "2.jpg", is its partner 3 times an epoch; --balance classes evens that out',
  )
  expect(describeOveruse(Int32Array.of(0, 0, 1, 1), ['cat', 'dog'], files)).toBeNull()
})
