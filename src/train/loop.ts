/** The loop of training: epochs of batches, a schedule, evaluation, the best weights. */
import { shuffle } from '../core/random.js'
import type { Pool } from '../threads/pool.js'
import type { Checkpoint } from './checkpoint.js'
import { rateAt } from './schedule.js'
import { streamFor } from './streams.js'
import { type Batch, type Pace, paceOf, type Score } from './trainer.js'
import type { TrainReply, TrainRequest, Values } from './trainWorker.js'

export interface LoopOptions {
  readonly epochs: number
  readonly batch: number
  /** How many steps are done in one run at most; with `everyStep` of the lessons, one. */
  readonly together: number
  /** The largest learning rate, and the share of all steps in which it rises to that. */
  readonly rate: number
  readonly warmup: number
  readonly seed: number
}

/** Pictures to learn from, as batches; index 0 to size - 1. */
export interface Lessons {
  readonly size: number
  /** The batch of the pictures `indices` as epoch `epoch` sees them; `first` is the place of the first one in the epoch. */
  batch(indices: readonly number[], epoch: number, first: number): Promise<Batch>
  /** Whether `begin` is told before each step and not only before each epoch, which then waits for the step before. */
  readonly everyStep?: boolean
  /** Told before each epoch, with what gives the classifier as it is then. */
  begin?(epoch: number, classifier: () => Promise<Uint8Array<ArrayBuffer>>): Promise<void>
}

/** Pictures that are only looked at, as they are. */
export interface Exam {
  readonly size: number
  batch(indices: readonly number[]): Promise<Batch>
}

export interface EpochResult {
  readonly epoch: number
  /** Means over the epoch's batches as they were trained on, mixed and moved. */
  readonly loss: number
  readonly accuracy: number
  /** Of the held-out pictures after the epoch; null without any. */
  readonly heldOut: { readonly loss: number; readonly accuracy: number } | null
  readonly seconds: number
}

export type LoopEvent =
  | {
      readonly type: 'step'
      readonly epoch: number
      readonly done: number
      readonly total: number
      readonly loss: number
    }
  | ({ readonly type: 'epoch'; readonly checkpoint: Checkpoint } & EpochResult)

export type TrainPool = Pool<TrainRequest, TrainReply>

/** Runs under way in the training thread and after it: one ready when the other ends. */
const AHEAD = 2

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

/** Number of full batches of an epoch; a last smaller one is left out, unless it is the only one. */
export const stepsOf = (size: number, batch: number) => Math.max(1, Math.floor(size / batch))

/**
 * Trains, from `checkpoint` on if there is one. The same options, lessons and threads give the same weights, also when it was
 * interrupted and goes on. Ends early once `signal` is aborted. Throws AugmentError where the loss is no number.
 */
