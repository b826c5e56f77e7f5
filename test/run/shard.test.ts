import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseShard, shardRange } from '../../src/run/shard.js'

test('the shards of any plan are disjoint, in order, complete and even', () => {
  fc.assert(
    fc.property(fc.nat(2_000_000), fc.integer({ min: 1, max: 500 }), (outputs, count) => {
      const ranges = Array.from({ length: count }, (_, i) => shardRange(outputs, { index: i + 1, count }))
      const ends = [0, ...ranges.map(({ end }) => end)]
      expect(ranges.map(({ start }) => start)).toEqual(ends.slice(0, -1))
      expect(ends.at(-1)).toBe(outputs)
      expect(ranges.every(({ start, end }) => Math.abs(end - start - outputs / count) < 1)).toBe(true)
    }),
  )
})

test('index and count come from the engine that runs the shards', () => {
  const slurm = {
    SLURM_ARRAY_TASK_ID: '7',
    SLURM_ARRAY_TASK_MIN: '3',
    SLURM_ARRAY_TASK_STEP: '2',
    SLURM_ARRAY_TASK_COUNT: '4',
  }
  expect(parseShard('auto', slurm)).toEqual({ index: 3, count: 4 })
  expect(parseShard('auto/8', { JOB_COMPLETION_INDEX: '7' })).toEqual({ index: 8, count: 8 })
  expect(parseShard('auto/8', { PARALLEL_SEQ: '1' })).toEqual({ index: 1, count: 8 })
  expect(parseShard('2/3', slurm)).toEqual({ index: 2, count: 3 })
})

test('a shard that cannot be is refused with what was expected', () => {
  expect(() => parseShard('4/3', {})).toThrow('expected <i>/<n> with i from 1 to n, got 4/3')
  expect(() => parseShard('0/3', {})).toThrow('got 0/3')
  expect(() => parseShard('auto', {})).toThrow('found no index in the environment')
  expect(() => parseShard('auto', { JOB_COMPLETION_INDEX: '0' })).toThrow('found no count in the environment')
})
