import type { Image } from '../../src/core/image.js'
import type { Plane } from '../../src/core/plane.js'
import { randomStream } from '../../src/core/random.js'
import type { Sample } from '../../src/core/sample.js'

/** Uniform noise, every byte equally likely. */
export function noise(width: number, height: number, seed: number): Image {
  const random = randomStream(seed, 0)
  return { data: Uint8Array.from({ length: width * height * 3 }, () => random.integer(0, 255)), width, height }
}

/** A saliency map with one smooth hill at (cx, cy), given in shares of its sides, on a little noise; sums to 1. */
export function hill(width: number, height: number, cx: number, cy: number, seed = 0): Plane {
  const random = randomStream(seed, 1)
  const data = new Float32Array(width * height)
  let sum = 0
  for (let i = 0; i < data.length; i++) {
    const x = ((i % width) + 0.5) / width - cx
    const y = (Math.floor(i / width) + 0.5) / height - cy
    data[i] = Math.exp(-20 * (x * x + y * y)) + 0.1 * random.uniform()
    sum += data[i]!
  }
  return { data: data.map((value) => value / sum), width, height }
}

/** A noise picture of width x height with a hill of saliency on a grid of gridWidth x gridHeight. */
export function sampleOf(width: number, height: number, gridWidth: number, gridHeight: number, seed: number): Sample {
  const random = randomStream(seed, 2)
  const saliency = hill(gridWidth, gridHeight, random.uniform(), random.uniform(), seed)
  return { image: noise(width, height, seed), saliency }
}
