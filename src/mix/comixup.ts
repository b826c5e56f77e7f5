import type { Image } from '../core/image.js'
import { beta, type Random } from '../core/random.js'
import type { Sample } from '../core/sample.js'
import { blockEdges, blockSums, spreadBlocks } from './blocks.js'
import { type GroupMethod, type Mixed, saliencyOf } from './method.js'
import { uniformGrid } from './solvers/grid.js'
import { type JointProblem, minimiseJointly, type Output } from './solvers/jointLabels.js'

export interface ComixupParameters {
  readonly mixupAlpha: number
  readonly groupSize: number
  readonly blocks: number
  readonly beta: number
  readonly gamma: number
  readonly eta: number
  readonly tau: number
  readonly omega: number
}

/** Rounds over all outputs; they mostly settle earlier. */
const SWEEPS = 8

/**
 * Co-Mixup (Kim, Choo, Jeong & Song, ICLR 2021, arXiv 2102.03065): m pictures to m outputs at once, each block of each
 * output from one picture or two in halves, so that outputs keep what is salient (costs -s_i), have few seams (beta), do
 * not share pictures (gamma, beyond a use of tau by the others; the paper clips the sum over the pictures, we, as its
 * linearisation does, every picture), keep pictures together whose salient blocks lie apart (omega), and follow a prior
 * lambda = Dirichlet(a, ..., a) of the group (eta). The objective is written out in jointLabels; for n x n blocks its
 * weights are beta / n^2, gamma n^2 and eta / n^2, the scales of the paper's parameters. Output i begins with inputs i and
 * i + 1 but may end without them. `details`: blocks, objective of the group at the end.
 */
export const comixup: GroupMethod<ComixupParameters> = {
  parameters: {
    mixupAlpha: { default: 2, low: 0.001, high: 1000, description: 'a of the prior Dirichlet(a, ..., a)' },
    groupSize: { default: 20, low: 2, high: 100, whole: true, description: 'pictures mixed at once' },
    blocks: { default: 4, low: 1, high: 16, whole: true, description: 'blocks per side' },
    beta: { default: 0.32, low: 0, high: 1000, description: 'weight of the smoothness of the mask' },
    gamma: { default: 1, low: 0, high: 1000, description: 'weight of the diversity of the outputs' },
    eta: { default: 0.05, low: 0, high: 1000, description: 'weight of the prior' },
    tau: {
      default: 0.83,
      low: 0,
      high: 100,
      description: 'how much of a picture other outputs may use before it costs',
    },
    omega: { default: 0.001, low: 0, high: 1, description: 'weight of how well the pictures of a mix suit each other' },
  },
  needsSaliency: () => true,
  groupSize: ({ groupSize }) => groupSize,
  mixGroup(sources, parameters, random) {
    const { width, height } = sources[0]!.image
    if (sources.some(({ image }) => image.width !== width || image.height !== height)) {
      throw new RangeError(`comixup: expected all pictures of ${width} x ${height}`)
    }
    const blocks = Math.min(parameters.blocks, width, height)
    const shares = sources.map((source) => blockSums(saliencyOf(source), blocks, blocks))
    const problem = problemOf(shares, blocks, parameters, random)
    // Output i starts as a patchwork of inputs i and i + 1: used alike by all, and far from any output being one input.
    const outputs = sources.map((_, i) =>
      Uint16Array.from({ length: blocks * blocks }, () => {
        return ((i + random.integer(0, 1)) % sources.length) * (sources.length + 1)
      }),
    )
    const objective = minimiseJointly(problem, outputs, SWEEPS).at(-1)!
    return outputs.map((output) => compose(sources, shares, output, blocks, { blocks, objective }))
  },
}

