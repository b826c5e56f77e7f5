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

/**
 * The arms that there is time for in another repetition: clean first, then the controls, then those that did best in the first one.
 * All of them in the first repetition, where they are known, and where steps and repetitions are given.
 */
export function fitting(
  { config, bench, deadline, jobs }: Work,
  arms: readonly Arm[],
  repetition: number,
  first = 0,
): readonly Arm[] {
  const open = arms.filter((arm) => bench.of(arm, repetition) === undefined)
  if (repetition === first || open.length === 0 || (config.steps !== undefined && config.repetitions !== undefined))
    return arms
  const rank = (arm: Arm) => (arm.method === null ? 2 : arm.isControl ? 1 : 0) + (bench.of(arm, first)?.accuracy ?? 0)
  const sorted = arms.toSorted((a, b) => rank(b) - rank(a))
  const seconds = (arm: Arm) => bench.of(arm, repetition - 1)?.seconds ?? 0
  const left = (deadline - performance.now()) / 1000
  // What begins must end in time: half of a run is to spare.
  const longest = Math.max(...arms.map(seconds))
  const all = arms.reduce((sum, arm) => sum + seconds(arm), 0) / jobs
  if (Math.max(longest, all) <= left) return arms
  let [sum, count] = [0, 0]
  while (count < sorted.length && (sum + seconds(sorted[count]!)) / jobs <= left - longest / 2)
    sum += seconds(sorted[count++]!)
  return sorted.slice(0, count)
}
