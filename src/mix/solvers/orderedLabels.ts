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
 * Cell i gets variables x_ik = [l_i >= k], k = 1 ... steps, with x_ik >= x_i(k+1). Then
 *   cost(l_i)      = cost(0) + sum_k x_ik (cost(k) - cost(k - 1))
 *   d^2            = d + 2 sum_(m > 0) max(0, d - m)                               for a whole d >= 0
 *   max(0, d - m)  = sum_k [x_i(k+m) = 1, x_jk = 0]                                for d = l_i - l_j, m >= 0
 * so (l_i - l_j)^2 costs 1 for every k at which the two differ, and 2 for every k and m > 0 where one has reached k + m and
 * the other not k: all of which a cut can pay.
 */
export function orderedLabels(costs: Float64Array, grid: Grid, steps: number): Uint8Array {
  const cells = grid.columns * grid.rows
  const cut = new MinCut(cells * steps, cells * (steps - 1 + 2 * steps * steps))
  for (let i = 0; i < cells; i++) {
    for (let k = 0; k < steps; k++) {
      const at = i * (steps + 1) + k
      cut.addCost(i * steps + k, costs[at + 1]! - costs[at]!)
      if (k > 0) cut.addPair(i * steps + k - 1, i * steps + k, Number.POSITIVE_INFINITY, 0)
    }
  }
  eachPair(grid, (i, j, weight) => {
    for (let k = 0; k < steps; k++) {
      cut.addPair(i * steps + k, j * steps + k, weight, weight)
      for (let above = k + 1; above < steps; above++) {
        cut.addPair(i * steps + k, j * steps + above, 2 * weight, 0)
        cut.addPair(j * steps + k, i * steps + above, 2 * weight, 0)
      }
    }
  })
  const ones = new Uint8Array(cells * steps)
  cut.solve(ones)
  return Uint8Array.from({ length: cells }, (_, i) => {
    let label = 0
    for (let k = 0; k < steps; k++) label += ones[i * steps + k]!
    return label
  })
}
