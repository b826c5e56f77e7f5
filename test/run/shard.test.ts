import { mkdirSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatShard, parseShard, placeShard, shardRange } from '../../src/run/shard.js'
import { temporaryFolder } from '../helpers/folder.js'

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

type Case = readonly [string, Record<string, string>, string]

const slurm = (id: number, [min, max, step, count]: readonly number[]) => ({
  SLURM_ARRAY_TASK_ID: `${id}`,
  SLURM_ARRAY_TASK_MIN: `${min}`,
  SLURM_ARRAY_TASK_MAX: `${max}`,
  SLURM_ARRAY_TASK_STEP: `${step}`,
  SLURM_ARRAY_TASK_COUNT: `${count}`,
})
const sge = (id: string, first: string, last: string, step: string) => ({
  SGE_TASK_ID: id,
  SGE_TASK_FIRST: first,
  SGE_TASK_LAST: last,
  SGE_TASK_STEPSIZE: step,
})

/** What real engines set, by test/external/clusters.sh; those of clouds, PBS and LSF by their documentation. */
const CERTAIN: readonly Case[] = [
  ['auto', slurm(3, [1, 8, 1, 8]), '3/8'],
  ['auto', slurm(3, [0, 7, 1, 8]), '4/8'],
  ['auto', slurm(5, [1, 7, 2, 4]), '3/4'],
  ['auto/8', slurm(3, [3, 3, 1, 1]), '3/8'],
  ['auto/8', slurm(7, [3, 7, 1, 2]), '7/8'],
  ['auto/0-7', slurm(3, [3, 3, 1, 1]), '4/8'],
  ['auto/1-15:2', slurm(3, [3, 3, 1, 1]), '2/8'],
  ['auto/1-16:2', slurm(15, [15, 15, 1, 1]), '8/8'],
  ['auto', sge('2', '1', '8', '1'), '2/8'],
  ['auto/8', sge('3', '3', '3', '1'), '3/8'],
  ['auto/8', sge('3', '1', '3', '2'), '3/8'],
  ['auto/8', { PBS_ARRAY_INDEX: '8' }, '8/8'],
  ['auto/0-7', { PBS_ARRAY_INDEX: '0' }, '1/8'],
  ['auto/8', { PBS_ARRAYID: '2' }, '2/8'],
  ['auto/8', { LSB_JOBINDEX: '2' }, '2/8'],
  ['auto/8', { JOB_COMPLETION_INDEX: '7' }, '8/8'],
  ['auto/8', { NOMAD_ALLOC_INDEX: '0' }, '1/8'],
  ['auto', { AWS_BATCH_JOB_ARRAY_INDEX: '0', AWS_BATCH_JOB_ARRAY_SIZE: '8' }, '1/8'],
  ['auto', { BATCH_TASK_INDEX: '7', BATCH_TASK_COUNT: '8' }, '8/8'],
  ['auto', { CLOUD_RUN_TASK_INDEX: '0', CLOUD_RUN_TASK_COUNT: '1' }, '1/1'],
  ['auto/8', { JOB_COMPLETION_INDEX: '2', SGE_TASK_ID: 'undefined', LSB_JOBINDEX: '0', PBS_ARRAY_INDEX: '' }, '3/8'],
  ['auto/8', { JOB_COMPLETION_INDEX: '2', PARALLEL_SEQ: '5' }, '3/8'],
  ['2/3', slurm(3, [1, 8, 1, 8]), '2/3'],
]

test.each(CERTAIN)('--shard %s with %j is shard %s', (text, env, expected) => {
  expect(formatShard(parseShard(text, env))).toBe(expected)
})

