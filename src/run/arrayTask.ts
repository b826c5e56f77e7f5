/** Which task of an array this process is, by the variables of the engine that started it. */
import { AugmentError } from '../core/errors.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** Indices `first`, `first + step`, ... up to `last`, as `--array=1-15:2` says them. */
export interface Span {
  readonly first: number
  readonly last: number
  readonly step: number
}

export interface ArrayTask {
  /** Name of the variable, for messages. */
  readonly variable: string
  readonly index: number
  /** What the engine numbers tasks from, where nobody says otherwise. */
  readonly base: 0 | 1
  /** Indices of the array that was submitted, where it is told; it may be a part of an earlier one. */
  readonly submitted: Span | null
  /** All tasks there are, where the engine tells that for sure; else why not. */
  readonly whole: Span | string
}

interface Engine {
  readonly variable: string
  readonly base: 0 | 1
  /** What the variable holds outside arrays. */
  readonly outside?: string
  /** Holds the number of tasks, of which no part can be submitted again. */
  readonly count?: string
  /** Reads what the engine tells of the array that was submitted. */
  readonly submitted?: (read: (name: string) => number) => Span & { readonly count: number }
}

const ENGINES: readonly Engine[] = [
  {
    variable: 'SLURM_ARRAY_TASK_ID',
    base: 1,
    // A list of indices has step 1, too: only the count shows its gaps.
    submitted: (read) => ({
      first: read('SLURM_ARRAY_TASK_MIN'),
      last: read('SLURM_ARRAY_TASK_MAX'),
      step: read('SLURM_ARRAY_TASK_STEP'),
      count: read('SLURM_ARRAY_TASK_COUNT'),
    }),
  },
  {
    variable: 'SGE_TASK_ID',
    base: 1,
    outside: 'undefined',
    submitted(read) {
      const [first, last] = [read('SGE_TASK_FIRST'), read('SGE_TASK_LAST')]
      // `-t 1,3` is told as 1-3:2, so a step may be a list. Of a single task the step says nothing.
      return { first, last, step: 1, count: sizeOf({ first, last, step: read('SGE_TASK_STEPSIZE') }) }
    },
  },
  // PBS Professional and OpenPBS; Torque.
  { variable: 'PBS_ARRAY_INDEX', base: 1 },
  { variable: 'PBS_ARRAYID', base: 1 },
  { variable: 'LSB_JOBINDEX', base: 1, outside: '0' },
  { variable: 'JOB_COMPLETION_INDEX', base: 0 },
  { variable: 'NOMAD_ALLOC_INDEX', base: 0 },
  { variable: 'AWS_BATCH_JOB_ARRAY_INDEX', base: 0, count: 'AWS_BATCH_JOB_ARRAY_SIZE' },
  { variable: 'BATCH_TASK_INDEX', base: 0, count: 'BATCH_TASK_COUNT' },
  { variable: 'CLOUD_RUN_TASK_INDEX', base: 0, count: 'CLOUD_RUN_TASK_COUNT' },
]

/** Null outside arrays. Throws a usage error where two engines say something, or where one says what is no number. */
export function readArrayTask(env: Environment): ArrayTask | null {
  const found = ENGINES.filter(({ variable, outside }) => (env[variable] || outside) !== outside)
  const [engine, other] = found
  if (engine === undefined) return null
  if (other !== undefined) {
    const both = [engine, other].map(({ variable }) => `${variable} ${env[variable]}`)
    throw new AugmentError('usage', `--shard auto: found ${both.join(' and ')}, expected one index`, {
      hint: `say which: --shard "$${engine.variable}/<n>"`,
    })
  }
  const read = (name: string) => wholeNumber(env, name)
  const { variable, base, count, submitted } = engine
  const task = { variable, base, index: read(variable) }
  if (count !== undefined) {
    const whole = env[count] ? { first: base, last: base + read(count) - 1, step: 1 } : `found no ${count}`
    return { ...task, submitted: null, whole }
  }
  if (submitted === undefined) return { ...task, submitted: null, whole: `${variable} comes without a count` }
  const array = submitted(read)
  return { ...task, submitted: array, whole: wholeOf(array) }
}

/** An array counts as whole if it starts at 0 or 1 and has no gap, and more than one task. */
function wholeOf({ count, ...span }: Span & { readonly count: number }): Span | string {
  if (count === 1) return `found an array of the one task ${span.first}`
  if (span.first > 1) return `found an array that starts at ${span.first}`
  if (count !== sizeOf(span)) return `found ${count} of the tasks ${formatSpan(span)}`
  return span
}

export function sizeOf({ first, last, step }: Span): number {
  return Math.floor((last - first) / step) + 1
}

export function formatSpan({ first, last, step }: Span): string {
  return `${first}-${last}${step === 1 ? '' : `:${step}`}`
}

function wholeNumber(env: Environment, name: string): number {
  const text = env[name] ?? ''
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new AugmentError('usage', `--shard auto: found ${name}="${text}", expected a whole number`, {
    hint: 'give --shard <i>/<n>',
  })
}
