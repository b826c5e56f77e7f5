/** Who is mixed with whom: sources are cut into blocks, and every epoch pairs the members of a block anew. */
import { type Random, shuffle } from '../core/random.js'

export type Pairing = 'any' | 'different-class' | 'same-class'

/** One epoch of a block: output i mixes `partners[i]` into `samples[i]`; every member is a sample once. */
export interface Pass {
  readonly samples: Int32Array
  readonly partners: Int32Array
}

/** All sources in random order, cut: block b has those from `order[bounds[b]]` up to `order[bounds[b + 1] - 1]`. */
export interface Blocks {
  readonly order: Int32Array
  readonly bounds: Int32Array
}

/** With `same-class`, so many members of a class come to a block together: the partners they can have. */
const PIECE = 64

/** With `different-class`, partners come from all sources where a block has fewer pictures of other classes. */
const CHOICE = 32

/**
 * Cuts n sources, `classes[i]` being the class of source i, into blocks of at most `size` (at least 4), none of a single source.
 * With `same-class` each class of at least two is at least two in every block that it is in; with `different-class` every
 * block has its share of each class.
 */
export function cutBlocks(classes: Int32Array, pairing: Pairing, size: number, random: Random): Blocks {
  const shuffled = shuffle(
    random,
    Int32Array.from(classes, (_, i) => i),
  )
  if (pairing === 'any') return { order: shuffled, bounds: evenly(shuffled.length, size) }
  const groups = groupsOf(shuffled, classes)
  if (pairing === 'different-class') {
    const order = at(
      spread(lengthsOf(groups), () => random.uniform()),
      joined(groups),
    )
    return { order, bounds: evenly(order.length, size) }
  }
  const pieces = groups.flatMap((members) => {
    const bounds = evenly(members.length, Math.min(size, PIECE))
    return Array.from(bounds.subarray(1), (end, i) => members.subarray(bounds[i], end))
  })
  const order = new Int32Array(classes.length)
  const bounds = [0]
  let end = 0
  for (const piece of shuffle(random, pieces)) {
    if (end + piece.length - bounds.at(-1)! > size) bounds.push(end)
    order.set(piece, end)
    end += piece.length
  }
  return { order, bounds: Int32Array.from([...bounds, end]) }
}

/** Cuts into the fewest parts of at most `most`, whose lengths differ by at most one: their bounds. */
function evenly(length: number, most: number): Int32Array {
  const parts = Math.ceil(length / most)
  return Int32Array.from({ length: parts + 1 }, (_, i) => Math.floor((i * length) / parts))
}

/** The sources of each class, in their order. */
function groupsOf(sources: Int32Array, classes: Int32Array): Int32Array[] {
  const groups = new Map<number, number[]>()
  for (const source of sources) {
    const group = groups.get(classes[source]!)
    if (group === undefined) groups.set(classes[source]!, [source])
    else group.push(source)
  }
  return Array.from(groups.values(), (group) => Int32Array.from(group))
}

/** What joins groups of these lengths so that each is spread evenly from its `phase` (0 to 1) on: places in one after the other. */
function spread(lengths: readonly number[], phase: () => number): Int32Array {
  const n = lengths.reduce((sum, length) => sum + length, 0)
  // Sorted by counting: place n (i + phase) / length, rounded down, of member i.
  const ends = new Int32Array(n + 1)
  const wanted = new Int32Array(n)
  let member = 0
  for (const length of lengths) {
    const start = phase()
    for (let i = 0; i < length; i++) {
      const place = Math.min(n - 1, Math.floor((n * (i + start)) / length))
      wanted[member++] = place
      ends[place + 1]!++
    }
  }
  for (let place = 1; place <= n; place++) ends[place]! += ends[place - 1]!
  const order = new Int32Array(n)
  for (let i = 0; i < n; i++) order[ends[wanted[i]!]!++] = i
  return order
}

/** Sources at these places. */
function at(places: Int32Array, sources: Int32Array): Int32Array {
  return places.map((place) => sources[place]!)
}

function joined(groups: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(groups.reduce((sum, { length }) => sum + length, 0))
  let end = 0
  for (const group of groups) {
    all.set(group, end)
    end += group.length
  }
  return all
}

function turned(group: Int32Array, by: number): Int32Array {
  return group.map((_, i) => group[(i + by) % group.length]!)
}

const lengthsOf = (groups: readonly Int32Array[]) => groups.map(({ length }) => length)

