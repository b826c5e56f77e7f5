import { precedes } from './bestFirst.js'
import type { Window } from './kernel.js'
import type { Measured, Pair } from './pair.js'
import { PlainKernel } from './plainKernel.js'
import type { Shift } from './shift.js'

let kernel: PlainKernel | undefined

/** Whether all values of a map that are not 0 are the same. */
function isFlat({ map, largest }: Measured): boolean {
  for (let i = 0; i < map.length; i++) if (map[i] !== 0 && map[i] !== largest) return false
  return true
}

/** What a pixel loses by meeting one of value `level`, and as much again is lost by that one. */
function losses({ map }: Measured, level: number): Float64Array {
  return Float64Array.from(map, (value) => (value * level) / (value + level))
}

function places({ map }: Measured): Float64Array {
  return Float64Array.from(map, (value) => (value > 0 ? 1 : 0))
}

/**
 * The best shift in `window` if one of the maps is flat, with holes or without, else undefined. The bound is of little use
 * if both are (two equal constants tie at every shift), but there is no need of one: 2bc / (b + c) is lost wherever b meets
 * the only value c of the other map, a single correlation. In float64 it gives all gains to within a hundredth of a tie.
 */
export function flatShift(pair: Pair, window: Window): Shift | undefined {
  const { a, b, tie } = pair
  const aIsFlat = isFlat(a)
  if (!aIsFlat && !isFlat(b)) return undefined
  kernel ??= new PlainKernel()
  kernel.load(pair)
  if (aIsFlat) kernel.subtractCorrelation(window, places(a), losses(b, a.largest))
  else kernel.subtractCorrelation(window, losses(a, b.largest), places(b))
  const count = kernel.collect(kernel.boundOf(kernel.greatest()) - tie)
  let best = kernel.candidate(0)
  for (let i = 1; i < count; i++) {
    if (precedes(kernel, kernel.candidate(i), best)) best = kernel.candidate(i)
  }
  const [dx, dy] = [kernel.shiftX(best), kernel.shiftY(best)]
  return pair.shift(dx, dy, pair.gain(dx, dy))
}
