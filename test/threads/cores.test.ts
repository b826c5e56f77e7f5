import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { coreLimits } from '../../src/threads/cores.js'
import { temporaryFolder } from '../helpers/folder.js'

const least = (files: Record<string, string>, env: NodeJS.ProcessEnv = {}) =>
  coreLimits(env, temporaryFolder(files))
    .slice(1)
    .reduce<number | null>((low, { cores }) => Math.min(low ?? cores, cores), null)

const UNIFIED = '29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n'
const LEGACY = [
  '30 29 0:27 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755',
  '33 30 0:30 /docker/abc /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset',
  '34 30 0:31 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n',
].join('\n')

test('the quota of a container is known, in both versions of control groups', () => {
  const unified = { 'proc/self/cgroup': '0::/\n', 'proc/self/mountinfo': UNIFIED }
  expect(least({ ...unified, 'sys/fs/cgroup/cpu.max': '200000 100000\n' })).toBe(2)
  expect(least({ ...unified, 'sys/fs/cgroup/cpu.max': '150000 100000\n' })).toBe(2)
  expect(least({ ...unified, 'sys/fs/cgroup/cpu.max': '5000 100000\n' })).toBe(1)
  expect(least({ ...unified, 'sys/fs/cgroup/cpu.max': 'max 100000\n' })).toBeNull()
  const legacy = {
    'proc/self/cgroup': '5:cpuset:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/docker/abc\n',
    'proc/self/mountinfo': LEGACY,
    'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
  }
  expect(least({ ...legacy, 'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '300000\n' })).toBe(3)
  expect(least({ ...legacy, 'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n' })).toBeNull()
})

test('the least quota of a group and of those above it counts', () => {
  const files = {
    'proc/self/cgroup': '0::/system.slice/job.scope\n',
    'proc/self/mountinfo': UNIFIED,
    'sys/fs/cgroup/system.slice/cpu.max': '400000 100000\n',
    'sys/fs/cgroup/system.slice/job.scope/cpu.max': 'max 100000\n',
  }
  expect(least(files)).toBe(4)
  expect(least({ ...files, 'sys/fs/cgroup/system.slice/job.scope/cpu.max': '100000 50000\n' })).toBe(2)
})

test('a group outside of the mount is that of the mount', () => {
  const files = {
    'proc/self/cgroup': '0::/../other\n',
    'proc/self/mountinfo': UNIFIED.replace('0:26 /', '0:26 /kubepods/pod7'),
    'sys/fs/cgroup/cpu.max': '300000 100000\n',
  }
  expect(least(files)).toBe(3)
})

test('Slurm says what a task may use, else what the job has on the node', () => {
  expect(least({}, { SLURM_CPUS_ON_NODE: '8' })).toBe(8)
  expect(least({}, { SLURM_CPUS_ON_NODE: '8', SLURM_CPUS_PER_TASK: '2' })).toBe(2)
  expect(least({}, { SLURM_CPUS_ON_NODE: 'many' })).toBeNull()
})

test('without any of it the system counts', () => {
  expect(coreLimits({}, temporaryFolder())).toEqual([{ cores: availableParallelism(), from: 'system' }])
})
