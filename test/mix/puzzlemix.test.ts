import { expect, test } from 'vitest'
import { assign } from '../../src/core/assignment.js'
import type { Image } from '../../src/core/image.js'
import { randomStream } from '../../src/core/random.js'
import { blockEdges, blockSums } from '../../src/mix/blocks.js'
import { cutmix } from '../../src/mix/cutmix.js'
import { puzzleProblem } from '../../src/mix/puzzleMask.js'
import { type PuzzlemixParameters, puzzlemix } from '../../src/mix/puzzlemix.js'
import { orderedEnergy, orderedLabels } from '../../src/mix/solvers/orderedLabels.js'
import { moveBlocks, planTransport } from '../../src/mix/transport.js'
import { noise, sampleOf } from './pictures.js'

const weights = { beta: 1.2, gamma: 0.5, eta: 0.2 }
const parameters: PuzzlemixParameters = {
  ...weights,
  mixupAlpha: 1,
  blocks: 4,
  steps: 2,
  xi: 0.8,
  transportBlocks: 8,
}

/** Mean of channel c over the pixels of [x0, x1) x [y0, y1). */
function meanOver({ data, width }: Image, c: number, x0: number, x1: number, y0: number, y1: number): number {
  let sum = 0
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) sum += data[(y * width + x) * 3 + c]!
  return sum / ((x1 - x0) * (y1 - y0))
}

/** The objective as the paper has it, for a mask of 0 and 1, straight from the pictures. */
function objective(
  pictures: readonly [Image, Image],
  shares: readonly [Float64Array, Float64Array],
  blocks: number,
  lambda: number,
  shows: ArrayLike<number>,
) {
  const { width, height } = pictures[0]
  const across = blockEdges(width, blocks)
  const down = blockEdges(height, blocks)
  const smooth = weights.beta / (16 * blocks)
  const seam = (first: Image, second: Image, i: number, vertical: boolean) => {
    const [column, row] = [i % blocks, Math.floor(i / blocks)]
    const [x0, x1, y0, y1] = [across[column]!, across[column + 1]!, down[row]!, down[row + 1]!]
    let sum = 0
    for (let c = 0; c < 3; c++) {
      if (vertical) {
        const [before, after] = [Math.max(x0, x1 - 4), Math.min(x1 + 4, across[column + 2]!)]
        for (let y = y0; y < y1; y++)
          sum +=
            Math.abs(meanOver(first, c, before, x1, y, y + 1) - meanOver(second, c, x1, after, y, y + 1)) / (y1 - y0)
      } else {
        const [before, after] = [Math.max(y0, y1 - 4), Math.min(y1 + 4, down[row + 2]!)]
        for (let x = x0; x < x1; x++)
          sum +=
            Math.abs(meanOver(first, c, x, x + 1, before, y1) - meanOver(second, c, x, x + 1, y1, after)) / (x1 - x0)
      }
    }
    return sum / 3 / 255
  }
  const picture = (i: number) => pictures[shows[i]! === 1 ? 0 : 1]
  let value = 0
  for (let i = 0; i < blocks * blocks; i++) {
    value -= shares[shows[i]! === 1 ? 0 : 1][i]!
    value -= (weights.eta / blocks ** 2) * Math.log(shows[i]! === 1 ? lambda : 1 - lambda)
    const neighbours: [number, boolean][] = []
    if (i % blocks < blocks - 1) neighbours.push([i + 1, true])
    if (i + blocks < blocks * blocks) neighbours.push([i + blocks, false])
    for (const [j, vertical] of neighbours) {
      value += smooth * (shows[i]! - shows[j]!) ** 2
      value += smooth * weights.gamma * seam(picture(i), picture(j), i, vertical)
    }
  }
  return value
}

function problemOf(width: number, height: number, blocks: number, steps: number, seed: number) {
  const sources = [sampleOf(width, height, 20, 30, seed), sampleOf(width, height, 20, 30, seed + 50)] as const
  const pictures = [sources[0].image, sources[1].image] as const
  const shares = [
    blockSums(sources[0].saliency!, blocks, blocks),
    blockSums(sources[1].saliency!, blocks, blocks),
  ] as const
  const lambda = randomStream(seed, 5).uniform()
  return { sources, pictures, shares, lambda, ...puzzleProblem(pictures, shares, blocks, steps, lambda, weights) }
}

test("the mask's energy is the paper's objective, up to a constant, on a picture that is not square", () => {
  const random = randomStream(3, 0)
  for (const seed of [1, 2, 3]) {
    const { pictures, shares, lambda, costs, grid } = problemOf(37, 53, 3, 1, seed)
    const constant =
      orderedEnergy(costs, grid, 1, new Uint8Array(9)) - objective(pictures, shares, 3, lambda, new Uint8Array(9))
    for (let i = 0; i < 20; i++) {
      const labels = Uint8Array.from({ length: 9 }, () => random.integer(0, 1))
      const difference = orderedEnergy(costs, grid, 1, labels) - objective(pictures, shares, 3, lambda, labels)
      expect(difference).toBeCloseTo(constant, 9)
    }
  }
})

test("the mask's energy is never above that of CutMix's mask on the same pair", () => {
  for (let seed = 0; seed < 40; seed++) {
    const [width, height] = seed % 2 ? [64, 64] : [96, 40]
    const blocks = [2, 4, 8, 16][seed % 4]!
    const { sources, costs, grid } = problemOf(width, height, blocks, 2, seed)
    const { mask } = cutmix.mix(sources, { mixupAlpha: 1 }, randomStream(seed, 1))
    const shares = blockSums(mask, blocks, blocks)
    // CutMix's mask on the blocks: the level nearest to its mean over each.
    const labels = shares.map((sum) => Math.round((2 * sum * blocks * blocks) / (width * height)))
    const best = orderedEnergy(costs, grid, 2, orderedLabels(costs, grid, 2))
    expect(best).toBeLessThanOrEqual(orderedEnergy(costs, grid, 2, labels) + 1e-12)
  }
})

