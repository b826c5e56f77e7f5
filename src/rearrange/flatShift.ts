import { bestOfCandidates, precedes } from './bestFirst.js'
import type { Window } from './kernel.js'
import type { Measured, Pair } from './pair.js'
import { PlainKernel } from './plainKernel.js'
import type { Shift } from './shift.js'

/** Up to this ratio of a map's values the chord below bounds better than exponentialSum.ts. */
const NARROW = 1.1

let kernel: PlainKernel | undefined

/** The least value that is not 0. */
function least({ map, largest }: Measured): number {
  let found = largest
  for (let i = 0; i < map.length; i++) if (map[i]! > 0 && map[i]! < found) found = map[i]!
  return found
}

/** What a pixel loses by meeting one of value `level`, and as much again is lost by that one. */
function losses({ map }: Measured, level: number): Float64Array {
  return Float64Array.from(map, (value) => (value * level) / (value + level))
}

/**
 * The best shift in `window` if one of the maps is flat or nearly so, with holes or without, else undefined. The bound of
 * exponentialSum.ts is of little use if both are (two equal constants tie at every shift). But b loses 2bc / (b + c) where
 * it meets c, a concave function of c, so at least what lies on the chord between the least and the largest c: two
 * correlations. Where c has but one value a single one, in float64, gives all gains to within a hundredth of a tie.
 */
export function flatShift(pair: Pair, window: Window): Shift | undefined {
  const { a, b } = pair
  const aLow = least(a)
  const bLow = least(b)
  const aIsFlatter = a.largest * bLow <= b.largest * aLow
  const [flat, low, other] = aIsFlatter ? [a, aLow, b] : [b, bLow, a]
  const high = flat.largest
  if (high > NARROW * low) return undefined
  const share = (of: (value: number) => number) => Float64Array.from(flat.map, (value) => (value > 0 ? of(value) : 0))
  const terms =
    low === high
      ? [[share(() => 1), losses(other, high)] as const]
      : [
          [share((value) => (high - value) / (high - low)), losses(other, low)] as const,
          [share((value) => (value - low) / (high - low)), losses(other, high)] as const,
        ]
  kernel ??= new PlainKernel()
  kernel.load(pair)
  const margin = kernel.subtractCorrelations(
    window,
    terms.map(([of, to]) => (aIsFlatter ? [of, to] : [to, of])),
  )
  const first = kernel.greatest()
  if (low === high) return preferred(kernel, pair, kernel.collect(kernel.boundOf(first) - pair.tie))
  const lower = kernel.gain(kernel.shiftX(first), kernel.shiftY(first)) - kernel.gainError
  const count = kernel.collect(lower - pair.tie - margin)
  return bestOfCandidates(kernel, pair, count, margin, lower, count)
}

/** The one of `count` candidates, all ties, that goes before the others. */
function preferred(kernel: PlainKernel, pair: Pair, count: number): Shift {
  let best = kernel.candidate(0)
  for (let i = 1; i < count; i++) {
    if (precedes(kernel, kernel.candidate(i), best)) best = kernel.candidate(i)
  }
  const [dx, dy] = [kernel.shiftX(best), kernel.shiftY(best)]
  return pair.shift(dx, dy, pair.gain(dx, dy))
}
