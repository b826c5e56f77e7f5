import fc from 'fast-check'
import { expect, test } from 'vitest'
import { blockSize, type Plan, planEpochs, planPairs } from '../../src/run/plan.js'

const options = { count: 25, pairing: 'any', seed: 3, originals: true, block: 256 } as const
const jobsOf = (plan: Plan) => Array.from({ length: plan.length }, (_, i) => plan.job(i))

test('a plan is a function of classes, options and seed, and an output of its index alone', () => {
  const classes = Int32Array.from({ length: 10 }, (_, i) => i % 3)
  const jobs = (seed: number) => jobsOf(planEpochs(classes, { ...options, seed }))
  expect(jobs(3)).toEqual(jobs(3))
  expect(jobs(3)).not.toEqual(jobs(4))
  expect(jobs(3)).toHaveLength(35)
  const again = planEpochs(classes, options)
  const backwards = Array.from({ length: 35 }, (_, i) => again.job(34 - i)).reverse()
  expect(backwards).toEqual(jobs(3))
})

test('every epoch of every block uses each of its pictures once as sample, epochs differ, originals come last', () => {
  const n = 100
  for (const pairing of ['any', 'different-class', 'same-class'] as const) {
    const classes = Int32Array.from({ length: n }, (_, i) => i % 3)
    const jobs = jobsOf(planEpochs(classes, { ...options, pairing, count: 250, block: 16 }))
    for (const epoch of [0, 1]) {
      const samples = jobs.filter((job) => job.epoch === epoch).map(({ sources }) => sources[0]!)
      expect(samples.sort((a, b) => a - b)).toEqual([...Array(n).keys()])
    }
    const last = jobs.filter((job) => job.epoch === 2).map(({ sources }) => sources[0]!)
    expect(new Set(last).size).toBe(50)
    expect(jobs.slice(250).map(({ sources, epoch }) => [...sources, epoch])).toEqual(
      Array.from({ length: n }, (_, i) => [i, 3]),
    )
    const pairs = (epoch: number) => jobs.filter((job) => job.epoch === epoch).map(({ sources }) => `${sources}`)
    expect(pairs(0)).not.toEqual(pairs(1))
  }
})

test('all outputs of a block lie together, so that a picture is visited once however many epochs', () => {
  const plan = planEpochs(new Int32Array(1000), { ...options, count: 8500, block: 64, originals: false })
  const [first, last] = [new Map<number, number>(), new Map<number, number>()]
  for (const { index, sources } of jobsOf(plan)) {
    for (const source of sources) {
      if (!first.has(source)) first.set(source, index)
      last.set(source, index)
    }
  }
  for (const [source, index] of first) expect(last.get(source)! - index).toBeLessThan(9 * 64)
})

test('fewer outputs than pictures are of the first blocks, and those that a longer run begins with', () => {
  const classes = new Int32Array(1000)
  const short = jobsOf(planEpochs(classes, { ...options, count: 100, originals: false }))
  const long = jobsOf(planEpochs(classes, { ...options, count: 4000, originals: false }))
  expect(short.map(({ sources }) => sources)).toEqual(long.slice(0, 100).map(({ sources }) => sources))
})

test('the pass of an output holds no sample twice, and passes follow each other without a gap', () => {
  const plan = planEpochs(new Int32Array(100), { ...options, count: 250, block: 40, originals: false })
  let next = 0
  while (next < plan.mixes) {
    const { start, end } = plan.pass(next)
    expect(start).toBe(next)
    for (let i = start; i < end; i++) expect(plan.pass(i)).toMatchObject({ start, end })
    const samples = Array.from({ length: end - start }, (_, i) => plan.job(start + i).sources[0])
    expect(new Set(samples).size).toBe(end - start)
    next = end
  }
  expect(next).toBe(250)
})

test('blocks are smaller where the canvas is large', () => {
  expect([undefined, '32x32', '224x224'].map(blockSize)).toEqual([256, 256, 256])
  expect(['512x512', '1024x768', '4000x3000'].map(blockSize)).toEqual([73, 32, 32])
})

test('output names are numeric, ten thousand a folder, and sort in plan order', () => {
  const plan = planEpochs(new Int32Array(5000), { ...options, count: 20_001, originals: false })
  expect(plan.job(9_999).name).toBe('images/00000/000009999')
  expect(plan.job(10_000).name).toBe('images/00001/000010000')
  fc.assert(
    fc.property(fc.nat(20_000), fc.nat(20_000), (i, j) => {
      expect(plan.job(i).name < plan.job(j).name).toBe(i < j)
    }),
  )
})

test('explicit pairs keep their order, names and what they fix', () => {
  const pairs = [
    { a: 1, b: 0, alpha: 0.2 },
    { a: 0, b: 1, name: 'mine' },
  ]
  const plan = planPairs({ length: pairs.length, get: (i) => pairs[i]! }, 2, true)
  expect(plan.length).toBe(4)
  expect(plan.job(0)).toMatchObject({ sources: [1, 0], name: 'images/00000/000000000', pair: { alpha: 0.2 } })
  expect(plan.job(1).name).toBe('images/mine')
  expect(plan.job(3).sources).toEqual([1])
})
