import { AugmentError } from '../core/errors.js'

/** Part `index` (1-based) of `count` of a run. */
export interface Shard {
  readonly index: number
  readonly count: number
}

/** The outputs of a shard: consecutive ones, so that neighbours still share their pictures. The shards partition the plan. */
export function shardRange(outputs: number, { index, count }: Shard): { start: number; end: number } {
  return { start: Math.floor(((index - 1) * outputs) / count), end: Math.floor((index * outputs) / count) }
}

/** `2/3` as people and run.json write it. */
export function formatShard({ index, count }: Shard): string {
  return `${index}/${count}`
}

/**
 * Reads `2/3`; `auto`, which takes index and count of a Slurm array; or `auto/3`, which takes the index of a Slurm array, a
 * Kubernetes indexed Job (JOB_COMPLETION_INDEX) or GNU parallel (PARALLEL_SEQ) from `env`. Throws a usage error.
 */
export function parseShard(text: string, env: Readonly<Record<string, string | undefined>>): Shard {
  const [first, second] = text.split('/')
  const automatic = first === 'auto' ? fromEnvironment(env) : { index: Number(first), count: undefined }
  const index = automatic?.index
  const count = second === undefined ? automatic?.count : Number(second)
  if (index === undefined || count === undefined) {
    throw new AugmentError(
      'usage',
      `--shard ${text}: found no ${index === undefined ? 'index' : 'count'} in the environment`,
      {
        hint: 'auto reads a Slurm array; auto/<n> also reads JOB_COMPLETION_INDEX and PARALLEL_SEQ; else give <i>/<n>',
      },
    )
  }
  if (!Number.isInteger(index) || !Number.isInteger(count) || index < 1 || index > count) {
    throw new AugmentError('usage', `--shard: expected <i>/<n> with i from 1 to n, got ${index}/${count}`)
  }
  return { index, count }
}

function fromEnvironment(env: Readonly<Record<string, string | undefined>>) {
  const number = (name: string) => (env[name] === undefined ? undefined : Number(env[name]))
  const task = number('SLURM_ARRAY_TASK_ID')
  if (task !== undefined) {
    const step = number('SLURM_ARRAY_TASK_STEP') ?? 1
    return { index: (task - (number('SLURM_ARRAY_TASK_MIN') ?? 0)) / step + 1, count: number('SLURM_ARRAY_TASK_COUNT') }
  }
  const completion = number('JOB_COMPLETION_INDEX')
  if (completion !== undefined) return { index: completion + 1, count: undefined }
  const sequence = number('PARALLEL_SEQ')
  return sequence === undefined ? undefined : { index: sequence, count: undefined }
}
