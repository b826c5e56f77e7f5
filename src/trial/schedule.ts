/** What fits in the minutes there are, and which arms are given up. */
import { type Design, difference, type Paired } from './statistics.js'

/** Seconds that an arm takes: once a repetition (loading, maps, judging), and for each step. */
export interface Cost {
  readonly once: number
  readonly step: number
}

export interface Timetable {
  readonly steps: number
  /** How many repetitions are foreseen; more if arms are given up, fewer if the machine slows down. */
  readonly repetitions: number
  /** How many arms, from the first on, there is time for. */
  readonly arms: number
}

/** Repetitions that a plan makes room for before it makes longer ones: the fewest that show what seeds change. */
const WANTED = 2

/** Arms that a plan never leaves out: clean and the controls. */
const LEAST_ARMS = 3

/** Repetitions after which more say little. */
export const MOST_REPETITIONS = 20

/**
 * A plan for `seconds` on `jobs` threads: the most steps, up to `range.most`, of which two repetitions of all arms fit. Where
 * they do not fit with `range.least` steps, fewer arms, the last ones left out.
 */
export function timetable(
  costs: readonly Cost[],
  seconds: number,
  jobs: number,
  range: { readonly least: number; readonly most: number },
): Timetable {
  const repetitionOf = (arms: number, steps: number) => {
    const runs = costs.slice(0, arms).map(({ once, step }) => once + steps * step)
    return Math.max(...runs, runs.reduce((a, b) => a + b, 0) / jobs)
  }
  const fits = (arms: number, steps: number) => Math.floor(seconds / repetitionOf(arms, steps))
  let arms = costs.length
  while (arms > Math.min(LEAST_ARMS, costs.length) && fits(arms, range.least) < WANTED) arms--
  const wanted = Math.min(WANTED, Math.max(1, fits(arms, range.least)))
  let [low, high] = [range.least, range.most]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(arms, middle) >= wanted) low = middle
    else high = middle - 1
  }
  return { steps: low, repetitions: Math.min(MOST_REPETITIONS, Math.max(1, fits(arms, low))), arms }
}

/** How many standard errors behind the best an arm is given up. */
const BEHIND = 3

/**
 * Whether an arm cannot win: its differences to the best one, `behind`, lie more than three standard errors below 0 (see difference:
 * these are at least what the held-out pictures make, so that few repetitions cannot agree by chance).
 */
export function cannotWin(behind: readonly Paired[], design: Design): boolean {
  const { mean, error } = difference(behind, design)
  return mean < -BEHIND * error
}

/** Candidates left after each round of successive halving (Jamieson & Talwalkar 2016), and the repetitions each has had then. */
export interface Round {
  readonly candidates: number
  readonly repetitions: number
}

/** Rounds for `candidates`: 1, 2, 4, ... repetitions each, the better third going on, until at most two have had theirs. */
export function rounds(candidates: number): Round[] {
  const made: Round[] = []
  for (let [left, repetitions] = [candidates, 1]; ; left = Math.ceil(left / 3), repetitions *= 2) {
    made.push({ candidates: left, repetitions })
    if (left <= 2) return made
  }
}

/** Fresh repetitions in which a search confirms its winner. */
export const CONFIRMING = 5

/** The arms in them: clean, the winner and three others. */
const CONFIRMED_ARMS = 5

const LEAST_CANDIDATES = 3

/**
 * The steps and the number of candidates, at most `most`, of a search in `seconds` on `jobs` threads: the most steps in `range`
 * with which all fit, else fewer candidates. Its runs are those of the rounds, clean in each of their repetitions, and those that
 * confirm the winner.
 */
export function searchTable(
  { once, step }: Cost,
  seconds: number,
  jobs: number,
  range: { readonly least: number; readonly most: number },
  most: number,
): { readonly steps: number; readonly candidates: number } {
  const stepsFor = (candidates: number) => {
    const halving = rounds(candidates)
    const before = (i: number) => halving[i - 1]?.repetitions ?? 0
    const runs = halving.reduce((sum, round, i) => sum + round.candidates * (round.repetitions - before(i)), 0)
    const all = runs + halving.at(-1)!.repetitions + CONFIRMING * CONFIRMED_ARMS
    return Math.floor(((seconds * jobs) / all - once) / step)
  }
  let candidates = most
  while (candidates > LEAST_CANDIDATES && stepsFor(candidates) < range.least) candidates--
  return { steps: Math.min(range.most, Math.max(range.least, stepsFor(candidates))), candidates }
}
