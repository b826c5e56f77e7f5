/** What the student of a trial is shown, step by step: originals and mixes, as from the folder of `augment --include-originals`. */
import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import { shuffle } from '../core/random.js'
import { type Label, mainClass, mixLabels } from '../core/softLabel.js'
import { cutBlocks, type Pairing, type Pass, pairBlock, unlikePicker } from '../dataset/pairing.js'
import { groupSizeOf, type MethodName, mixWith } from '../mix/index.js'
import { streamFor } from './streams.js'
import type { Batch } from './trainer.js'
import { randomView, type ViewOptions } from './view.js'

/** Pictures to learn from, all of one size. */
export interface Lessons {
  readonly size: number
  picture(index: number): Image
  label(index: number): Label
  readonly classes: number
}

/** How mixes are made; null leaves the samples unmixed. */
interface MixOptions {
  readonly method: MethodName
  readonly parameters: unknown
  readonly pairing: Pairing
  /** The saliency map of picture `index`, for methods that need one. */
  readonly map: ((index: number) => Plane) | null
}

export interface CourseOptions {
  readonly seed: number
  readonly view: ViewOptions
  /** Share of every batch that is mixed, 0 to 1. */
  readonly share: number
  readonly mix: MixOptions | null
}

interface Shown {
  readonly image: Image
  readonly label: Float64Array
}

/**
 * Step `step` of `size` pictures: round(share size) mixes, the rest originals; each kind comes epoch after epoch in an order of
 * its own, so that every picture is original and sample equally often. A view (crop, mirror, colours) is taken of each of them, as
 * a trainer does of what it reads. Orders, pairs and views are those of the seed, whatever is mixed and how.
 */
export function courseOf(lessons: Lessons, options: CourseOptions): (step: number, size: number) => Batch {
  const { seed, share } = options
  const mixOf = mixes(lessons, options)
  const orders = remembered((epoch) =>
    shuffle(
      streamFor('order', seed, epoch),
      Array.from({ length: lessons.size }, (_, i) => i),
    ),
  )
  const original = (k: number): Shown => {
    const index = orders(Math.floor(k / lessons.size))[k % lessons.size]!
    return { image: lessons.picture(index), label: mixLabels([lessons.label(index)], [1], lessons.classes) }
  }
  return (step, size) => {
    const mixed = Math.round(share * size)
    const shown = Array.from({ length: size }, (_, i) =>
      i < mixed ? mixOf(step * mixed + i) : original(step * (size - mixed) + i - mixed),
    )
    const viewed = shown.map(({ image, label }, i) => ({
      image: randomView(image, options.view, streamFor('views', seed, step * size + i)),
      label,
    }))
    return batchOf(viewed, lessons.classes)
  }
}

/** Mix number j of the course; groups are made when the first of them is asked for. */
function mixes(lessons: Lessons, { seed, mix }: CourseOptions): (j: number) => Shown {
  const { size } = lessons
  const passes = passesOf(lessons, mix?.pairing ?? 'any', seed)
  const sourcesOf = (j: number, side: keyof Pass) => passes(Math.floor(j / size))[side][j % size]!
  if (mix === null) {
    return (j) => {
      const sample = sourcesOf(j, 'samples')
      return { image: lessons.picture(sample), label: mixLabels([lessons.label(sample)], [1], lessons.classes) }
    }
  }
  const { method, parameters, map } = mix
  const made = (indices: readonly number[], j: number): Shown[] => {
    const samples = indices.map((i) => ({ image: lessons.picture(i), saliency: map === null ? null : map(i) }))
    return mixWith(method, samples, parameters, streamFor('mixes', seed, j)).map(({ image, weights, sources }) => {
      const given = (sources ?? indices.map((_, i) => i)).map((i) => lessons.label(indices[i]!))
      return { image, label: mixLabels(given, weights, lessons.classes) }
    })
  }
  const pair = (j: number) => made([sourcesOf(j, 'samples'), sourcesOf(j, 'partners')], j)
  const most = groupSizeOf(method, parameters)
  if (most === 1) return (j) => pair(j)[0]!
  // Groups end with the epoch, so that no picture is in one twice; a last one alone is mixed with its partner.
  const groups = remembered((first) => {
    const end = Math.min(first + most, (Math.floor(first / size) + 1) * size)
    if (end - first === 1) return pair(first)
    return made(
      Array.from({ length: end - first }, (_, i) => sourcesOf(first + i, 'samples')),
      first,
    )
  })
  return (j) => {
    const place = (j % size) % most
    return groups(j - place)[place]!
  }
}

/** Who is mixed with whom in an epoch: all are one block, dealt anew each time. */
function passesOf({ size, label }: Lessons, pairing: Pairing, seed: number): (epoch: number) => Pass {
  const classes = Int32Array.from({ length: size }, (_, i) => mainClass(label(i)))
  const unlike = unlikePicker(classes)
  return remembered((epoch) => {
    const [ofOrder, ofBlock, ofPass] = [0, 1, 2].map((i) => streamFor('pairs', seed, 3 * epoch + i))
    const { order } = cutBlocks(classes, pairing, Math.max(4, size), ofOrder!)
    return pairBlock(order, 0, { classes, pairing, ofBlock: ofBlock!, ofPass: ofPass!, unlike })
  })
}

/** What `make` gives, kept for the last few numbers. */
function remembered<T>(make: (n: number) => T): (n: number) => T {
  const kept = new Map<number, T>()
  return (n) => {
    const known = kept.get(n)
    if (known !== undefined) return known
    const value = make(n)
    kept.set(n, value)
    if (kept.size > 3) kept.delete(kept.keys().next().value!)
    return value
  }
}

function batchOf(shown: readonly Shown[], classes: number): Batch {
  const bytes = shown[0]!.image.data.length
  const pixels = new Uint8Array(shown.length * bytes)
  const target = new Float32Array(shown.length * classes)
  shown.forEach(({ image, label }, i) => {
    pixels.set(image.data, i * bytes)
    target.set(label, i * classes)
  })
  return { count: shown.length, pixels, target }
}
