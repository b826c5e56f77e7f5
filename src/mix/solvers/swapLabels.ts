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
 * cells that now have either has less energy (Boykov, Veksler & Zabih, PAMI 2001). Each swap is one minimum cut and exact.
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

function swapTwo({ grid, labels, costs, distance }: LabelProblem, labelling: Uint16Array, a: number, b: number): void {
  const cells: number[] = []
  const variable = new Int32Array(labelling.length).fill(-1)
  for (let i = 0; i < labelling.length; i++) {
    if (labelling[i] === a || labelling[i] === b) variable[i] = cells.push(i) - 1
  }
  if (cells.length === 0) return
  const cut = new MinCut(cells.length)
  for (const [i, cell] of cells.entries()) cut.addCost(i, costs[cell * labels + b]! - costs[cell * labels + a]!)
  const apart = distance[a * labels + b]!
  const beside = (i: number, label: number, weight: number) =>
    cut.addCost(i, weight * (distance[b * labels + label]! - distance[a * labels + label]!))
  eachPair(grid, (i, j, weight) => {
    const p = variable[i]!
    const q = variable[j]!
    if (p >= 0 && q >= 0) cut.addPair(p, q, weight * apart, weight * apart)
    else if (p >= 0) beside(p, labelling[j]!, weight)
    else if (q >= 0) beside(q, labelling[i]!, weight)
  })
  const ones = cut.solve()
  for (const [i, cell] of cells.entries()) labelling[cell] = ones[i] ? b : a
}
