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
  const swaps = new Swaps(problem, labelling)
  let energy = labelEnergy(problem, labelling)
  for (;;) {
    for (let a = 0; a < problem.labels; a++) {
      for (let b = a + 1; b < problem.labels; b++) swaps.swap(a, b)
    }
    const improved = labelEnergy(problem, labelling)
    if (improved >= energy - EQUAL * Math.max(1, Math.abs(energy))) return
    energy = improved
  }
}

/** The labelling with what a swap works on, held from swap to swap: there are many, of few cells each. */
class Swaps {
  /** Cells at each label. */
  private readonly uses: Int32Array
  /** Of the cells at the two labels: their number in the swap; -1 for the others. */
  private readonly variable: Int32Array
  /** The cells at the two labels, and what b costs each more than a. */
  private readonly members: Int32Array
  private readonly more: Float64Array
  /** 1 for the members that get b. */
  private readonly chosen: Uint8Array
  private readonly cut: MinCut
  /** How often the labelling has changed; and, at a labels + b, what that was after the last swap of a and b. */
  private changes = 0
  private readonly swapped: Int32Array
  /** The neighbouring cells, two by two, and the weights between them. */
  private readonly first: Int32Array
  private readonly second: Int32Array
  private readonly weight: Float64Array

  constructor(
    private readonly problem: LabelProblem,
    private readonly labelling: Uint16Array,
  ) {
    const cells = labelling.length
    this.uses = new Int32Array(problem.labels)
    for (const label of labelling) this.uses[label]!++
    this.variable = new Int32Array(cells)
    this.members = new Int32Array(cells)
    this.more = new Float64Array(cells)
    this.chosen = new Uint8Array(cells)
    this.swapped = new Int32Array(problem.labels ** 2).fill(-1)
    const pairs: [number, number, number][] = []
    eachPair(problem.grid, (i, j, weight) => pairs.push([i, j, weight]))
    this.cut = new MinCut(cells, pairs.length)
    this.first = Int32Array.from(pairs, ([i]) => i)
    this.second = Int32Array.from(pairs, ([, j]) => j)
    this.weight = Float64Array.from(pairs, ([, , weight]) => weight)
  }

  /** Gives the cells at a or b the cheapest mixture of the two. */
  swap(a: number, b: number): void {
    const { problem, labelling, uses, variable, members, chosen, swapped } = this
    const at = a * problem.labels + b
    if ((uses[a] === 0 && uses[b] === 0) || swapped[at] === this.changes) return
    let count = 0
    for (let i = 0; i < labelling.length; i++) {
      const member = labelling[i] === a || labelling[i] === b
      variable[i] = member ? count : -1
      if (member) members[count++] = i
    }
    this.weighPreferences(a, b, count)
    this.choose(problem.distance[at]!, count)
    let changed = false
    for (let p = 0; p < count; p++) {
      const label = chosen[p] === 1 ? b : a
      const before = labelling[members[p]!]!
      if (label === before) continue
      changed = true
      labelling[members[p]!] = label
      uses[before]!--
      uses[label]!++
    }
    if (changed) this.changes++
    swapped[at] = this.changes
  }

  /** What b costs each member more than a, by itself and beside the cells that keep another label. */
  private weighPreferences(a: number, b: number, count: number): void {
    const { labelling, variable, members, more, first, second, weight } = this
    const { labels, costs, distance } = this.problem
    for (let p = 0; p < count; p++) {
      more[p] = costs[members[p]! * labels + b]! - costs[members[p]! * labels + a]!
    }
    for (let pair = 0; pair < weight.length; pair++) {
      const p = variable[first[pair]!]!
      const q = variable[second[pair]!]!
      if (p >= 0 === q >= 0) continue
      const other = labelling[p >= 0 ? second[pair]! : first[pair]!]!
      more[p >= 0 ? p : q]! += weight[pair]! * (distance[b * labels + other]! - distance[a * labels + other]!)
    }
  }

  /** Chooses the x that minimises more . x + sum over neighbouring members of w apart [x_p != x_q]. */
  private choose(apart: number, count: number): void {
    const { cut, more, chosen, variable, first, second, weight } = this
    let dearer = 0
    let cheaper = 0
    for (let p = 0; p < count; p++) {
      if (more[p]! > 0) dearer++
      else if (more[p]! < 0) cheaper++
    }
    // Where none prefers the other there is nothing to cut, which is the common case by far.
    if (cheaper === 0 || dearer === 0) {
      chosen.fill(cheaper === 0 ? 0 : 1, 0, count)
      return
    }
    cut.clear(count)
    for (let p = 0; p < count; p++) cut.addCost(p, more[p]!)
    for (let pair = 0; pair < weight.length; pair++) {
      const p = variable[first[pair]!]!
      const q = variable[second[pair]!]!
      if (p >= 0 && q >= 0) cut.addPair(p, q, weight[pair]! * apart, weight[pair]! * apart)
    }
    cut.solve(chosen)
  }
}
