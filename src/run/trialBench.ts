/** Runs arms of a trial in threads, each of one repetition, and keeps what came of them. */
import { setTimeout as delay } from 'node:timers/promises'
import pLimit from 'p-limit'
import { Pool } from '../threads/pool.js'
import { streamFor } from '../train/streams.js'
import type { Arm } from '../trial/arms.js'
import { holdOut, type Split } from '../trial/holdOuts.js'
import type { Cost } from '../trial/schedule.js'
import type { Paired } from '../trial/statistics.js'
import type { TrainEvent } from './events.js'
import type { TrialMaps } from './trialMaps.js'
import type { TrialRun } from './trialRecord.js'
import type { Outcome, TrialData, TrialRequest } from './trialWorker.js'

/** How repetitions part the pictures: by hold-outs of `lessons` pictures of these classes, or all judged by `exam` others. */
export interface Parts {
  readonly classes: Int32Array
  readonly share: number
  readonly exam: number
}

interface Task {
  readonly arm: Arm
  readonly repetition: number
}

/** Finished runs. */
export interface Known {
  of(arm: Arm, repetition: number): TrialRun | undefined
  readonly runs: readonly TrialRun[]
}

export interface Bench extends Known {
  /** Runs those tasks of which nothing is known yet, the first ones first. Ends early once the signal is aborted. */
  run(tasks: readonly Task[], steps: number): AsyncGenerator<TrainEvent, void>
  /** What each arm costs, by its first steps. */
  time(arms: readonly Arm[]): Promise<Cost[]>
  close(): Promise<void>
}

/** Steps that are timed, the first of which is a part of what comes once. */
const TIMED = 4

/** Milliseconds between two looks at how far the threads are. */
const LOOK = 500

export function splitOf({ classes, share, exam }: Parts, seed: number, repetition: number): Split {
  if (exam === 0) return holdOut(classes, share, seed, repetition)
  const lessons = Int32Array.from(classes, (_, i) => i)
  return { lessons, exam: Int32Array.from({ length: exam }, (_, i) => classes.length + i) }
}

/** The seed of a repetition: of weights, orders, views and mixes. */
const seedOf = (seed: number, repetition: number) => streamFor('repetitions', seed, repetition).integer(0, 2 ** 31 - 1)

export function startBench(
  data: Omit<TrialData, 'shared'>,
  maps: TrialMaps,
  { parts, seed, jobs, known }: { parts: Parts; seed: number; jobs: number; known: readonly TrialRun[] },
  finished: (runs: readonly TrialRun[]) => Promise<void>,
  signal: AbortSignal | undefined,
): Bench {
  const shared = new SharedArrayBuffer(8)
  const counters = new Int32Array(shared)
  const pool = new Pool<TrialRequest, Outcome | null>(new URL('./trialWorker.js', import.meta.url), jobs, {
    ...data,
    shared,
  } satisfies TrialData)
  const limit = pLimit(jobs)
  const runs = [...known]
  const stop = () => Atomics.store(counters, 0, 1)
  signal?.addEventListener('abort', stop)
  if (signal?.aborted) stop()
  const of = (arm: Arm, repetition: number) => runs.find((run) => run.arm === arm.name && run.repetition === repetition)

  async function ask({ arm, repetition }: Task, steps: number, only?: number): Promise<Outcome | null> {
    const { lessons, exam } = splitOf(parts, seed, repetition)
    const found = await maps.of(arm, repetition, lessons)
    return pool.call({
      ...{ arm, seed: seedOf(seed, repetition), maps: found, lessons, exam, steps },
      ...(only !== undefined && { only }),
    })
  }

  async function carryOut(task: Task, steps: number): Promise<void> {
    if (signal?.aborted) return
    const outcome = await ask(task, steps)
    if (outcome === null) return
    runs.push({ arm: task.arm.name, repetition: task.repetition, ...outcome, right: outcome.right.join('') })
    await finished(runs)
  }

  return {
    of,
    runs,
    async *run(tasks, steps) {
      const open = tasks.filter(({ arm, repetition }) => of(arm, repetition) === undefined)
      const [before, total] = [Atomics.load(counters, 1), open.length * steps]
      let isDone = false
      const all = Promise.all(open.map((task) => limit(carryOut, task, steps))).finally(() => {
        isDone = true
      })
      all.catch(() => undefined)
      while (!isDone) {
        await Promise.race([all, delay(LOOK)])
        yield { type: 'progress', done: Atomics.load(counters, 1), total: before + total, skipped: 0 }
      }
      await all
    },
    async time(arms) {
      const timed = arms.map((arm) => limit(ask, { arm, repetition: 0 }, TIMED * 100, TIMED))
      return (await Promise.all(timed)).map((outcome) => {
        const { once, seconds } = outcome ?? { once: 0, seconds: 0 }
        const step = (seconds - once) / (TIMED - 1)
        return { once: once + step * judging(splitOf(parts, seed, 0).exam.length, data.batch), step }
      })
    },
    async close() {
      signal?.removeEventListener('abort', stop)
      stop()
      await pool.close()
    },
  }
}

/** What judging takes, in steps: an inference is about a third of one, an attack takes three, curves and changes few pictures. */
function judging(held: number, batch: number): number {
  const few = Math.min(held, 500)
  return (held / 3 + few * (4 / 3 + 1 / 3 + 4 / 3)) / batch
}

/** The repetitions that two arms share. */
export function pairsOf(known: Pick<Known, 'of'>, ours: Arm, theirs: Arm, repetitions: readonly number[]): Paired[] {
  return repetitions.flatMap((repetition) => {
    const [a, b] = [known.of(ours, repetition), known.of(theirs, repetition)]
    if (a === undefined || b === undefined) return []
    return [{ ours: Uint8Array.from(a.right, Number), theirs: Uint8Array.from(b.right, Number) }]
  })
}
