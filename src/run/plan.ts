import path from 'node:path'
import { LRUCache } from 'lru-cache'
import { randomStream } from '../core/random.js'
import { parseSize } from '../core/size.js'
import { cutBlocks, type Pairing, type Pass, pairBlock, unlikePicker } from '../dataset/pairing.js'
import type { Pair, Pairs } from '../dataset/pairList.js'

/** One output: what goes into it and where it is written. Its random stream is (seed, index), but for a replayed pair. */
export interface Job {
  readonly index: number
  /** The pass over the pictures that it belongs to, from 0 on; originals are the last one. Explicit pairs have none. */
  readonly epoch?: number
  /** Indices of the sources: sample and partner, or a single original. */
  readonly sources: readonly number[]
  /** Relative to the output folder, posix separators, without extension. */
  readonly name: string
  /** What an explicit pair fixes: labels, alpha, shift. */
  readonly pair?: Pair
}

/** Every output of a run, decided from manifest, options and seed alone. Eight bytes per source, or per explicit pair. */
export interface Plan {
  readonly length: number
  /** How many of them are mixes; originals come after. */
  readonly mixes: number
  job(index: number): Job
  /** The mixes around one in which no picture is sample twice: a method of groups mixes only these together. */
  pass(index: number): { readonly start: number; readonly end: number }
}

/** `images/00001/000012345`: ten thousand files per folder, numeric names only. */
export function outputName(index: number): string {
  return `images/${String(Math.floor(index / 10_000)).padStart(5, '0')}/${String(index).padStart(9, '0')}`
}

/** `images/00003/000012345`: the same below the folder of a class index. */
export function inClassFolder(name: string, classIndex: number): string {
  return `images/${String(classIndex).padStart(5, '0')}/${path.posix.basename(name)}`
}

/** Random streams of the plan lie beyond any output's index: of the order, of each block, of each pass over a block. */
const [ORDER_STREAM, BLOCK_STREAMS, PASS_STREAMS] = [2 ** 50, 2 ** 51, 2 ** 52]

/** Pictures of a block, and what those of large canvases may take together, which fewer do. */
const [MOST, LEAST, BLOCK_BYTES] = [256, 32, 128 * 2 ** 20]

/** Three bytes of a picture and four of the finest map. */
const PIXEL_BYTES = 7

/**
 * Pictures whose epochs are made together: so few that they and their maps stay in memory (see openViews). By the canvas
 * alone, `224x224`, as everything that decides a plan must be the same wherever it is carried out.
 */
export function blockSize(canvas: string | undefined): number {
  if (canvas === undefined) return MOST
  const [width, height] = parseSize(canvas)
  return Math.max(LEAST, Math.min(MOST, Math.floor(BLOCK_BYTES / (PIXEL_BYTES * width * height))))
}

/**
 * `count` mixes of the sources with the given classes, then (with `originals`) each source as it is. The sources are shuffled and
 * cut into blocks of at most `block`; all epochs of a block come one after the other, then those of the next. An epoch that
 * `count` does not fill has the first blocks only.
 */
export function planEpochs(
  classes: Int32Array,
  options: { count: number; pairing: Pairing; seed: number; originals: boolean; block: number },
): Plan {
  const { count, pairing, seed, originals } = options
  const n = classes.length
  const { order, bounds } = cutBlocks(classes, pairing, options.block, randomStream(seed, ORDER_STREAM))
  const blocks = bounds.length - 1
  const [epochs, rest] = [Math.floor(count / n), count % n]
  let picker: ReturnType<typeof unlikePicker> | undefined
  const rules = {
    classes,
    pairing,
    unlike: (...which: Parameters<ReturnType<typeof unlikePicker>>) => {
      picker ??= unlikePicker(classes)
      return picker(...which)
    },
  }

  /** Index of the first output of a block. */
  const startOf = (block: number) => epochs * bounds[block]! + Math.min(rest, bounds[block]!)

  function blockOf(index: number): number {
    let [low, high] = [0, blocks - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (startOf(middle) <= index) low = middle
      else high = middle - 1
    }
    return low
  }

  /** Where an output stands: its block, its epoch, and the first output of both. */
  function placeOf(index: number) {
    const block = blockOf(index)
    const size = bounds[block + 1]! - bounds[block]!
    const first = startOf(block)
    const epoch = Math.floor((index - first) / size)
    return { block, epoch, start: first + epoch * size, end: Math.min(first + (epoch + 1) * size, startOf(block + 1)) }
  }

  const passes = new LRUCache<number, Pass>({
    max: 16,
    memoMethod: (number) => {
      const block = number % blocks
      return pairBlock(order.subarray(bounds[block], bounds[block + 1]), Math.floor(number / blocks), {
        ...rules,
        ofBlock: randomStream(seed, BLOCK_STREAMS + block),
        ofPass: randomStream(seed, PASS_STREAMS + number),
      })
    },
  })

  function mix(index: number): Job {
    const { block, epoch, start } = placeOf(index)
    const { samples, partners } = passes.memo(epoch * blocks + block)
    return { index, epoch, sources: [samples[index - start]!, partners[index - start]!], name: outputName(index) }
  }

  return {
    length: count + (originals ? n : 0),
    mixes: count,
    job: (index) =>
      index < count
        ? mix(index)
        : { index, epoch: Math.ceil(count / n), sources: [index - count], name: outputName(index) },
    pass: placeOf,
  }
}

/** One mix for each explicit pair, in their order, then (with `originals`) each of `sources` sources as it is. */
export function planPairs(pairs: Pick<Pairs, 'length' | 'get'>, sources: number, originals: boolean): Plan {
  return {
    length: pairs.length + (originals ? sources : 0),
    mixes: pairs.length,
    pass: () => ({ start: 0, end: pairs.length }),
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
