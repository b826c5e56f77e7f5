import type { Image } from '../core/image.js'
import { blockEdges } from './blocks.js'
import type { Grid } from './solvers/grid.js'

/** The first half of Puzzle Mix as a labelling problem over blocks x blocks cells; label l means mask l / steps. */
export interface PuzzleProblem {
  readonly costs: Float64Array
  readonly grid: Grid
}

export interface PuzzleWeights {
  /** Of the smoothness of the mask. */
  readonly beta: number
  /** Of the smoothness of the picture, relative to beta. */
  readonly gamma: number
  /** Of the prior on the mask. */
  readonly eta: number
}

/**
 * The mask's part of Puzzle Mix's objective (eq. 3 of the paper), with n = blocks, m = steps, M_i = l_i / m the weight of
 * the sample in block i, s_0 and s_1 the blocks' shares of both saliencies, B = beta / (16 n):
 *
 *   - sum_i M_i s_0(i) + (1 - M_i) s_1(i)                     keep what is salient
 *   + B sum_ij (M_i - M_j)^2 + B gamma sum_ij phi_ij          over neighbours: few, well hidden seams
 *   - eta / n^2 sum_i log( C(m, l_i) lambda^l_i (1 - lambda)^(m - l_i) )   near the ratio aimed at
 *
 * phi_ij(M_i, M_j) continues d_ij(a, b), the mean difference of the pixels that face each other when picture a fills block
 * i and picture b block j: linear terms that agree with it plus (M_i - M_j)^2 (d_01 + d_10 - d_00 - d_11) / 2. Where the
 * pictures fit each other better than themselves, this may outweigh B; a pair's weight is then held at 0, the least a cut
 * can pay. The scales of B and eta are those with which the paper's parameters were tuned.
 */
export function puzzleProblem(
  pictures: readonly [Image, Image],
  shares: readonly [Float64Array, Float64Array],
  blocks: number,
  steps: number,
  lambda: number,
  { beta, gamma, eta }: PuzzleWeights,
): PuzzleProblem {
  const cells = blocks * blocks
  const smooth = beta / (16 * blocks)
  /** What M_i = 1 instead of 0 costs, beside the prior. */
  const slope = Float64Array.from({ length: cells }, (_, i) => shares[1][i]! - shares[0][i]!)
  const weigh = (first: number, second: number, seam: Float64Array): number => {
    const d00 = seam[4 * first]!
    const d01 = seam[4 * first + 1]!
    const d10 = seam[4 * first + 2]!
    const d11 = seam[4 * first + 3]!
    slope[first]! += (smooth * gamma * (d00 + d01 - d10 - d11)) / 2
    slope[second]! += (smooth * gamma * (d00 + d10 - d01 - d11)) / 2
    const curvature = smooth * (1 + (gamma * (d01 + d10 - d00 - d11)) / 2)
    return Math.max(0, curvature) / (steps * steps)
  }
  const right = new Float64Array(cells)
  const down = new Float64Array(cells)
  const across = seams(pictures, blocks, 'columns')
  const below = seams(pictures, blocks, 'rows')
  for (let i = 0; i < cells; i++) {
    if ((i + 1) % blocks !== 0) right[i] = weigh(i, i + 1, across)
    if (i + blocks < cells) down[i] = weigh(i, i + blocks, below)
  }
  const costs = new Float64Array(cells * (steps + 1))
  for (let label = 0; label <= steps; label++) {
    const prior = (eta / cells) * -Math.log(binomial(steps, label, lambda))
    for (let i = 0; i < cells; i++) costs[i * (steps + 1) + label] = (label / steps) * slope[i]! + prior
  }
  return { costs, grid: { columns: blocks, rows: blocks, right, down } }
}

/** C(n, k) p^k (1 - p)^(n - k), kept off 0 so that its logarithm is finite. */
function binomial(n: number, k: number, p: number): number {
  let ways = 1
  for (let i = 1; i <= k; i++) ways = (ways * (n - k + i)) / i
  return Math.max(1e-8, ways * p ** k * (1 - p) ** (n - k))
}

/** Pixels on each side of a seam that are averaged before they are compared: noise is no seam. */
const DEPTH = 4

/**
 * For every block i and its right (or lower) neighbour, d_00, d_01, d_10, d_11 at 4 i: d_ab the mean absolute difference,
 * black to white 1, between picture a on this side of the seam and picture b on the other.
 */
function seams([first, second]: readonly [Image, Image], blocks: number, kind: 'columns' | 'rows'): Float64Array {
  const { width, height } = first
  const [length, breadth] = kind === 'columns' ? [width, height] : [height, width]
  const [step, stride] = kind === 'columns' ? [3, 3 * width] : [3 * width, 3]
  const cuts = blockEdges(length, blocks)
  const spans = blockEdges(breadth, blocks)
  const differences = new Float64Array(4 * blocks * blocks)
  for (let cell = 0; cell < blocks * blocks; cell++) {
    const [column, row] = [cell % blocks, Math.floor(cell / blocks)]
    const [along, beside] = kind === 'columns' ? [column, row] : [row, column]
    if (along === blocks - 1) continue
    const seam = cuts[along + 1]!
    const before = Math.max(cuts[along]!, seam - DEPTH)
    const after = Math.min(cuts[along + 2]!, seam + DEPTH)
    const unit = 1 / (255 * 3 * (spans[beside + 1]! - spans[beside]!))
    for (let line = spans[beside]!; line < spans[beside + 1]!; line++) {
      for (let at = line * stride; at < line * stride + 3; at++) {
        const near0 = average(first.data, at, step, before, seam)
        const near1 = average(second.data, at, step, before, seam)
        const far0 = average(first.data, at, step, seam, after)
        const far1 = average(second.data, at, step, seam, after)
        differences[4 * cell]! += unit * Math.abs(near0 - far0)
        differences[4 * cell + 1]! += unit * Math.abs(near0 - far1)
        differences[4 * cell + 2]! += unit * Math.abs(near1 - far0)
        differences[4 * cell + 3]! += unit * Math.abs(near1 - far1)
      }
    }
  }
  return differences
}

function average(data: Uint8Array, start: number, step: number, from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += data[start + i * step]!
  return sum / (to - from)
}
