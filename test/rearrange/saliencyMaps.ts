import type { Random } from '../../src/core/random.js'

type MakeMap = (width: number, height: number, random: Random) => Float32Array

function map(width: number, height: number, value: (x: number, y: number) => number): Float32Array {
  return Float32Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width)))
}

/** Some soft spots on a faint ground. */
const spots: MakeMap = (width, height, random) => {
  const centres = Array.from({ length: 4 }, () => ({
    x: random.uniform() * width,
    y: random.uniform() * height,
    size: (0.05 + 0.15 * random.uniform()) * Math.max(width, height),
  }))
  return map(width, height, (x, y) =>
    centres.reduce((sum, c) => sum + Math.exp(-((x - c.x) ** 2 + (y - c.y) ** 2) / (2 * c.size ** 2)), 0.01),
  )
}

/** |gradient| of noise, 3 x 3 box blurred, under the spots: what an input gradient's saliency looks like. */
const speckled: MakeMap = (width, height, random) => {
  const ground = spots(width, height, random)
  const noise = map(width, height, () => random.uniform())
  const at = (x: number, y: number) =>
    noise[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))]!
  return map(width, height, (x, y) => {
    let sum = 0
    for (let i = -1; i <= 1; i++) for (let j = -1; j <= 1; j++) sum += Math.abs(at(x + i, y + j) - at(x + i + 1, y + j))
    return sum * ground[y * width + x]! ** 2
  })
}

/** Saliency maps of every kind, not normalised. */
export const REGULAR: Record<string, MakeMap> = {
  spots,
  speckled,
  noise: (width, height, random) => map(width, height, () => random.uniform()),
  heavyTailed: (width, height, random) => map(width, height, () => random.uniform() ** -2),
}

/** Maps on which a bound may be loose, or ties many. */
export const DEGENERATE: Record<string, MakeMap> = {
  zero: (width, height) => new Float32Array(width * height),
  constant: (width, height) => new Float32Array(width * height).fill(0.3),
  onePixel: (width, height, random) => {
    const pixels = new Float32Array(width * height)
    pixels[random.integer(0, pixels.length - 1)] = 1
    return pixels
  },
  sparse: (width, height, random) => map(width, height, () => (random.uniform() < 0.02 ? random.uniform() : 0)),
  binary: (width, height, random) => map(width, height, () => random.integer(0, 1)),
  threeLevels: (width, height, random) => map(width, height, () => random.integer(0, 2)),
  checkered: (width, height) => map(width, height, (x, y) => (x + y) % 2),
  striped: (width, height) => map(width, height, (x) => (x % 4 < 2 ? 1 : 0)),
  leftHalf: (width, height) => map(width, height, (x) => (2 * x < width ? 1 : 0)),
  hole: (width, height, random) => {
    const pixels = new Float32Array(width * height).fill(1)
    pixels[random.integer(0, pixels.length - 1)] = 0
    return pixels
  },
  disc: (width, height) =>
    map(width, height, (x, y) => (Math.hypot(x - 0.4 * width, y - 0.6 * height) < height / 8 ? 0 : 1)),
  spiked: (width, height, random) => {
    const pixels = map(width, height, () => random.uniform())
    pixels[random.integer(0, pixels.length - 1)] = 1e6
    return pixels
  },
  denormal: (width, height, random) => map(width, height, () => random.uniform() * 1e-40),
  nearlyConstant: (width, height, random) => map(width, height, () => 1 + 1e-3 * random.uniform()),
  faintGround: (width, height, random) => map(width, height, () => (random.uniform() < 0.05 ? 1 : 1e-6)),
}

/** `map` scaled to sum to `weight`; as it is where it sums to 0. */
export function weighted(pixels: Float32Array, weight: number): Float32Array {
  const sum = pixels.reduce((total, value) => total + value, 0)
  return sum > 0 ? pixels.map((value) => (weight * value) / sum) : pixels
}
