/** What came of a trial: a row for each arm, the verdict, and the command line that it recommends. */
import { quoted } from '../core/quoted.js'
import { type Arm, CLEAN, optionsOf } from '../trial/arms.js'
import { type Design, type Difference, difference, differenceOf, mean } from '../trial/statistics.js'
import { verdictOf } from '../trial/verdict.js'
import { type Bench, pairsOf } from './trialBench.js'
import type { TrialRecord, TrialRun } from './trialRecord.js'
import type { TrialConfig } from './trialStudent.js'

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

export function conclude(
  {
    config,
    bench,
    design,
  }: { readonly config: TrialConfig; readonly bench: Pick<Bench, 'of' | 'runs'>; readonly design: Design },
  { arms, steps }: { readonly arms: readonly Arm[]; readonly steps: number },
  { images, pictures, heldOut, batch }: TrialRecord,
): Omit<TrialResult, 'seconds'> {
  const rows = arms.flatMap((arm) => rowOf(arm, bench, design) ?? [])
  const judged = rows.map((row) => ({ ...row, arm: arms.find(({ name }) => name === row.arm)! }))
  const { sentences, best } = verdictOf(judged, pictures)
  const epochs = Math.max(1, Math.round((steps * batch) / pictures))
  const options = best && optionsOf(best, epochs)
  const recommendation =
    options === null
      ? `sage-augment trial ${quoted(images)} --minutes ${4 * config.minutes}`
      : `sage-augment ${quoted(images)} ${options.map(quoted).join(' ')} --out aug`
  return { out: config.out, pictures, heldOut, steps, rows, verdict: sentences, recommendation }
}

function rowOf(arm: Arm, bench: Pick<Bench, 'of' | 'runs'>, design: Design): TrialRow | null {
  const runs = bench.runs.filter((run) => run.arm === arm.name)
  if (runs.length === 0) return null
  const means = Object.fromEntries(COLUMNS.map((name) => [name, mean(runs.map((run) => run[name]))]))
  const both = runs.filter(({ repetition }) => bench.of(CLEAN, repetition) !== undefined)
  const isCompared = arm.method !== null && both.length > 0
  const pairs = pairsOf(
    bench,
    arm,
    CLEAN,
    both.map(({ repetition }) => repetition),
  )
  const clean = both.map(({ repetition }): TrialRun => bench.of(CLEAN, repetition)!)
  const losses = (of: readonly TrialRun[]) => of.map(({ logLoss }) => logLoss)
  return {
    ...(means as Record<(typeof COLUMNS)[number], number>),
    arm: arm.name,
    repetitions: runs.length,
    difference: isCompared ? difference(pairs, design) : null,
    logLossDifference: isCompared ? differenceOf(losses(both), losses(clean), design) : null,
  }
}
