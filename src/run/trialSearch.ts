/** Looks for the settings that help most, and confirms the winner on fresh seeds. */
import { counted } from '../core/counted.js'
import { trialOptions } from '../options/trial.js'
import { streamFor } from '../train/streams.js'
import { type Arm, type ArmInput, armOf, CLEAN } from '../trial/arms.js'
import { candidates } from '../trial/candidates.js'
import { CONFIRMING, MOST_REPETITIONS, rounds, searchTable } from '../trial/schedule.js'
import { mean } from '../trial/statistics.js'
import type { TrainEvent } from './events.js'
import type { Known } from './trialBench.js'
import { fitting, interrupted, type State, type Work } from './trialWork.js'

/** The first repetition that confirms: no seed and no hold-out of it has chosen anything. */
const FRESH = 1000

/** Arms that are timed, of which the dearest counts. */
const TIMED = 4

/** Searches, and gives what is known of the winner and its rivals on fresh seeds alone; `more` are further candidates. */
export async function* search(work: Work, state: State, more: readonly ArmInput[]): AsyncGenerator<TrainEvent, Known> {
  const { config, bench, signal } = work
  const wanted = config.candidates ?? trialOptions.candidates.fallback
  const all = [...more, ...candidates(wanted, streamFor('candidates', config.seed, 0))].slice(0, wanted).map(armOf)
  const count = yield* plan(work, state, all)
  let left: readonly Arm[] = all.slice(0, count)
  const found = new Map<string, { arm: string; difference: number; repetitions: number }>()
  for (const [i, { candidates: size, repetitions }] of rounds(count).entries()) {
    left = left.slice(0, size)
    const done = Array.from({ length: repetitions }, (_, repetition) => repetition)
    yield* bench.run(
      done.flatMap((repetition) => [CLEAN, ...left].map((arm) => ({ arm, repetition }))),
      state.steps,
    )
    if (signal?.aborted) throw interrupted(work)
    const gain = (arm: Arm) =>
      mean(done.map((repetition) => bench.of(arm, repetition)!.accuracy - bench.of(CLEAN, repetition)!.accuracy))
    left = left.toSorted((a, b) => gain(b) - gain(a))
    for (const arm of left) found.set(arm.name, { arm: arm.name, difference: gain(arm), repetitions })
    yield { type: 'notice', message: `round ${i + 1} of ${counted(size, 'setting')}: best ${left[0]!.name}` }
  }
  const winner = left[0]!
  const rest = [...found.values()].filter(({ arm }) => arm !== winner.name)
  state.search = [found.get(winner.name)!, ...rest.sort((a, b) => b.difference - a.difference)]
  const rivals = (['mixup', 'cutmix', 'sage'] as const).map((method) => armOf({ method }))
  state.arms = [CLEAN, ...rivals.filter(({ name }) => name !== winner.name), winner]
  return yield* confirmed(work, state)
}

/** Decides the steps, and how many of the candidates there is time for; with steps given, all are tried. */
async function* plan(work: Work, state: State, all: readonly Arm[]): AsyncGenerator<TrainEvent, number> {
  const { config, bench, jobs, deadline, range } = work
  if (config.steps !== undefined) {
    state.steps = config.steps
    state.candidates = all.length
  }
  if (state.candidates === undefined) {
    const costs = await bench.time(all.slice(0, TIMED))
    const cost = costs.reduce((a, b) => (a.once + 100 * a.step > b.once + 100 * b.step ? a : b))
    const seconds = Math.max(1, (deadline - performance.now()) / 1000)
    Object.assign(state, searchTable(cost, seconds, jobs, range, all.length))
  }
  const { candidates, steps } = state
  const message = `${counted(candidates!, 'setting')}, ${counted(steps, 'step')} each, then ${CONFIRMING} fresh repetitions of the winner`
  yield { type: 'notice', message }
  return candidates!
}

/** The winner, clean and its rivals on fresh seeds: at least so many, more while there is time. */
async function* confirmed(work: Work, state: State): AsyncGenerator<TrainEvent, Known> {
  const { bench, signal } = work
  for (let i = 0; i < MOST_REPETITIONS; i++) {
    const repetition = FRESH + i
    if (i >= CONFIRMING && fitting(work, state.arms, repetition, FRESH).length < state.arms.length) break
    yield* bench.run(
      state.arms.map((arm) => ({ arm, repetition })),
      state.steps,
    )
    if (signal?.aborted) throw interrupted(work)
    yield { type: 'notice', message: `fresh repetition ${i + 1}` }
  }
  return { of: bench.of, runs: bench.runs.filter(({ repetition }) => repetition >= FRESH) }
}