/** None of these may become a shard. */
const REFUSED: readonly Case[] = [
  ['auto', slurm(3, [3, 3, 1, 1]), 'found an array of the one task 3, expected to learn how many'],
  ['auto', slurm(1, [1, 1, 1, 1]), 'found an array of the one task 1'],
  ['auto', slurm(3, [3, 7, 1, 5]), 'found an array that starts at 3'],
  ['auto', slurm(3, [3, 11, 1, 3]), 'found an array that starts at 3'],
  ['auto', slurm(4, [1, 8, 1, 3]), 'found 3 of the tasks 1-8'],
  ['auto/8', slurm(3, [0, 7, 1, 8]), 'found SLURM_ARRAY_TASK_ID=3 in an array of 0-7, expected tasks of 1-8'],
  ['auto/8', slurm(1, [1, 15, 2, 8]), 'in an array of 1-15:2, expected tasks of 1-8'],
  ['auto/1-15:2', slurm(4, [4, 4, 1, 1]), 'expected tasks of 1-15:2'],
  ['auto', { SLURM_ARRAY_TASK_ID: '1' }, 'found SLURM_ARRAY_TASK_MIN="", expected a whole number'],
  ['auto', sge('3', '3', '3', '1'), 'found an array of the one task 3'],
  ['auto', sge('1', '1', '3', '2'), 'found 2 of the tasks 1-3'],
  ['auto', sge('undefined', 'undefined', 'undefined', 'undefined'), 'found no index'],
  ['auto', { PBS_ARRAY_INDEX: '1' }, 'PBS_ARRAY_INDEX comes without a count'],
  ['auto/8', { PBS_ARRAY_INDEX: '0' }, 'found PBS_ARRAY_INDEX=0, expected tasks of 1-8'],
  ['auto/8', { PBS_ARRAY_INDEX: '' }, 'found no index'],
  ['auto/8', { LSB_JOBINDEX: '0' }, 'found no index'],
  ['auto/8', { JOB_COMPLETION_INDEX: '8' }, 'expected tasks of 0-7'],
  ['auto/8', { JOB_COMPLETION_INDEX: '1.5' }, 'found JOB_COMPLETION_INDEX="1.5", expected a whole number'],
  ['auto', { AWS_BATCH_JOB_ARRAY_INDEX: '0' }, 'found no AWS_BATCH_JOB_ARRAY_SIZE'],
  ['auto/8', { PARALLEL_SEQ: '1' }, 'found no index'],
  ['auto/8', { PBS_ARRAY_INDEX: '1', JOB_COMPLETION_INDEX: '1' }, 'PBS_ARRAY_INDEX 1 and JOB_COMPLETION_INDEX 1'],
  ['auto/0', { PBS_ARRAY_INDEX: '1' }, 'expected at least one task'],
  ['auto/7-1', { PBS_ARRAY_INDEX: '1' }, 'expected at least one task'],
  ['auto/1-7:0', { PBS_ARRAY_INDEX: '1' }, 'expected at least one task'],
  ['4/3', {}, 'expected <i>/<n> with i from 1 to n, got 4/3'],
  ['0/3', {}, 'got 0/3'],
]

test.each(REFUSED)('--shard %s with %j is refused: %s', (text, env, expected) => {
  expect(() => parseShard(text, env)).toThrow(expected)
})

test('an array of fewer tasks than the shards beside it is refused', async () => {
  const folder = temporaryFolder()
  mkdirSync(path.join(folder, 'aug-2-of-8'))
  const out = path.join(folder, 'aug-{shard}')
  await expect(placeShard(out, { index: 1, count: 3 }, 'auto')).rejects.toThrow(
    'found 3 tasks, expected 8 as in aug-2-of-8',
  )
  expect(await placeShard(out, { index: 1, count: 8 }, 'auto')).toBe(path.join(folder, 'aug-1-of-8'))
  expect(await placeShard(out, { index: 1, count: 3 }, '1/3')).toBe(path.join(folder, 'aug-1-of-3'))
  const below = path.join(folder, 'aug-{shard}/x')
  await expect(placeShard(below, { index: 1, count: 3 }, 'auto')).rejects.toThrow('as in aug-2-of-8')
  expect(await placeShard(path.join(folder, 'new/{shard}'), { index: 1, count: 3 }, 'auto')).toBe(
    path.join(folder, 'new/1-of-3'),
  )
})
