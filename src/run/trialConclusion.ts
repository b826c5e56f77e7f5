/** What came of a trial: a row for each arm, the verdict, and the command line that it recommends. */
import { wordsOf } from '../core/flag.js'
import { quoted } from '../core/quoted.js'
import { checked } from '../options/schema.js'
import { trialOptions } from '../options/trial.js'
import { type Arm, CLEAN, optionsOf } from '../trial/arms.js'
import {
  type Design,
  type Difference,
  difference,
  differenceOf,
  isShown,
  mean,
  type Paired,
  type Spread,
  spreadOf,
} from '../trial/statistics.js'
import { inPoints, verdictOf } from '../trial/verdict.js'
import { type Known, pairsOf } from './trialBench.js'
import type { TrialRecord, TrialRun } from './trialRecord.js'
import type { TrialConfig, TrialInput } from './trialStudent.js'

const COLUMNS = ['accuracy', 'logLoss', 'calibration', 'noise', 'fgsm', 'seconds'] as const

/** An arm's means over its repetitions, and its paired differences to clean. */
export interface TrialRow extends Readonly<Record<(typeof COLUMNS)[number], number>> {
  readonly arm: string
  readonly repetitions: number
  /** Of accuracy; null for clean. */
  readonly difference: Difference | null
  readonly logLossDifference: Difference | null
}

export interface TrialResult {
  readonly out: string
  readonly pictures: number
  readonly heldOut: number
  readonly steps: number
  readonly rows: readonly TrialRow[]
  readonly verdict: readonly string[]
  readonly recommendation: string | null
  /** Path of the page, where one was asked for. */
  readonly report?: string
  readonly seconds: number
}

/** What a trial is concluded from. */
interface Concluded {
  readonly config: TrialConfig
  readonly given: TrialInput
  readonly bench: Known
  readonly design: Design
}

export function conclude(
  { config, given, bench, design }: Concluded,
  { arms, steps }: { readonly arms: readonly Arm[]; readonly steps: number },
  { images, pictures, heldOut, batch, search, classes }: TrialRecord,
): Omit<TrialResult, 'seconds'> {
  const spread = spreadOf(arms.filter(({ method }) => method !== null).map((arm) => pairsToClean(arm, bench)))
  const rows = arms.flatMap((arm) => rowOf(arm, bench, design, spread) ?? [])
  const judged = rows.map((row) => ({ ...row, arm: arms.find(({ name }) => name === row.arm)! }))
  const { sentences, best } = verdictOf(judged, pictures)
  const epochs = Math.max(1, Math.round((steps * batch) / pictures))
  const options = best && optionsOf(best, epochs)
  const words =
    options === null ? longer(images, given, config) : [images, ...options, ...shared(given), '--out', 'aug']
  const recommendation = ['sage-augment', ...words.map(quoted)].join(' ')
  const verdict = [
    ...sentences,
    ...(search === undefined ? [] : [againstOthers(arms, search, bench, design)]),
    ...ofLosses(rows),
    ...untrained(bench, classes.length),
  ]
  return { out: config.out, pictures, heldOut, steps, rows, verdict, recommendation }
}

/** A sentence on the log loss, which may fall where accuracy does not change; none where no difference lies outside of its interval. */
function ofLosses(rows: readonly TrialRow[]): string[] {
  const shown = rows.filter(({ logLossDifference: d }) => d !== null && isShown(d))
  if (shown.length === 0) return []
  const told = shown
    .toSorted((a, b) => a.logLossDifference!.mean - b.logLossDifference!.mean)
    .map(({ arm, logLossDifference: d }) => {
      const name = arm.includes(',') ? `"${arm}"` : arm
      return `${name} (${d!.mean < 0 ? '-' : '+'}${Math.abs(d!.mean).toFixed(3)} ± ${d!.error.toFixed(3)})`
    })
  return [`log loss changes, lower is better: ${told.join(', ')}`]
}

