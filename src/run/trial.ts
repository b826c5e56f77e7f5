/** Answers "does mixing help on my pictures?": trains the same students with and without, and compares them. */
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import { mainClass } from '../core/softLabel.js'
import { readModel } from '../onnx/model.js'
import { checked } from '../options/schema.js'
import { trialOptions } from '../options/trial.js'
import { pictureInput } from '../saliency/pictureInput.js'
import { cores } from '../threads/cores.js'
import { type Arm, armsOf, CLEAN } from '../trial/arms.js'
import { cannotWin, MOST_REPETITIONS, timetable } from '../trial/schedule.js'
import { type Design, errorOfOne } from '../trial/statistics.js'
import type { TrainEvent } from './events.js'
import { notice } from './notices.js'
import { requirePlace } from './paths.js'
import { readSchool } from './school.js'
import { readArms } from './trialArms.js'
import { type Known, type Parts, pairsOf, splitOf, startBench } from './trialBench.js'
import { conclude, type TrialResult } from './trialConclusion.js'
import { mapModels, trialMaps } from './trialMaps.js'
import { readTrialPictures } from './trialPictures.js'
import { readTrialRecord, type TrialRecord, writeTrialRecord } from './trialRecord.js'
import { writeTrialReport } from './trialReport.js'
import { search } from './trialSearch.js'
import { type Student, studentOf, type TrialConfig, type TrialInput } from './trialStudent.js'
import { fitting, interrupted, type State, type Work } from './trialWork.js'
import { typicalSide } from './typicalSide.js'
import { versions } from './versions.js'

/**
 * Compares ways of mixing the pictures of `images` by what a student learns from them. Events tell how it goes. Every finished run
 * is kept in `out`; the same call continues after an interruption (`signal`, or a kill). Throws AugmentError for anything a
 * user can mend, Interrupted after `signal`.
 */
export async function* trial(
  images: string,
  input: TrialInput,
  signal?: AbortSignal,
): AsyncGenerator<TrainEvent, TrialResult> {
  const started = performance.now()
  const config: TrialConfig = checked(trialOptions, input, 'sage-augment trial --help-all')
  await checkPlace(config)
  const more = config.arms === undefined ? [] : await readArms(config.arms)
  const arms = armsOf(config.methods, more)
  const school = await readSchool(images, { ...config, holdOut: 0 })
  yield* school.notices
  const models = await mapModels(arms, school.classes)
  const side = await typicalSide(school.lessons.root, school.lessons.sources, { ...config, size: config.inputSize })
  const pictures = Math.min(school.lessons.sources.length, config.pictures ?? Number.POSITIVE_INFINITY)
  const student = await studentOf(config, school.classes, { pictures, side })
  const { width, height } = pictureInput(readModel(student.bytes, student.name), student)
  const grid = { width, height }
  const { studied, pixels, labels, sha256 } = yield* readTrialPictures(images, config, school, grid, signal)
  const count = studied.sources.length
  const parts: Parts = {
    classes: Int32Array.from(labels.slice(0, count), mainClass),
    share: config.holdOut,
    exam: labels.length - count,
  }
  const held = splitOf(parts, config.seed, 0).exam.length
  const design: Design = parts.exam > 0 ? { kind: 'validation' } : { kind: 'holdOuts', share: held / count }
  const jobs = config.jobs ?? cores()
  const facts: Work['facts'] = {
    ...{ format: 1, identity: identityOf(config, student, sha256), tool: versions.tool, images },
    ...{ classes: school.classes, pictures: count, heldOut: held, design: design.kind, student: student.told },
    ...{ batch: student.batch, seed: config.seed, models },
  }
  if (config.overwrite) await rm(config.out, { force: true })
  const earlier = await readTrialRecord(config.out, facts.identity)
  refuseOthers(config, earlier, arms, models)
  const state: State = {
    ...{ steps: earlier?.steps ?? 0, arms, dropped: { ...earlier?.dropped } },
    ...(earlier?.candidates !== undefined && { candidates: earlier.candidates }),
  }
  const notices: string[] = []
  const maps = trialMaps(studied, config, (message) => notices.push(message))
  const data = {
    ...{ pixels, ...grid, labels, classes: school.classes.length, student },
    ...lessonFacts(config, student),
  }
  const save = (runs: TrialRecord['runs']) => writeTrialRecord(config.out, recordOf(facts, state, runs, null))
  const bench = startBench(data, maps, { parts, seed: config.seed, jobs, known: earlier?.runs ?? [] }, save, signal)
  const deadline = started + 60_000 * config.minutes
  const work: Work = { config, arms, bench, design, deadline, jobs, signal, facts, range: student.range }
  try {
    yield notice(describe(work))
    if (bench.runs.length > 0) yield notice(`continuing after ${counted(bench.runs.length, 'finished run')}`)
    const judged = config.search ? yield* search(work, state, more) : yield* compared(work, state)
    for (const message of notices.splice(0)) yield notice(message)
    const result = conclude({ ...work, given: input, bench: judged }, state, recordOf(facts, state, bench.runs, null))
    await writeTrialRecord(config.out, recordOf(facts, state, bench.runs, result))
    const shown = { studied, labels, maps, bench: judged, lessons: splitOf(parts, config.seed, 0).lessons }
    const report = config.report ? await writeTrialReport(config.out, state, facts, result, shown) : undefined
    return { ...result, ...(report !== undefined && { report }), seconds: (performance.now() - started) / 1000 }
  } finally {
    await bench.close()
  }
}

