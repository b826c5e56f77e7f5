/** A trial under way, and what is decided while it goes. */
import { counted } from '../core/counted.js'
import type { Arm } from '../trial/arms.js'
import type { Design } from '../trial/statistics.js'
import { Interrupted } from './interrupted.js'
import type { Bench } from './trialBench.js'
import type { TrialRecord } from './trialRecord.js'
import type { TrialConfig } from './trialStudent.js'

export interface Work {
  readonly config: TrialConfig
  readonly arms: readonly Arm[]
  readonly bench: Bench
  readonly design: Design
  readonly deadline: number
  readonly jobs: number
  readonly signal: AbortSignal | undefined
  /** What the record has besides plan and runs. */
  readonly facts: Omit<
    TrialRecord,
    'steps' | 'arms' | 'dropped' | 'candidates' | 'search' | 'runs' | 'complete' | 'verdict' | 'recommendation'
  >
  readonly range: { readonly least: number; readonly most: number }
}

/** What is decided while it goes. */
export interface State {
  steps: number
  arms: readonly Arm[]
  dropped: Record<string, number>
  /** How many settings a search tries, and what came of them. */
  candidates?: number
  search?: TrialRecord['search']
}

export const interrupted = ({ bench, config }: Work) =>
  new Interrupted(`interrupted after ${counted(bench.runs.length, 'finished run')} of ${config.out}`)

/** Whether another repetition fits: the first one always does, what is known costs nothing, and a fixed number is made whole. */
export function isTimeFor({ config, bench, deadline, jobs }: Work, arms: readonly Arm[], repetition: number): boolean {
  const open = arms.filter((arm) => bench.of(arm, repetition) === undefined)
  if (repetition === 0 || open.length === 0 || (config.steps !== undefined && config.repetitions !== undefined))
    return true
  const seconds = open.map((arm) => bench.of(arm, repetition - 1)?.seconds ?? 0)
  const wanted = Math.max(...seconds, seconds.reduce((a, b) => a + b, 0) / jobs)
  return performance.now() + 1000 * wanted <= deadline
}
