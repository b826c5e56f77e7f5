import path from 'node:path'
import { randomStream } from '../core/random.js'
import { type Pairing, pairEpoch } from '../dataset/pairing.js'
import type { Pair, Pairs } from '../dataset/pairList.js'

/** One output: what goes into it and where it is written. Its random stream is (seed, index), but for a replayed pair. */
export interface Job {
  readonly index: number
  /** Indices of the sources: sample and partner, or a single original. */
  readonly sources: readonly number[]
  /** Relative to the output folder, posix separators, without extension. */
  readonly name: string
  /** What an explicit pair fixes: labels, alpha, shift. */
  readonly pair?: Pair
}

/** Every output of a run, decided from manifest, options and seed alone. Eight bytes per output. */
export interface Plan {
  readonly length: number
  /** How many of them are mixes; originals come after. */
  readonly mixes: number
  job(index: number): Job
}

/** `images/00001/000012345`: ten thousand files per folder, numeric names only. */
function outputName(index: number): string {
  return `images/${String(Math.floor(index / 10_000)).padStart(5, '0')}/${String(index).padStart(9, '0')}`
}

/** `images/00003/000012345`: the same below the folder of a class index. */
export function inClassFolder(name: string, classIndex: number): string {
  return `images/${String(classIndex).padStart(5, '0')}/${path.posix.basename(name)}`
}

/** Streams of whole epochs lie beyond any output's index. */
const EPOCH_STREAMS = 2 ** 52

/**
 * `count` mixes of the sources with the given classes, epoch after epoch, then (with `originals`) each source as it is.
 */
export function planEpochs(
  classes: Int32Array,
  options: { count: number; pairing: Pairing; seed: number; originals: boolean },
): Plan {
  const { count, pairing, seed, originals } = options
  const samples = new Int32Array(count)
  const partners = new Int32Array(count)
  for (let done = 0, epoch = 0; done < count; done += classes.length, epoch++) {
    const pairs = pairEpoch(classes, pairing, randomStream(seed, EPOCH_STREAMS + epoch))
    samples.set(pairs.samples.subarray(0, count - done), done)
    partners.set(pairs.partners.subarray(0, count - done), done)
  }
  return {
    length: count + (originals ? classes.length : 0),
    mixes: count,
    job: (index) => ({
      index,
      sources: index < count ? [samples[index]!, partners[index]!] : [index - count],
      name: outputName(index),
    }),
  }
}

/** One mix for each explicit pair, in their order, then (with `originals`) each of `sources` sources as it is. */
export function planPairs(pairs: Pick<Pairs, 'length' | 'get'>, sources: number, originals: boolean): Plan {
  return {
    length: pairs.length + (originals ? sources : 0),
    mixes: pairs.length,
    job(index) {
      if (index >= pairs.length) return { index, sources: [index - pairs.length], name: outputName(index) }
      const pair = pairs.get(index)
      return {
        index,
        sources: [pair.a, pair.b],
        name: pair.name === undefined ? outputName(index) : `images/${pair.name}`,
        pair,
      }
    },
  }
}
