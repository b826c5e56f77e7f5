import { eachPair, type Grid } from './grid.js'
import { MinCut } from './minCut.js'

/** sum_i costs[i (steps + 1) + l_i] + sum over neighbours of w (l_i - l_j)^2: what `orderedLabels` minimises. */
export function orderedEnergy(costs: Float64Array, grid: Grid, steps: number, labels: ArrayLike<number>): number {
  let energy = 0
  for (let i = 0; i < labels.length; i++) energy += costs[i * (steps + 1) + labels[i]!]!
  eachPair(grid, (i, j, weight) => {
    energy += weight * (labels[i]! - labels[j]!) ** 2
  })
  return energy
}

/**
 * The labels l_i in 0 ... steps of the least energy over all labellings, by one minimum cut (Ishikawa, PAMI 2003).
 *
 * Cell i gets variables x_ik = [l_i >= k], k = 1 ... steps, with x_ik >= x_i(k+1). Then l_i = sum_k x_ik and
 *   cost(l_i)     = cost(0) + sum_k x_ik (cost(k) - cost(k - 1))
 *   l_i^2         = sum_k (2k - 1) x_ik
 *   -2 x_ik x_jl  = [x_ik != x_jl] - x_ik - x_jl
 * so (l_i - l_j)^2 = sum_k (2k - 1 - steps) (x_ik + x_jk) + sum_kl [x_ik != x_jl], all of which a cut can pay.
 */
export function orderedLabels(costs: Float64Array, grid: Grid, steps: number): Uint8Array {
  const cells = grid.columns * grid.rows
  const cut = new MinCut(cells * steps)
  for (let i = 0; i < cells; i++) {
    for (let k = 1; k <= steps; k++) {
      const at = i * (steps + 1) + k
      cut.addCost(i * steps + k - 1, costs[at]! - costs[at - 1]!)
      if (k < steps) cut.addPair(i * steps + k - 1, i * steps + k, Number.POSITIVE_INFINITY, 0)
    }
  }
  eachPair(grid, (i, j, weight) => {
    for (let k = 1; k <= steps; k++) {
      cut.addCost(i * steps + k - 1, weight * (2 * k - 1 - steps))
      cut.addCost(j * steps + k - 1, weight * (2 * k - 1 - steps))
      for (let l = 1; l <= steps; l++) cut.addPair(i * steps + k - 1, j * steps + l - 1, weight, weight)
    }
  })
  const ones = cut.solve()
  return Uint8Array.from({ length: cells }, (_, i) => {
    let label = 0
    for (let k = 0; k < steps; k++) label += ones[i * steps + k]!
    return label
  })
}
