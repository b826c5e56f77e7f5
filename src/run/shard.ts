import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { runOptions } from '../options/run.js'
import { type ArrayTask, type Environment, formatSpan, readArrayTask, type Span, sizeOf } from './arrayTask.js'
import type { Config } from './config.js'

/** Part `index` (1-based) of `count` of a run. */
export interface Shard {
  readonly index: number
  readonly count: number
}

/**
 * The outputs of a shard: consecutive ones, so that neighbours still share their pictures. The shards partition the plan, `unit`
 * outputs at a time.
 */
export function shardRange(outputs: number, { index, count }: Shard, unit = 1): { start: number; end: number } {
  const units = Math.ceil(outputs / unit)
  const before = (shard: number) => Math.min(outputs, unit * Math.floor((shard * units) / count))
  return { start: before(index - 1), end: before(index) }
}

/** `2/3` as people and run.json write it. */
export function formatShard({ index, count }: Shard): string {
  return `${index}/${count}`
}

/**
 * The output folder with `{shard}` in its name filled in, as `aug-2-of-3`. Throws a conflict error where `auto` counts otherwise
 * than the shards beside it: three tasks of an array of eight that are submitted again look like an array of three.
 */
export async function placeShard(out: string, { index, count }: Shard, given: string | undefined): Promise<string> {
  const at = out.indexOf('{shard}')
  if (at < 0) return out
  const filled = out.replaceAll('{shard}', `${index}-of-${count}`)
  if (given !== 'auto') return filled
  const folder = path.dirname(`${out.slice(0, at)}*`)
  const start = path.basename(`${out.slice(0, at)}*`).slice(0, -1)
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(start)) continue
    const other = /^\d+-of-(\d+)(?!\d)/.exec(name.slice(start.length))?.[1]
    if (other === undefined || Number(other) === count) continue
    throw new AugmentError('conflict', `--shard auto: found ${count} tasks, expected ${other} as in ${name}`, {
      hint: `to make some of ${other} shards again: --shard auto/${other}; for another split take another --out`,
    })
  }
  return filled
}

/** The output folder that the options name, with its shard. */
export function placeOf({ out = runOptions.out.fallback, shard: given }: Config, shard: Shard): Promise<string> {
  return placeShard(out, shard, given)
}

/**
 * Reads `2/3`, or takes the index of an array's task from `env`: `auto/8` of 8 tasks, numbered as the engine does it, or from 1
 * where people choose; `auto/0-7` or `auto/1-15:2` as they were submitted; `auto` where the engine tells all tasks there are.
 * Throws a usage error where the shard is not certain.
 */
export function parseShard(text: string, env: Environment): Shard {
  const [first, second] = text.split('/') as [string, string?]
  if (first !== 'auto') return checked({ index: Number(first), count: Number(second) })
  const task = readArrayTask(env)
  if (task === null) {
    throw new AugmentError('usage', `--shard ${text}: found no index of an array's task in the environment`, {
      hint: env.PARALLEL_SEQ
        ? 'with GNU parallel give the argument: --shard {}/<n>'
        : 'docs/clusters.md has the line for each engine; else give <i>/<n>',
    })
  }
  const span = second === undefined ? wholeOf(task) : parseSpan(second, task)
  const { first: low, last: high } = task.submitted ?? { first: task.index, last: task.index }
  if (low < span.first || high > span.last) throw outside(text, task, span)
  const index = (task.index - span.first) / span.step + 1
  if (!Number.isInteger(index) || index < 1 || index > sizeOf(span)) throw outside(text, task, span)
  return { index, count: sizeOf(span) }
}

function checked(shard: Shard): Shard {
  const { index, count } = shard
  if (Number.isSafeInteger(index) && Number.isSafeInteger(count) && index >= 1 && index <= count) return shard
  throw new AugmentError('usage', `--shard: expected <i>/<n> with i from 1 to n, got ${index}/${count}`)
}

function wholeOf({ whole }: ArrayTask): Span {
  if (typeof whole !== 'string') return whole
  throw new AugmentError('usage', `--shard auto: ${whole}, expected to learn how many tasks there are in all`, {
    hint: 'say how many: --shard auto/<n>, or which, as in auto/0-7 or auto/1-15:2',
  })
}

/** `8`, `0-7` or `1-15:2`. */
function parseSpan(text: string, { base }: ArrayTask): Span {
  const [first, last, step = 1] = text.split(/[-:]/).map(Number) as [number, number?, number?]
  const span = last === undefined ? { first: base, last: base + first - 1, step } : { first, last, step }
  if (step >= 1 && span.last >= span.first) return span
  throw new AugmentError('usage', `--shard auto/${text}: expected at least one task, as in auto/8 or auto/1-15:2`)
}

function outside(text: string, { variable, index, submitted }: ArrayTask, span: Span): AugmentError {
  const found = submitted === null ? '' : ` in an array of ${formatSpan(submitted)}`
  return new AugmentError(
    'usage',
    `--shard ${text}: found ${variable}=${index}${found}, expected tasks of ${formatSpan(span)}`,
    { hint: 'give the indices of the whole array as it was submitted, as in --shard auto/0-7 or auto/1-15:2' },
  )
}