test('transport keeps at least as much saliency on show as it costs, and moves nothing that does not show', () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = randomStream(seed, 0)
    const saliency = Float64Array.from({ length: 16 }, () => random.uniform() / 8)
    const shown = Float64Array.from({ length: 16 }, () => random.integer(0, 2) / 2)
    const gain = (target: ArrayLike<number>) => saliency.reduce((sum, s, i) => sum + s * shown[target[i]!]!, 0)
    const still = Int32Array.from({ length: 16 }, (_, i) => i)
    const target = planTransport(saliency, shown, 4, 0.1)
    const length = target.reduce(
      (sum, to, from) => sum + ((to % 4) - (from % 4)) ** 2 + (Math.floor(to / 4) - Math.floor(from / 4)) ** 2,
      0,
    )
    expect(gain(target) - (0.1 * length) / 9).toBeGreaterThanOrEqual(gain(still) - 1e-12)
    expect(planTransport(saliency, shown, 4, 1e6)).toEqual(still)
    expect(planTransport(saliency, new Float64Array(16), 4, 0.1)).toEqual(still)
  }
})

test('transport is the best of all orders, also where it pays to look beyond the nearest places', () => {
  // Saliency of 0 or 0.01 and a cost at which a step of `reach` just does not pay: the first search proves too little.
  for (let instance = 0; instance < 120; instance++) {
    const random = randomStream(instance, 0)
    const [blocks, reach] = [2 + (instance % 5), 1 + (instance % 3)]
    const cells = blocks * blocks
    const [salient, open] = [random.uniform(), random.uniform()]
    const saliency = Float64Array.from({ length: cells }, () => (random.uniform() < salient ? 0.01 : 0))
    const shown = Float64Array.from({ length: cells }, () => (random.uniform() < open ? 1 : 0))
    const unit = instance % 7 === 0 ? 0 : 0.01 / (0.999 * reach ** 2)
    const costs = Float64Array.from({ length: cells * cells }, (_, at) => {
      const [from, to] = [Math.floor(at / cells), at % cells]
      const [across, down] = [(to % blocks) - (from % blocks), Math.floor(to / blocks) - Math.floor(from / blocks)]
      return unit * (across ** 2 + down ** 2) - saliency[from]! * shown[to]!
    })
    const price = (target: Int32Array) => target.reduce((sum, to, from) => sum + costs[from * cells + to]!, 0)
    const target = planTransport(saliency, shown, blocks, unit * (blocks - 1) ** 2)
    const all = Int32Array.from({ length: cells * cells }, (_, at) => at % cells)
    const starts = Int32Array.from({ length: cells + 1 }, (_, row) => row * cells)
    expect(price(target)).toBeCloseTo(price(assign({ starts, columns: all, costs }).columnOf), 12)
  }
})

test('moved blocks are the pixels of their sources, also where blocks differ by a pixel', () => {
  const image = noise(7, 10, 1)
  const target = Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 0)
  const { data } = moveBlocks(image, target, 3)
  // Columns are cut at 0 2 4 7, rows at 0 3 6 10. Block 1 (columns 2 3) goes to block 2 (columns 4 5 6).
  const pixel = (pixels: Uint8Array, x: number, y: number) => [...pixels.subarray((y * 7 + x) * 3, (y * 7 + x) * 3 + 3)]
  for (let y = 0; y < 3; y++) {
    expect(pixel(data, 4, y)).toEqual(pixel(image.data, 2, y))
    expect(pixel(data, 5, y)).toEqual(pixel(image.data, 3, y))
    expect(pixel(data, 6, y)).toEqual(pixel(image.data, 3, y))
  }
  // Block 8 (columns 4 5 6, rows 6 to 9) goes to block 0 (columns 0 1, rows 0 to 2).
  expect(pixel(data, 1, 2)).toEqual(pixel(image.data, 5, 8))
  expect(
    moveBlocks(
      image,
      Int32Array.from({ length: 9 }, (_, i) => i),
      3,
    ).data,
  ).toEqual(image.data)
})

test('transport does not change the mask, and a picture that moves nothing keeps its pixels', () => {
  const sources = [sampleOf(53, 37, 16, 12, 3), sampleOf(53, 37, 16, 12, 4)]
  const moving = puzzlemix.mix(sources, { ...parameters, xi: 0.05 }, randomStream(3, 0))
  const still = puzzlemix.mix(sources, { ...parameters, xi: 1e6 }, randomStream(3, 0))
  const none = puzzlemix.mix(sources, { ...parameters, transportBlocks: 0 }, randomStream(3, 0))
  expect((moving.details.moved as number[])[0]! + (moving.details.moved as number[])[1]!).toBeGreaterThan(0)
  expect(still.details.moved).toEqual([0, 0])
  expect(moving.mask).toEqual(still.mask)
  expect(still.image).toEqual(none.image)
})

test("the mask's mean follows the ratio aimed at when the prior is strong", () => {
  const sources = [sampleOf(32, 32, 32, 32, 3), sampleOf(32, 32, 32, 32, 4)]
  for (let index = 0; index < 10; index++) {
    const { weights, details } = puzzlemix.mix(sources, { ...parameters, steps: 8, eta: 1000 }, randomStream(3, index))
    expect(Math.abs(weights[0]! - (details.lambda as number))).toBeLessThan(1 / 8)
  }
})