/**
 * Training loss of clean, as a share of that of guessing, above which its students are far from knowing their pictures by heart: at .25
 * mixing lost accuracy on CIFAR-10, at .06 it gained (docs/evidence.md).
 */
const FAR = 0.2

/**
 * A sentence where clean has not been trained far: mixing holds back students that have little to unlearn, and gains with the
 * length of the training.
 */
function untrained({ runs }: Known, classes: number): string[] {
  const losses = runs.flatMap(({ arm, curve }) => (arm === CLEAN.name ? (curve.at(-1)?.loss ?? []) : []))
  const [loss, guessing] = [mean(losses), Math.log(classes)]
  if (!(loss > FAR * guessing)) return []
  return [
    `the training loss of clean ended at ${loss.toFixed(2)}, guessing has ${guessing.toFixed(2)}: ` +
      'longer training, which favours mixing, may rank otherwise (--minutes, --steps)',
  ]
}

/** The same trial with four times the repetitions, or the time to make them. */
function longer(images: string, given: TrialInput, { minutes, repetitions }: TrialConfig): string[] {
  const more = repetitions === undefined ? { minutes: 4 * minutes } : { repetitions: 4 * repetitions }
  return ['trial', images, ...wordsOf({ ...unusual(given), ...more, overwrite: undefined })]
}

/** What `augment` is to be told of the pictures and of the machine as the trial was. */
function shared(given: TrialInput): string[] {
  const { labels, classes, split, range, seed, jobs, maxPixels, cache, cacheSize } = unusual(given)
  return wordsOf({ labels, classes, split, range, seed, jobs, maxPixels, cache, cacheSize })
}

/** Without defaults, which a command line puts in. */
function unusual(given: TrialInput): TrialInput {
  const usual = checked(trialOptions, {}) as Readonly<Record<string, unknown>>
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => value !== usual[name]))
}

/** How the winner of a search differs from Mixup and CutMix, on the seeds that confirm it. */
function againstOthers(
  arms: readonly Arm[],
  search: NonNullable<TrialRecord['search']>,
  bench: Known,
  design: Design,
): string {
  const winner = arms.find(({ name }) => name === search[0]!.arm)!
  const repetitions = bench.runs.filter(({ arm }) => arm === winner.name).map(({ repetition }) => repetition)
  const others = arms.filter(({ name }) => name === 'mixup' || name === 'cutmix').filter((arm) => arm !== winner)
  const told = others.map(
    (arm) => `${inPoints(difference(pairsOf(bench, winner, arm, repetitions), design))} to ${arm.name}`,
  )
  return `the winner of ${search.length} settings is ${winner.name}; on fresh seeds ${told.join(', ')}`
}

function pairsToClean(arm: Arm, bench: Known): Paired[] {
  const repetitions = bench.runs.filter((run) => run.arm === arm.name).map(({ repetition }) => repetition)
  return pairsOf(bench, arm, CLEAN, repetitions)
}

function rowOf(arm: Arm, bench: Known, design: Design, spread: Spread): TrialRow | null {
  const runs = bench.runs.filter((run) => run.arm === arm.name)
  if (runs.length === 0) return null
  const means = Object.fromEntries(COLUMNS.map((name) => [name, mean(runs.map((run) => run[name]))]))
  const both = runs.filter(({ repetition }) => bench.of(CLEAN, repetition) !== undefined)
  const isCompared = arm.method !== null && both.length > 0
  const clean = both.map(({ repetition }): TrialRun => bench.of(CLEAN, repetition)!)
  const losses = (of: readonly TrialRun[]) => of.map(({ logLoss }) => logLoss)
  return {
    ...(means as Record<(typeof COLUMNS)[number], number>),
    arm: arm.name,
    repetitions: runs.length,
    difference: isCompared ? difference(pairsToClean(arm, bench), design, spread) : null,
    logLossDifference: isCompared ? differenceOf(losses(both), losses(clean), design) : null,
  }
}
