import fc from 'fast-check'
import { expect, test } from 'vitest'
import { planEpochs, planPairs } from '../../src/run/plan.js'

const options = { count: 25, pairing: 'any', seed: 3, originals: true } as const

test('a plan is a function of classes, options and seed', () => {
  const classes = Int32Array.from({ length: 10 }, (_, i) => i % 3)
  const jobs = (seed: number) => {
    const plan = planEpochs(classes, { ...options, seed })
    return Array.from({ length: plan.length }, (_, i) => plan.job(i))
  }
  expect(jobs(3)).toEqual(jobs(3))
  expect(jobs(3)).not.toEqual(jobs(4))
  expect(jobs(3)).toHaveLength(35)
})

test('each epoch uses every picture once as sample, and epochs differ', () => {
  const plan = planEpochs(new Int32Array(10), options)
  const samples = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => plan.job(from + i).sources[0]!)
  expect(samples(0, 10).sort()).toEqual([...Array(10).keys()])
  expect(samples(10, 20).sort()).toEqual([...Array(10).keys()])
  expect(samples(0, 10)).not.toEqual(samples(10, 20))
  expect(samples(25, 35)).toEqual([...Array(10).keys()])
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
