/** Balanced runs: how often each picture is drawn, whom it is then paired with being decided as in any other run. */
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import { type Random, randomStream, shuffle } from '../core/random.js'
import type { Pairing } from '../dataset/pairing.js'
import { quoted } from '../dataset/problems.js'
import type { Sources } from '../dataset/source.js'
import { outputName, type Plan } from './plan.js'

export type Balance = 'none' | 'classes' | 'sqrt'

/** Streams of the draws, and of the partners that take the place of a picture itself, beyond those of the plan. */
const [DRAW_STREAM, PARTNER_STREAMS] = [2 ** 49, 2 ** 53 - 2 ** 51]

/** A class of a data set: its pictures, and how many draws it gets. */
interface Share {
  readonly members: Int32Array
  readonly draws: number
}

/**
 * Splits `count` draws over the classes, `classes[i]` being that of source i: `classes` gives each the same, `sqrt` gives each in
 * proportion to the root of its pictures. Within one by largest remainders, the first of equal ones first.
 */
function sharesOf(classes: Int32Array, balance: Balance, count: number): Share[] {
  const groups = new Map<number, number[]>()
  classes.forEach((label, source) => {
    const group = groups.get(label)
    if (group === undefined) groups.set(label, [source])
    else group.push(source)
  })
  const members = [...groups].sort(([a], [b]) => a - b).map(([, group]) => Int32Array.from(group))
  const weights = members.map(({ length }) => (balance === 'sqrt' ? Math.sqrt(length) : 1))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  const exact = weights.map((weight) => (count * weight) / sum)
  const draws = exact.map(Math.floor)
  const left = count - draws.reduce((total, drawn) => total + drawn, 0)
  const byRemainder = [...draws.keys()].sort((a, b) => exact[b]! - draws[b]! - (exact[a]! - draws[a]!) || a - b)
  for (const k of byRemainder.slice(0, left)) draws[k]!++
  return members.map((group, k) => ({ members: group, draws: draws[k]! }))
}

/** The sources that are drawn, class by class: within a class each as often as the others, within one, in random order. */
function drawsOf(shares: readonly Share[], random: Random): Int32Array {
  const drawn: number[] = []
  for (const { members, draws } of shares) {
    for (let left = draws; left > 0; left -= members.length) {
      for (const source of shuffle(random, members.slice()).subarray(0, left)) drawn.push(source)
    }
  }
  return Int32Array.from(drawn)
}

export interface DrawnPlan extends Plan {
  /** How often each source is drawn. */
  readonly drawn: Int32Array
}

/**
 * The plan of `count` mixes of balanced draws: `plan` pairs them as if each draw were a picture of its own. Where it pairs a picture
 * with itself, another one takes the place of the partner. Throws a usage error where a pairing within classes has too few draws.
 */
export function planDrawn(
  classes: Int32Array,
  options: { balance: Balance; count: number; pairing: Pairing; seed: number; originals: boolean },
  plan: (classes: Int32Array) => Plan,
): DrawnPlan {
  const { balance, count, pairing, seed, originals } = options
  const shares = sharesOf(classes, balance, count)
  if (pairing === 'same-class' && shares.some(({ draws }) => draws === 1)) {
    const expected = 'expected at least 2 mixes of every class'
    throw new AugmentError('usage', `--balance ${balance}: ${counted(count, 'mix', 'mixes')} are too few, ${expected}`)
  }
  const draws = drawsOf(shares, randomStream(seed, DRAW_STREAM))
  const paired = plan(draws.map((source) => classes[source]!))
  const drawn = new Int32Array(classes.length)
  for (const source of draws) drawn[source]!++

  const groups = new Map(shares.map(({ members }) => [classes[members[0]!]!, members]))
  function other(source: number, index: number): number {
    const choice = pairing === 'same-class' ? groups.get(classes[source]!)! : null
    const size = choice?.length ?? classes.length
    const place = choice?.indexOf(source) ?? source
    const at = randomStream(seed, PARTNER_STREAMS + index).integer(0, size - 2)
    const chosen = at < place ? at : at + 1
    return choice === null ? chosen : choice[chosen]!
  }

  return {
    drawn,
    length: count + (originals ? classes.length : 0),
    mixes: count,
    pass: paired.pass,
    job(index) {
      if (index >= count) return { index, epoch: 1, sources: [index - count], name: outputName(index) }
      const job = paired.job(index)
      const [a, b] = job.sources.map((i) => draws[i]!) as [number, number]
      return { ...job, sources: [a, a === b ? other(a, index) : b] }
    },
  }
}

/** So many classes are told one by one. */
const LISTED = 10

/** What balancing does to the counts of the classes: "cat 5000 pictures, 1700 mixes; ...". */
export function describeBalance(
  { drawn }: DrawnPlan,
  classes: Int32Array,
  names: readonly string[],
  balance: Balance,
): string {
  const [before, after] = [new Map<number, number>(), new Map<number, number>()]
  classes.forEach((label, source) => {
    before.set(label, (before.get(label) ?? 0) + 1)
    after.set(label, (after.get(label) ?? 0) + drawn[source]!)
  })
  const most = drawn.reduce((largest, times) => Math.max(largest, times), 0)
  const often = `one picture is drawn up to ${counted(most, 'time')}`
  const range = (counts: Map<number, number>) => {
    const values = [...counts.values()]
    const [low, high] = [Math.min(...values), Math.max(...values)]
    return low === high ? `${low}` : `${low} to ${high}`
  }
  const told =
    before.size > LISTED
      ? `a class has ${range(before)} pictures and is drawn ${range(after)} times`
      : `draws by class: ${[...before.keys()]
          .sort((a, b) => a - b)
          .map((k) => `${names[k]} ${before.get(k)} -> ${after.get(k)}`)
          .join(', ')}`
  return `--balance ${balance}: ${told}; ${often}`
}

/** Notice of pictures that are partners again and again, since more than two thirds of all are of one class; null else. */
export function describeOveruse(
  classes: Int32Array,
  names: readonly string[],
  files: Sources<{ readonly file: string }>,
): string | null {
  const counts = new Map<number, number>()
  for (const label of classes) counts.set(label, (counts.get(label) ?? 0) + 1)
  const [label, size] = [...counts].reduce((largest, entry) => (entry[1] > largest[1] ? entry : largest))
  const others = classes.length - size
  if (others === 0 || size < 2 * others) return null
  const of = `class ${quoted(names[label]!)} has ${size} of ${counted(classes.length, 'picture')}`
  const times = Math.round(size / others)
  const lone = quoted(files.at(classes.findIndex((own) => own !== label))?.file ?? '')
  const who =
    others === 1 ? `the only other one, ${lone}, is its partner` : `each of the ${others} others is partner about`
  return `--pairing different-class: ${of}: ${who} ${times} times an epoch; --balance classes evens that out`
}
