import type { Image } from '../core/image.js'
import type { Random } from '../core/random.js'
import { blockSums, spreadBlocks } from './blocks.js'
import { drawLambda, mixupAlpha } from './drawLambda.js'
import { type Method, saliencyOf } from './method.js'
import { puzzleProblem } from './puzzleMask.js'
import { orderedEnergy, orderedLabels } from './solvers/orderedLabels.js'
import { moveBlocks, planTransport } from './transport.js'
import { withMask } from './withMask.js'

export interface PuzzlemixParameters {
  readonly mixupAlpha: number
  readonly blocks: number
  readonly steps: number
  readonly beta: number
  readonly gamma: number
  readonly eta: number
  readonly xi: number
  readonly transportBlocks: number
}

/**
 * Puzzle Mix (Kim, Choo & Song, ICML 2020, arXiv 2009.06962): x' = M T0(x1) + (1 - M) T1(x2). The mask M, of n x n blocks
 * with levels 0, 1/m, ..., 1, minimises the objective written out in puzzleMask; then T0 and T1 move the blocks of both
 * pictures so that what is salient shows. Both steps are exact. lambda is the mean of M over the pixels. `details`: lambda
 * as drawn, blocks, energy of the mask, blocks moved of either picture.
 */
export const puzzlemix: Method<PuzzlemixParameters> = {
  parameters: {
    mixupAlpha,
    blocks: { default: 0, low: 0, high: 32, whole: true, description: 'blocks per side; 0 draws 2, 4, 8 or 16' },
    steps: { default: 2, low: 1, high: 8, whole: true, description: "steps of the mask's levels between 0 and 1" },
    beta: { default: 1.2, low: 0, high: 1000, description: 'weight of the smoothness of the mask' },
    gamma: { default: 0.5, low: 0, high: 1000, description: 'weight of hiding seams, relative to beta' },
    eta: { default: 0.2, low: 0, high: 1000, description: "weight of the prior that draws the mask's mean to lambda" },
    xi: { default: 0.8, low: 0, high: 1e6, description: 'cost of moving blocks; large keeps them in place' },
    transportBlocks: {
      default: 8,
      low: 0,
      high: 32,
      whole: true,
      description: 'blocks per side that can move, rounded to a multiple of the mask blocks; 0 moves none',
    },
  },
  needsSaliency: () => true,
  mix([sample, partner], parameters, random) {
    const pictures = [sample!.image, partner!.image] as const
    const { width, height } = pictures[0]
    const { steps } = parameters
    const lambda = drawLambda(parameters.mixupAlpha, random)
    const blocks = drawBlocks(parameters.blocks, Math.min(width, height), random)
    const maps = [saliencyOf(sample!), saliencyOf(partner!)] as const
    const shares = [blockSums(maps[0], blocks, blocks), blockSums(maps[1], blocks, blocks)] as const
    const { costs, grid } = puzzleProblem(pictures, shares, blocks, steps, lambda, parameters)
    const labels = orderedLabels(costs, grid, steps)
    const levels = Float64Array.from(labels, (label) => label / steps)

    const fine = transportGrid(parameters.transportBlocks, blocks, Math.min(width, height))
    const shown = refine(levels, blocks, fine)
    const hidden = shown.map((level) => 1 - level)
    const moved = [shown, hidden].map((weights, i) =>
      transported(pictures[i]!, blockSums(maps[i]!, fine, fine), weights, fine, parameters),
    )
    const mask = spreadBlocks(levels, blocks, blocks, width, height)
    const [x1, x2] = moved.map(({ image }) => ({ image, saliency: null }))
    const details = {
      lambda,
      blocks,
      energy: orderedEnergy(costs, grid, steps, labels),
      moved: moved.map(({ count }) => count),
    }
    return { ...withMask(x1!, x2!, mask, details), kept: moved.map(({ kept }) => kept) }
  },
}

/** The blocks per side: as asked, or one of 2, 4, 8, 16; never more than there are pixels. */
function drawBlocks(asked: number, pixels: number, random: Random): number {
  const drawn = 2 ** random.integer(1, 4)
  return Math.min(asked === 0 ? drawn : asked, pixels)
}

/** The least multiple of `blocks` that is at least `asked`, if there are the pixels for it. */
function transportGrid(asked: number, blocks: number, pixels: number): number {
  const fine = blocks * Math.max(1, Math.ceil(asked / blocks))
  return fine <= pixels ? fine : blocks * Math.floor(pixels / blocks)
}

/** Values on blocks x blocks cells, repeated on the fine x fine cells they consist of. */
function refine(values: Float64Array, blocks: number, fine: number): Float64Array {
  const ratio = fine / blocks
  return Float64Array.from({ length: fine * fine }, (_, i) => {
    return values[Math.floor(Math.floor(i / fine) / ratio) * blocks + Math.floor((i % fine) / ratio)]!
  })
}

/** The picture with its blocks moved to where it shows, how many have moved, and how much of its saliency then shows. */
function transported(
  image: Image,
  saliency: Float64Array,
  shown: Float64Array,
  blocks: number,
  { xi, transportBlocks }: PuzzlemixParameters,
): { image: Image; count: number; kept: number } {
  const still = Int32Array.from(saliency, (_, block) => block)
  const target = transportBlocks === 0 ? still : planTransport(saliency, shown, blocks, xi)
  let count = 0
  let kept = 0
  for (let block = 0; block < target.length; block++) {
    if (target[block] !== block) count++
    kept += saliency[block]! * shown[target[block]!]!
  }
  return { image: count === 0 ? image : moveBlocks(image, target, blocks), count, kept }
}