/** `shares`: every source's saliency in each block. */
function problemOf(
  shares: readonly Float64Array[],
  blocks: number,
  { mixupAlpha, beta, gamma, eta, tau, omega }: ComixupParameters,
  random: Random,
): JointProblem {
  const cells = blocks * blocks
  const inputs = shares.length
  const prior = dirichlet(inputs, mixupAlpha, random).map((lambda) => (-eta / cells) * Math.log(lambda + 1e-8))
  return {
    inputs,
    grid: uniformGrid(blocks, blocks, beta / cells),
    costs: Float64Array.from({ length: cells * inputs }, (_, at) => {
      const input = at % inputs
      return prior[input]! - shares[input]![Math.floor(at / inputs)]!
    }),
    similarity: similarityOf(shares, blocks, omega),
    gamma: gamma * cells,
    tau,
    distinct: true,
  }
}

/** A variate of Dirichlet(a, ..., a): each part takes a Beta(a, a times the parts to come) of what is left. */
function dirichlet(parts: number, a: number, random: Random): Float64Array {
  let left = 1
  return Float64Array.from({ length: parts }, (_, i) => {
    const part = i === parts - 1 ? left : left * beta(random, a, a * (parts - 1 - i))
    left -= part
    return part
  })
}

/**
 * (1 - omega) I + omega A: A the distances between the inputs' most salient blocks (steps across plus down), scaled to sum
 * to their number. Outputs that overlap in inputs far apart pay, so such inputs come together in one output.
 */
function similarityOf(shares: readonly Float64Array[], blocks: number, omega: number): Float64Array {
  const peaks = shares.map((share) => share.indexOf(share.reduce((most, value) => Math.max(most, value))))
  const inputs = shares.length
  const distances = Float64Array.from({ length: inputs * inputs }, (_, at) => {
    const p = peaks[Math.floor(at / inputs)]!
    const q = peaks[at % inputs]!
    return Math.abs((p % blocks) - (q % blocks)) + Math.abs(Math.floor(p / blocks) - Math.floor(q / blocks))
  })
  const sum = distances.reduce((total, distance) => total + distance, 0)
  const scale = sum > 0 ? (omega * inputs) / sum : 0
  return distances.map((distance, at) => scale * distance + (at % (inputs + 1) === 0 ? 1 - omega : 0))
}

/** The picture of one output, its sources in falling order of the pixels they fill. */
function compose(
  sources: readonly Sample[],
  shares: readonly Float64Array[],
  output: Output,
  blocks: number,
  details: Mixed['details'],
): Mixed {
  const inputs = sources.length
  const { width, height } = sources[0]!.image
  const across = blockEdges(width, blocks)
  const down = blockEdges(height, blocks)
  const data = new Uint8Array(width * height * 3)
  const weights = new Float64Array(inputs)
  const kept = new Float64Array(inputs)
  output.forEach((label, cell) => {
    const a = Math.floor(label / inputs)
    const b = label % inputs
    const [column, row] = [cell % blocks, Math.floor(cell / blocks)]
    const span = across[column + 1]! - across[column]!
    weights[a]! += (span * (down[row + 1]! - down[row]!)) / 2
    weights[b]! += (span * (down[row + 1]! - down[row]!)) / 2
    kept[a]! += shares[a]![cell]! / 2
    kept[b]! += shares[b]![cell]! / 2
    for (let y = down[row]!; y < down[row + 1]!; y++) {
      fillHalf(data, sources[a]!.image, sources[b]!.image, (y * width + across[column]!) * 3, span * 3)
    }
  })
  const order = Array.from(weights.keys())
    .filter((i) => weights[i]! > 0)
    .sort((a, b) => weights[b]! - weights[a]! || a - b)
  const first = order[0]!
  const share = Float64Array.from(output, (label) => {
    return (Number(Math.floor(label / inputs) === first) + Number(label % inputs === first)) / 2
  })
  return {
    image: { data, width, height },
    sources: order,
    weights: order.map((i) => weights[i]! / (width * height)),
    kept: order.map((i) => kept[i]!),
    mask: spreadBlocks(share, blocks, blocks, width, height),
    details,
  }
}

/** Writes the mean of two pictures, rounded to nearest (halves up), over `length` bytes from `start`. */
function fillHalf(out: Uint8Array, a: Image, b: Image, start: number, length: number): void {
  for (let i = start; i < start + length; i++) out[i] = (a.data[i]! + b.data[i]! + 1) >> 1
}
