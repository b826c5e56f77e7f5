import { type Random, randomStream } from '../core/random.js'

/** What random numbers of a training are for; each has streams of its own. Weights have the first ones. */
const PURPOSES = [
  ...(['weights', 'heldOut', 'order', 'views', 'mixes', 'masks'] as const),
  ...(['pairs', 'noise', 'candidates', 'repetitions'] as const),
]

/** Stream number `index` for a purpose. */
export function streamFor(purpose: (typeof PURPOSES)[number], seed: number, index: number): Random {
  return randomStream(seed, PURPOSES.indexOf(purpose) * 2 ** 45 + index)
}
