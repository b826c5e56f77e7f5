import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus'

/** A stream of random numbers that depends on nothing but the seed and the index it was made from. */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number
  /** Uniform integer in [low, high], both included. */
  integer(low: number, high: number): number
}

/** Finaliser of MurmurHash3: every bit of the 32-bit input reaches every bit of the output. */
function scramble(x: number): number {
  let h = x | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/**
 * Stream number `index` of `seed` (integers, 0 to 2^53 - 1). The 128-bit state is a bijection of (seed, index) modulo
 * 2^64 each, so two different pairs never share a stream.
 */
export function randomStream(seed: number, index: number): Random {
  const words = [seed, seed / 2 ** 32, index, index / 2 ** 32].map(Math.floor)
  // Each word is hashed with all before it, so neighbouring seeds and indices start far apart.
  let previous = 0x9e3779b9
  const state = words.map((word) => {
    previous = scramble(word ^ previous)
    return previous
  })
  const generator = xoroshiro128plusFromState(state as [number, number, number, number])
  for (let i = 0; i < 8; i++) generator.next()
  return {
    uniform: () => uniformFloat64(generator),
    integer: (low, high) => uniformInt(generator, low, high),
  }
}

/** A standard normal variate (Marsaglia's polar method). */
export function normal(random: Random): number {
  for (;;) {
    const u = 2 * random.uniform() - 1
    const v = 2 * random.uniform() - 1
    const s = u * u + v * v
    if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s)
  }
}

/**
 * log of a Gamma(shape, 1) variate, shape > 0 (Marsaglia & Tsang 2000). Below 1 it is Gamma(shape + 1) U^(1/shape), kept
 * as a logarithm because U^(1/shape) underflows for small shapes.
 */
function logGamma(random: Random, shape: number): number {
  if (shape < 1) return logGamma(random, shape + 1) + Math.log(1 - random.uniform()) / shape
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal(random)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d * v)
  }
}

/** A Beta(a, b) variate in [0, 1], a, b > 0. */
export function beta(random: Random, a: number, b: number): number {
  const x = logGamma(random, a)
  const y = logGamma(random, b)
  return 1 / (1 + Math.exp(y - x))
}

/** Shuffles in place (Fisher-Yates, uniform over all orders). */
export function shuffle<T extends { length: number; [i: number]: unknown }>(random: Random, items: T): T {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.integer(0, i)
    const kept = items[i]
    items[i] = items[j]
    items[j] = kept
  }
  return items
}