async function checkPlace({ out, arms, labels }: TrialConfig): Promise<void> {
  if (!/\.json$/i.test(out)) throw new AugmentError('usage', `--out: expected the name of a .json file, got ${out}`)
  await requirePlace(out, [arms, labels])
}

/** Throws a conflict error that names what an earlier call had otherwise: the steps, models, and arms of the same name. */
function refuseOthers(
  { out, steps }: TrialConfig,
  earlier: TrialRecord | null,
  arms: readonly Arm[],
  models: TrialRecord['models'],
): void {
  if (earlier === null) return
  const changed = arms.filter((arm) => {
    const before = earlier.arms.find(({ name }) => name === arm.name)
    return before !== undefined && JSON.stringify(before) !== JSON.stringify(arm)
  })
  const lines = changed.map(({ name }) => `${out}: found another arm ${name}, expected the same parameters and maps`)
  for (const [name, hash] of Object.entries(earlier.models))
    if (models[name] !== undefined && models[name] !== hash)
      lines.push(`${out}: found maps of another ${name}, expected the same file`)
  if (steps !== undefined && steps !== earlier.steps)
    lines.unshift(`${out}: found runs of ${counted(earlier.steps, 'step')}, expected ${steps}`)
  if (lines.length === 0) return
  throw new AugmentError('conflict', lines.join('\n'), {
    hint: 'choose another --out, or start over with --overwrite',
  })
}

function lessonFacts(config: TrialConfig, { batch, rate }: { readonly batch: number; readonly rate: number }) {
  const { crop, mirror, jitter } = config
  return { view: { crop, flip: mirror === 'random', jitter }, batch, rate }
}

/** Of all that decides what comes of an arm in a repetition; which arms there are, how many, and how many steps, is no part of it. */
function identityOf(config: TrialConfig, student: Student, sha256: string) {
  const { seed, holdOut, crop, mirror, jitter, labelSmoothing, batch, rate, from } = config
  const facts = [
    versions.tool,
    sha256,
    student.sha256,
    student.told,
    student.preprocessing,
    { seed, holdOut, crop, mirror, jitter },
  ]
  return createHash('sha256')
    .update(JSON.stringify([...facts, { labelSmoothing, batch, rate, from }]))
    .digest('hex')
}

function describe({ facts: { pictures, heldOut, design, student }, arms }: Work): string {
  const judged = design === 'validation' ? 'of the validation set' : 'held out in turn'
  const least = (200 * errorOfOne(heldOut)).toFixed(1)
  return (
    `one repetition judged by ${counted(heldOut, 'picture')} can show differences from about ${least} points on, more repetitions smaller ones; ` +
    `${pictures} pictures, ${heldOut} ${judged}; student ${student}; ${arms.length} arms`
  )
}

