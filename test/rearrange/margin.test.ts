import { expect, test } from 'vitest'
import { randomStream } from '../../src/core/random.js'
import {
  type ExponentialSum,
  FOUR_TERMS,
  multiples,
  THREE_TERMS,
  TWO_TERMS,
} from '../../src/rearrange/exponentialSum.js'
import type { Kernel } from '../../src/rearrange/kernel.js'
import { Pair } from '../../src/rearrange/pair.js'
import { PlainKernel } from '../../src/rearrange/plainKernel.js'
import { simdKernel } from '../../src/rearrange/simdKernel.js'
import { gain } from '../../src/rearrange/totalSaliency.js'
import { DEGENERATE, REGULAR, weighted } from './saliencyMaps.js'

const simd = simdKernel()
const plain = new PlainKernel()

/** The bound of exponentialSum.ts, pixel by pixel in float64. */
function direct(a: Float32Array, b: Float32Array, width: number, height: number, sigma: number, sum: ExponentialSum) {
  const damped = (map: Float32Array, rate: number) =>
    Float64Array.from(map, (value) => value * Math.exp((-rate * value) / sigma))
  const rates = multiples(sum).map((multiple) => multiple * sum.rate)
  const products = rates.map((rate, k) => ({ a: damped(a, rate), b: damped(b, rate), weight: sum.terms[k]!.weight }))
  return (dx: number, dy: number): number => {
    let kept = 0
    let overlap = 0
    for (let y = Math.max(0, dy); y < Math.min(height, height + dy); y++) {
      for (let x = Math.max(0, dx); x < Math.min(width, width + dx); x++) {
        const p = y * width + x
        const q = (y - dy) * width + x - dx
        kept += b[q]!
        for (const term of products) overlap += term.weight * term.a[p]! * term.b[q]!
      }
    }
    return kept - (2 / sigma) * overlap
  }
}

/** The greatest error of a kernel's bounds over some of all shifts, as a fraction of the margin it states. */
function usedMargin(
  kernel: Kernel,
  sum: ExponentialSum,
  width: number,
  height: number,
  maps: Float32Array[],
  scale = 1,
) {
  const [a, b] = maps as [Float32Array, Float32Array]
  const pair = new Pair()
  pair.measure(a, b, width, height)
  const sigma = (scale * (pair.a.squares + pair.b.squares)) / (pair.a.total + pair.b.total)
  for (const map of [pair.a, pair.b]) Object.assign(map, { left: 0, right: width, top: 0, bottom: height })
  kernel.load(pair)
  const margin = kernel.bound({ fromX: 1 - width, toX: width - 1, fromY: 1 - height, toY: height - 1 }, sigma)
  const bound = direct(a, b, width, height, sigma, sum)
  const count = kernel.collect(-3e38)
  expect(count).toBe((2 * width - 1) * (2 * height - 1))
  let error = 0
  for (let i = 0; i < count; i += Math.ceil(count / 400)) {
    const index = kernel.candidate(i)
    const [dx, dy] = [kernel.shiftX(index), kernel.shiftY(index)]
    error = Math.max(error, Math.abs(kernel.boundOf(index) - bound(dx, dy)))
    expect(gain(a, b, width, height, dx, dy)).toBeLessThanOrEqual(kernel.boundOf(index) + margin)
  }
  return error / margin
}

test.each([
  ['SIMD', simd, THREE_TERMS, 24, 19],
  ['SIMD', simd, FOUR_TERMS, 128, 80],
  ['plain', plain, TWO_TERMS, 24, 19],
  ['plain', plain, THREE_TERMS, 64, 40],
] as const)('%s bounds are within their margin of the formula in float64', (_, kernel, sum, width, height) => {
  const random = randomStream(6, width)
  const { zero: _zero, denormal: _denormal, ...degenerate } = DEGENERATE
  const makers = Object.entries({ ...REGULAR, ...degenerate })
  let most = 0
  for (const [i, [name, make]] of makers.entries()) {
    const other = makers[(i + 3) % makers.length]![1]
    const maps = [weighted(make(width, height, random), 0.4), weighted(other(width, height, random), 0.6)]
    for (const scale of width > 64 ? [1] : [0.03, 1, 30]) {
      const used = usedMargin(kernel, sum, width, height, maps, scale)
      expect(used, `${name}, sigma x ${scale}`).toBeLessThan(1)
      most = Math.max(most, used)
    }
  }
  // Nor is the margin needlessly wide.
  expect(most).toBeGreaterThan(1e-3)
})
