import { eachPair, type Grid } from './grid.js'
import { MinCut } from './minCut.js'

/** A labelling problem: `costs[i * labels + l]` for cell i at label l, `distance[l * labels + m]` for two neighbours. */
export interface LabelProblem {
  readonly grid: Grid
  readonly labels: number
  readonly costs: Float64Array
  /** Symmetric, 0 for equal labels, otherwise non-negative. */
  readonly distance: Float64Array
}

/** sum_i costs(l_i) + sum over neighbours of w distance(l_i, l_j). */
export function labelEnergy({ grid, labels, costs, distance }: LabelProblem, labelling: ArrayLike<number>): number {
  let energy = 0
  for (let i = 0; i < labelling.length; i++) energy += costs[i * labels + labelling[i]!]!
  eachPair(grid, (i, j, weight) => {
    energy += weight * distance[labelling[i]! * labels + labelling[j]!]!
  })
  return energy
}

/** Energies this close are equal, relative to their size: rounding must not keep the sweeps going. */
const EQUAL = 1e-12

/**
 * Improves a labelling in place until no swap of two labels does: for any a and b, no other assignment of a and b to the
 * cells that now have either has less energy (Boykov, Veksler & Zabih, PAMI 2001). Each swap is exact, one minimum cut.
 */
export function swapLabels(problem: LabelProblem, labelling: Uint16Array): void {
  let energy = labelEnergy(problem, labelling)
  for (;;) {
    for (let a = 0; a < problem.labels; a++) {
      for (let b = a + 1; b < problem.labels; b++) swapTwo(problem, labelling, a, b)
    }
    const improved = labelEnergy(problem, labelling)
    if (improved >= energy - EQUAL * Math.max(1, Math.abs(energy))) return
    energy = improved
  }
}

function swapTwo(problem: LabelProblem, labelling: Uint16Array, a: number, b: number): void {
  const cells: number[] = []
  for (let i = 0; i < labelling.length; i++) if (labelling[i] === a || labelling[i] === b) cells.push(i)
  if (cells.length === 0) return
  const variable = new Int32Array(labelling.length).fill(-1)
  for (let i = 0; i < cells.length; i++) variable[cells[i]!] = i
  const more = preferences(problem, labelling, a, b, cells, variable)
  const ones = cheapest(more, problem.grid, variable, problem.distance[a * problem.labels + b]!)
  for (let i = 0; i < cells.length; i++) labelling[cells[i]!] = ones[i] ? b : a
}

/** What b costs each of `cells` more than a, by itself and beside the cells that keep another label. */
function preferences(
  { grid, labels, costs, distance }: LabelProblem,
  labelling: Uint16Array,
  a: number,
  b: number,
  cells: readonly number[],
  variable: Int32Array,
): Float64Array {
  const more = Float64Array.from(cells, (cell) => costs[cell * labels + b]! - costs[cell * labels + a]!)
  eachPair(grid, (i, j, weight) => {
    const p = variable[i]!
    const q = variable[j]!
    if (p >= 0 === q >= 0) return
    const other = labelling[p >= 0 ? j : i]!
    more[p >= 0 ? p : q]! += weight * (distance[b * labels + other]! - distance[a * labels + other]!)
  })
  return more
}

/** The x that minimises more . x + sum over neighbouring variables of w apart [x_p != x_q]. */
function cheapest(more: Float64Array, grid: Grid, variable: Int32Array, apart: number): Uint8Array {
  // Where all prefer the same there is nothing to cut, which is the common case by far.
  if (more.every((cost) => cost >= 0)) return new Uint8Array(more.length)
  if (more.every((cost) => cost <= 0)) return new Uint8Array(more.length).fill(1)
  const cut = new MinCut(more.length)
  for (let i = 0; i < more.length; i++) cut.addCost(i, more[i]!)
  eachPair(grid, (i, j, weight) => {
    const p = variable[i]!
    const q = variable[j]!
    if (p >= 0 && q >= 0) cut.addPair(p, q, weight * apart, weight * apart)
  })
  return cut.solve()
}