interface Rules {
  readonly classes: Int32Array
  readonly pairing: Pairing
  /** The stream of the block, at its start. */
  readonly ofBlock: Random
  /** The stream of the pass. */
  readonly ofPass: Random
  /** A source of another class, from all. */
  readonly unlike: (label: number, random: Random) => number
}

/**
 * Pairs the members of a block for one epoch, from 0 on. Where the classes allow, each is partner once, and no two epochs give
 * one the same partner before it has had all of its choice: the block, with `same-class` its class in the block. The partner
 * of an output is mostly the sample of one of the next, so that a pass needs each picture only for a moment. The caller has
 * made sure that every source has a possible partner.
 */
export function pairBlock(members: Int32Array, epoch: number, rules: Rules): Pass {
  const { classes, pairing, ofBlock } = rules
  if (pairing === 'any') return goRound(members, stepOf(1, members.length - 1, epoch, ofBlock))
  const groups = groupsOf(members, classes)
  return pairing === 'same-class' ? pairWithin(groups, epoch, ofBlock) : pairAcross(groups, epoch, rules)
}

/** The step of an epoch: all from `low` to `high` in random order, then again. */
function stepOf(low: number, high: number, epoch: number, random: Random): number {
  const steps = shuffle(
    random,
    Int32Array.from({ length: high - low + 1 }, (_, i) => low + i),
  )
  return steps[epoch % steps.length]!
}

/** Each member with the one that is `step` places on; where step and length have a common divisor, in several rounds. */
function goRound(members: Int32Array, step: number): Pass {
  const k = members.length
  const samples = new Int32Array(k)
  const partners = new Int32Array(k)
  for (let start = 0, done = 0; done < k; start++) {
    let place = start
    do {
      const next = (place + step) % k
      samples[done] = members[place]!
      partners[done++] = members[next]!
      place = next
    } while (place !== start)
  }
  return { samples, partners }
}

/** Each group goes round by itself, and their outputs take turns. */
function pairWithin(groups: readonly Int32Array[], epoch: number, random: Random): Pass {
  return takingTurns(groups.map((group) => goRound(group, stepOf(1, group.length - 1, epoch, random))))
}

function takingTurns(passes: readonly Pass[]): Pass {
  const samples = passes.map((pass) => pass.samples)
  const turns = spread(lengthsOf(samples), () => 0.5)
  return { samples: at(turns, joined(samples)), partners: at(turns, joined(passes.map((pass) => pass.partners))) }
}

/**
 * One member of a group with one of another. Of n members, sorted by group, with k in the largest, any step from k to n - k
 * leads from each to another group. After all these steps every group is turned against the others, and they begin again.
 */
function pairAcross(groups: readonly Int32Array[], epoch: number, rules: Rules): Pass {
  const largest = groups.reduce((most, group) => (group.length > most.length ? group : most))
  const others = groups.filter((group) => group !== largest)
  const n = groups.reduce((sum, { length }) => sum + length, 0)
  const most = n - largest.length
  if (largest.length > most) return pairLargest(largest, joined(others), epoch, rules)
  const turns = Math.floor(epoch / (most - largest.length + 1))
  const sorted = joined(groups.map((group, i) => turned(group, i * turns)))
  return goRound(sorted, stepOf(largest.length, most, epoch, rules.ofBlock))
}

/** A group of more than half: its members take turns with all others; with any of the whole where those are no choice. */
function pairLargest(largest: Int32Array, others: Int32Array, epoch: number, rules: Rules): Pass {
  const label = rules.classes[largest[0]!]!
  const start = stepOf(0, largest.length - 1, epoch, rules.ofBlock)
  const other = (i: number) =>
    others.length < CHOICE ? rules.unlike(label, rules.ofPass) : others[(i + start) % others.length]!
  return takingTurns([
    { samples: largest, partners: largest.map((_, i) => other(i)) },
    { samples: others, partners: others.map((_, i) => largest[(i + start) % largest.length]!) },
  ])
}

/** What picks a source of any class but one, each of them as likely. There must be one. */
export function unlikePicker(classes: Int32Array): Rules['unlike'] {
  const starts = new Int32Array(classes.reduce((most, label) => Math.max(most, label), 0) + 2)
  for (const label of classes) starts[label + 1]!++
  for (let k = 1; k < starts.length; k++) starts[k]! += starts[k - 1]!
  const byClass = new Int32Array(classes.length)
  const filled = starts.slice()
  for (const [source, label] of classes.entries()) byClass[filled[label]!++] = source
  return (label, random) => {
    const [start, own] = [starts[label]!, starts[label + 1]! - starts[label]!]
    const place = random.integer(0, classes.length - own - 1)
    return byClass[place < start ? place : place + own]!
  }
}
