/** A move of the partner by (dx, dy) pixels (positive: right, down) and the total saliency the mix then keeps. */
export interface Shift {
  readonly dx: number
  readonly dy: number
  readonly total: number
}

/** Totals this close are equal, for maps that sum to 1 together (as SAGE's do). */
const TIE = 1e-12

/** How far below the best total a shift may be and still tie with it; `mass` is the sum of both maps. */
export function tieWidth(mass: number): number {
  return TIE * Math.max(1, mass)
}

/** Whether (dx, dy) goes before (otherDx, otherDy) among ties: the shorter move, then the smaller dy, then dx. */
export function isPreferred(dx: number, dy: number, otherDx: number, otherDy: number): boolean {
  const length = dx * dx + dy * dy
  const otherLength = otherDx * otherDx + otherDy * otherDy
  if (length !== otherLength) return length < otherLength
  return dy === otherDy ? dx < otherDx : dy < otherDy
}
