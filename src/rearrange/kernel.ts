import type { Pair } from './pair.js'

/** The shifts from (fromX, fromY) to (toX, toY), all included. */
export interface Window {
  fromX: number
  toX: number
  fromY: number
  toY: number
}

/**
 * The heavy parts of the search for the best shift, for one pair of maps at a time. A gain is what the moved b adds to
 * the total saliency of a alone.
 */
export interface Kernel {
  /** Takes a pair; the pixels outside the maps' boxes are 0. */
  load(pair: Pair): void
  /** Sum of the pixels of b that are left of `x` and above `y`. */
  massWithin(x: number, y: number): number
  /** The gain of a shift, at most `gainError` off. */
  gain(dx: number, dy: number): number
  readonly gainError: number
  /** Bounds the gains of the shifts of `window` from above, but for a margin: the greatest error, which it returns. */
  bound(window: Window, sigma: number): number
  /** The index of a greatest bound. */
  greatest(): number
  /** How many bounds are at least `threshold`; `candidate(i)` is the index of the i-th of them, in ascending order. */
  collect(threshold: number): number
  candidate(i: number): number
  boundOf(index: number): number
  shiftX(index: number): number
  shiftY(index: number): number
}