/** Plans and runs the arms; what is known of them then. */
async function* compared(work: Work, state: State): AsyncGenerator<TrainEvent, Known> {
  yield* plan(work, state)
  yield* compare(work, state)
  return work.bench
}

/** Decides steps and arms. */
async function* plan({ config, bench, jobs, deadline, range }: Work, state: State): AsyncGenerator<TrainEvent, void> {
  if (state.steps > 0 || config.steps !== undefined) {
    state.steps = config.steps ?? state.steps
    if (config.repetitions !== undefined) return
  }
  const steps = state.steps > 0 ? { least: state.steps, most: state.steps } : range
  const costs = await bench.time(state.arms)
  const found = timetable(costs, Math.max(1, (deadline - performance.now()) / 1000), jobs, steps)
  const repetitions = config.repetitions ?? found.repetitions
  const left = state.arms.slice(found.arms)
  state.steps = found.steps
  state.arms = state.arms.slice(0, found.arms)
  const ms = Math.round((1000 * costs.reduce((sum, { step }) => sum + step, 0)) / costs.length)
  const times = `a step takes ${ms} ms: about ${counted(repetitions, 'repetition')} of ${counted(state.steps, 'step')} fit`
  const missing = left.length === 0 ? '' : `; no time for ${left.map(({ name }) => name).join(', ')}`
  yield notice(`${times} into ${config.minutes} minutes${missing}`)
}

/** Runs repetition after repetition, until the time is over; the last one may have time for some of the arms only. */
async function* compare(work: Work, state: State): AsyncGenerator<TrainEvent, void> {
  const { config, bench, signal } = work
  const most = config.repetitions ?? MOST_REPETITIONS
  for (let repetition = 0; repetition < most; repetition++) {
    const going = state.arms.filter(({ name }) => (state.dropped[name] ?? most) > repetition)
    const arms = fitting(work, going, repetition)
    if (arms.length < 2) break
    yield* bench.run(
      arms.map((arm) => ({ arm, repetition })),
      state.steps,
    )
    if (signal?.aborted) throw interrupted(work)
    yield notice(standing(work, arms, repetition))
    // Asked for so many, all get them.
    if (config.repetitions !== undefined) continue
    if (arms.length < going.length) break
    for (const arm of losers(work, arms, repetition)) {
      state.dropped[arm.name] = repetition + 1
      yield notice(`${arm.name} cannot win any more: more than 3 standard errors behind the best`)
    }
  }
}

/** Arms that are given up after a repetition; never clean or a control. */
function losers({ bench, design }: Work, arms: readonly Arm[], repetition: number): Arm[] {
  const done = Array.from({ length: repetition + 1 }, (_, i) => i)
  const accuracy = (arm: Arm) => done.reduce((sum, r) => sum + bench.of(arm, r)!.accuracy, 0)
  const best = arms.reduce((a, b) => (accuracy(b) > accuracy(a) ? b : a))
  return arms.filter((arm) => !arm.isControl && arm !== best && cannotWin(pairsOf(bench, arm, best, done), design))
}

function standing({ bench }: Work, arms: readonly Arm[], repetition: number): string {
  const clean = bench.of(CLEAN, repetition)!.accuracy
  const told = arms
    .filter((arm) => arm !== CLEAN && arm.name !== CLEAN.name)
    .map((arm) => `${arm.name} ${signed(100 * (bench.of(arm, repetition)!.accuracy - clean))}`)
  return `repetition ${repetition + 1}: clean ${(100 * clean).toFixed(1)} %; ${told.join(', ')}`
}

const signed = (points: number) => `${points < 0 ? '-' : '+'}${Math.abs(points).toFixed(1)}`

function recordOf(
  facts: Work['facts'],
  { steps, arms, dropped, candidates, search }: State,
  runs: TrialRecord['runs'],
  result: Pick<TrialResult, 'verdict' | 'recommendation'> | null,
): TrialRecord {
  const { verdict = [], recommendation = null } = result ?? {}
  return {
    ...facts,
    steps,
    arms,
    dropped,
    ...(candidates !== undefined && { candidates }),
    ...(search && { search }),
    complete: result !== null,
    verdict,
    recommendation,
    runs,
  }
}
