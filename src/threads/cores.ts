/** How many cores this process may use: by affinity, by the CPU quota of its control group, by what Slurm gave it. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'

/** A limit on cores, and who says so. */
export interface CoreLimit {
  readonly cores: number
  readonly from: string
}

let found: number | undefined

/** Cores that threads of this process can run on side by side; at least 1. */
export function cores(): number {
  found ??= Math.min(...coreLimits().map((limit) => limit.cores))
  return found
}

/** Everything that limits the cores, of which the least counts. `root` is where /proc and /sys lie. */
export function coreLimits(env: NodeJS.ProcessEnv = process.env, root = '/'): CoreLimit[] {
  const limits = [{ cores: availableParallelism(), from: 'system' }]
  const quota = cpuQuota(root)
  // Half a core more is used by a whole thread.
  if (quota !== null) limits.push({ cores: Math.max(1, Math.ceil(quota)), from: 'CPU quota of the control group' })
  // Of the task, where the job says it; a job without tasks of its own has the node's.
  const variable = env.SLURM_CPUS_PER_TASK ? 'SLURM_CPUS_PER_TASK' : 'SLURM_CPUS_ON_NODE'
  const given = Number(env[variable])
  if (env[variable] && Number.isInteger(given) && given >= 1) limits.push({ cores: given, from: variable })
  return limits
}

/** A hierarchy of control groups: where it is mounted, and what of it. */
interface Mount {
  readonly point: string
  readonly top: string
  readonly quota: (folder: string) => number | null
}

/** The least quota of this process's control group and of those above it, in cores; null where there is none. */
function cpuQuota(root: string): number | null {
  const groups = text(path.join(root, 'proc/self/cgroup'))?.trimEnd().split('\n') ?? []
  const mounts = text(path.join(root, 'proc/self/mountinfo'))?.trimEnd().split('\n') ?? []
  const quotas = groups.flatMap((line) => {
    // `0::/user.slice` of version 2, `4:cpu,cpuacct:/docker/...` of version 1.
    const [, controllers = '', group = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    const isUnified = line.startsWith('0::')
    if (!isUnified && !controllers.split(',').includes('cpu')) return []
    const mount = mounts.map((mounted) => (isUnified ? unified(mounted) : legacy(mounted))).find((one) => one !== null)
    return mount === undefined ? [] : quotasOf(mount!, group, root)
  })
  return quotas.length === 0 ? null : Math.min(...quotas)
}

function quotasOf({ point, top, quota }: Mount, group: string, root: string): number[] {
  // In a container the mount begins at the container's own group, which may have the host's name for it.
  const within = path.posix.relative(top, group)
  const parts = within.startsWith('..') ? [] : within.split('/').filter(Boolean)
  const folders = [point, ...parts.map((_, i) => path.posix.join(point, ...parts.slice(0, i + 1)))]
  return folders.map((folder) => quota(path.join(root, folder))).filter((cores) => cores !== null)
}

/** A line of mountinfo: `36 35 98:0 /top /point options - type source super-options`. */
function mountOn(line: string) {
  const [before = '', after = ''] = line.split(' - ')
  const [, , , top = '', point = ''] = before.split(' ')
  const [type = '', , more = ''] = after.split(' ')
  return { top, point, type, more: more.split(',') }
}

function unified(line: string): Mount | null {
  const { top, point, type } = mountOn(line)
  if (type !== 'cgroup2') return null
  // `200000 100000`: microseconds of each period; `max 100000` is no quota.
  return { top, point, quota: (folder) => ratio(text(path.join(folder, 'cpu.max'))?.split(' ')) }
}

function legacy(line: string): Mount | null {
  const { top, point, type, more } = mountOn(line)
  if (type !== 'cgroup' || !more.includes('cpu')) return null
  // -1 is no quota.
  const quota = (folder: string) =>
    ratio(['quota', 'period'].map((name) => text(path.join(folder, `cpu.cfs_${name}_us`)) ?? ''))
  return { top, point, quota }
}

function ratio(pair: readonly string[] | undefined): number | null {
  const [quota, period] = (pair ?? []).map(Number)
  return quota && period && quota > 0 && period > 0 ? quota / period : null
}

function text(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