export async function* trainLoop(
  pool: TrainPool,
  lessons: Lessons,
  exam: Exam | null,
  options: LoopOptions,
  { checkpoint, signal }: { readonly checkpoint: Checkpoint | null; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<LoopEvent, Checkpoint | null> {
  const pace = paceOf(lessons.everyStep ? 1 : options.together)
  let state = checkpoint
  if (state !== null) await pool.call({ kind: 'restore', values: state.values })
  for (let epoch = state?.epochs ?? 0; epoch < options.epochs; epoch++) {
    const started = performance.now()
    await lessons.begin?.(epoch, () => classifierOf(pool))
    const scores = yield* epochOfSteps(pool, lessons, options, { epoch, pace, signal })
    if (scores === null) return state
    const { values } = await pool.call({ kind: 'values' })
    const heldOut = exam === null ? null : await examine(pool, exam, options.batch)
    const seen = scores.length * Math.min(options.batch, lessons.size)
    const result: EpochResult = {
      epoch,
      loss: scores.reduce((sum, { loss }) => sum + loss, 0) / scores.length,
      accuracy: scores.reduce((sum, { hits }) => sum + hits, 0) / seen,
      heldOut,
      seconds: (performance.now() - started) / 1000,
    }
    state = { ...after(state, values!, result), planned: options.epochs }
    yield { type: 'epoch', checkpoint: state, ...result }
  }
  return state
}

interface Course {
  readonly epoch: number
  readonly pace: Pace
  readonly signal: AbortSignal | undefined
}

/** The steps of an epoch, and what they came to; null once the signal is aborted. */
async function* epochOfSteps(
  pool: TrainPool,
  lessons: Lessons,
  options: LoopOptions,
  { epoch, pace, signal }: Course,
): AsyncGenerator<LoopEvent, readonly Score[] | null> {
  const steps = stepsOf(lessons.size, options.batch)
  const total = steps * options.epochs
  const order = shuffle(streamFor('order', options.seed, epoch), range(0, lessons.size))
  const scores: Score[] = []
  const open: Promise<readonly Score[]>[] = []
  async function* answered(most: number): AsyncGenerator<LoopEvent> {
    while (open.length > most) {
      for (const score of await open.shift()!) {
        scores.push(score)
        yield { type: 'step', epoch, done: epoch * steps + scores.length, total, loss: score.loss }
      }
    }
  }
  for (let step = 0; step < steps && !signal?.aborted; ) {
    if (lessons.everyStep && step > 0) await lessons.begin?.(epoch, () => classifierOf(pool))
    const numbers = range(step, Math.min(steps, step + pace.steps))
    const rates = numbers.map(
      (i) => options.rate * rateAt(epoch * steps + i, total, Math.round(options.warmup * total)),
    )
    const batches: Batch[] = []
    for (const first of numbers.map((i) => i * options.batch))
      batches.push(await lessons.batch(order.slice(first, first + options.batch), epoch, first))
    const answer = ask(pool, { kind: 'steps', batches, rates, first: epoch * steps + step }, batches, pace)
    // Another batch may fail to be made before this one is waited for.
    answer.catch(() => undefined)
    open.push(answer)
    step += batches.length
    yield* answered(lessons.everyStep ? 0 : AHEAD - 1)
  }
  if (!signal?.aborted) {
    yield* answered(0)
    return scores
  }
  pool.withdraw()
  await Promise.allSettled(open)
  return null
}

/** Steps that are timed at least, after one that warms up. */
const TIMED = 3

/** Seconds that a step takes, with what is made for it; the network stays as it is. */
export async function secondsOfStep(pool: TrainPool, lessons: Lessons, batch: number, most: number): Promise<number> {
  const { values } = await pool.call({ kind: 'values' })
  const together = lessons.everyStep ? 1 : Math.min(stepsOf(lessons.size, batch), most)
  const indices = range(0, Math.min(batch, lessons.size))
  const run = async (steps: number) => {
    if (lessons.everyStep) await lessons.begin?.(0, () => classifierOf(pool))
    const batches: Batch[] = []
    for (const _ of range(0, steps)) batches.push(await lessons.batch(indices, 0, 0))
    await ask(pool, { kind: 'steps', batches, rates: batches.map(() => 0), first: 0 }, batches)
  }
  await lessons.begin?.(0, () => classifierOf(pool))
  await run(1)
  const rounds = Math.ceil(TIMED / together)
  const began = performance.now()
  for (const _ of range(0, rounds)) await run(together)
  const seconds = (performance.now() - began) / 1000 / (rounds * together)
  await pool.call({ kind: 'restore', values: values! })
  return seconds
}

/** Asks what is made of `batches`, which are gone then; steps tell the pace how long they took. */
async function ask(pool: TrainPool, request: TrainRequest, batches: readonly Batch[], pace?: Pace) {
  const buffers = batches.flatMap(({ pixels, target }) => [pixels.buffer as ArrayBuffer, target.buffer as ArrayBuffer])
  const { scores, milliseconds } = await pool.call(request, buffers)
  pace?.took(batches.length, milliseconds!)
  return scores!
}

async function classifierOf(pool: TrainPool): Promise<Uint8Array<ArrayBuffer>> {
  return (await pool.call({ kind: 'classifier', values: null })).classifier!
}

/** Loss and accuracy on the held-out pictures. */
async function examine(pool: TrainPool, exam: Exam, size: number): Promise<{ loss: number; accuracy: number }> {
  let [loss, hits] = [0, 0]
  for (let first = 0; first < exam.size; first += size) {
    const indices = Array.from({ length: Math.min(size, exam.size - first) }, (_, i) => first + i)
    const batch = await exam.batch(indices)
    const [score] = await ask(pool, { kind: 'evaluate', batch }, [batch])
    loss += score!.loss * indices.length
    hits += score!.hits
  }
  return { loss: loss / exam.size, accuracy: hits / exam.size }
}

/** What is known after one more epoch: the best weights are those of the best accuracy, of equal ones the least loss. */
function after(
  before: Checkpoint | null,
  values: Values,
  { epoch, heldOut }: EpochResult,
): Omit<Checkpoint, 'planned'> {
  const now = { epoch, accuracy: heldOut?.accuracy ?? null, loss: heldOut?.loss ?? null, values }
  const best = before?.best
  const isBetter =
    best === undefined ||
    heldOut === null ||
    heldOut.accuracy > best.accuracy! ||
    (heldOut.accuracy === best.accuracy && heldOut.loss < best.loss!)
  return { epochs: epoch + 1, values, best: isBetter ? now : best }
}
