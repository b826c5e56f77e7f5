/** Batches for training and evaluation, made in memory of decoded pictures. */
import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import { dense, type Label, type SoftLabel } from '../core/softLabel.js'
import { groupSizeOf, type MethodName, mixWith } from '../mix/index.js'
import type { Exam, Lessons } from './loop.js'
import { streamFor } from './streams.js'
import type { Batch } from './trainer.js'
import { randomView, type ViewOptions } from './view.js'

/** Labelled pictures, all on the network's grid. */
export interface Pictures {
  readonly size: number
  picture(index: number): Promise<Image>
  label(index: number): Label
  readonly classes: number
}

export interface LessonOptions {
  readonly seed: number
  readonly view: ViewOptions
  /** How pictures of a batch are mixed; null leaves them as they are. */
  readonly mix: { readonly method: MethodName; readonly parameters: unknown } | null
  /** The saliency map of a view of picture `index`, for methods that need one. */
  readonly saliency: ((image: Image, index: number) => Promise<Plane>) | null
}

interface Labelled {
  readonly image: Image
  readonly label: SoftLabel
}

/** What picture `index` looks like this time. */
interface Seen extends Labelled {
  readonly index: number
}

/** The pictures as a network learns from them: each epoch other views, mixed with others of their batch. */
export function lessonsOf(pictures: Pictures, options: LessonOptions): Pick<Lessons, 'size' | 'batch'> {
  const { seed, mix } = options
  return {
    size: pictures.size,
    async batch(indices, epoch, first) {
      const place = (i: number) => epoch * pictures.size + first + i
      const views = await Promise.all(
        indices.map(async (index, i): Promise<Seen> => {
          const image = randomView(await pictures.picture(index), options.view, streamFor('views', seed, place(i)))
          return { index, image, label: dense(pictures.label(index), pictures.classes) }
        }),
      )
      const made = mix === null ? views : await mixed(views, pictures.classes, options, place)
      return batchOf(made, pictures.classes)
    },
  }
}

/** The pictures as they are. */
export function examOf(pictures: Pictures): Exam {
  return {
    size: pictures.size,
    async batch(indices) {
      const views = indices.map(async (index) => ({
        image: await pictures.picture(index),
        label: dense(pictures.label(index), pictures.classes),
      }))
      return batchOf(await Promise.all(views), pictures.classes)
    },
  }
}

/** Each picture mixed with the next one of its batch, or groups with each other. */
async function mixed(
  views: readonly Seen[],
  classes: number,
  { seed, mix, saliency }: LessonOptions,
  place: (i: number) => number,
): Promise<Labelled[]> {
  const { method, parameters } = mix!
  const maps = saliency && (await Promise.all(views.map(({ image, index }) => saliency(image, index))))
  const samples = views.map(({ image }, i) => ({ image, saliency: maps ? maps[i]! : null }))
  const step = groupSizeOf(method, parameters)
  const results: Labelled[] = []
  for (let first = 0; first < views.length; first += step) {
    const isGroup = step > 1 && first + 1 < views.length
    const members = isGroup
      ? Array.from({ length: Math.min(step, views.length - first) }, (_, i) => first + i)
      : [first, (first + 1) % views.length]
    const outputs = mixWith(
      method,
      members.map((i) => samples[i]!),
      parameters,
      streamFor('mixes', seed, place(first)),
    )
    for (const { image, weights, sources } of outputs.slice(0, isGroup ? members.length : 1)) {
      const given = (sources ?? members.map((_, i) => i)).map((i) => views[members[i]!]!.label)
      results.push({ image, label: blended(given, weights, classes) })
    }
  }
  return results
}

/** sum_i weights[i] labels[i]. */
function blended(labels: readonly SoftLabel[], weights: readonly number[], classes: number): SoftLabel {
  const label = new Float64Array(classes)
  labels.forEach((part, i) => {
    for (let k = 0; k < classes; k++) label[k]! += weights[i]! * part[k]!
  })
  return label
}

function batchOf(views: readonly Labelled[], classes: number): Batch {
  const pixels = views[0]!.image.data.length
  const batch = {
    count: views.length,
    pixels: new Uint8Array(views.length * pixels),
    target: new Float32Array(views.length * classes),
  }
  views.forEach(({ image, label }, i) => {
    batch.pixels.set(image.data, i * pixels)
    batch.target.set(label, i * classes)
  })
  return batch
}
