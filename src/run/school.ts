/** The pictures that a training learns from and is judged by. */
import { createHash } from 'node:crypto'
import { resize } from '../codec/codec.js'
import type { GreyRange } from '../codec/samples.js'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import type { Image } from '../core/image.js'
import { shuffle } from '../core/random.js'
import { type Label, mainClass, sparseLabel } from '../core/softLabel.js'
import { type Manifest, readManifest, type Source } from '../dataset/manifest.js'
import { cores } from '../threads/cores.js'
import type { Pictures } from '../train/lessons.js'
import { streamFor } from '../train/streams.js'
import type { TrainEvent } from './events.js'
import { type Notice, notice, noticesOf } from './notices.js'
import { openViews, SourceError } from './views.js'

/** Memory for decoded pictures on the network's grid, as a share of what is free; the rest is decoded again each epoch. */
const CACHE_SHARE = 1 / 4

/** Pictures decoded side by side. */
const CHUNK = 64

/** Pictures that can be used. */
export interface OpenedPictures extends Pictures {
  /** SHA-256 of which were used, and of their pixels on the grid. */
  readonly sha256: string
  source(index: number): Source
}

interface Part {
  readonly root: string
  readonly sources: readonly Source[]
}

export interface School {
  readonly classes: readonly string[]
  readonly lessons: Part
  /** Empty where nothing is held out. */
  readonly exam: Part
  /** What is to be known of what was read. */
  readonly notices: readonly Notice[]
}

export interface SchoolOptions {
  readonly labels?: string | undefined
  readonly classes?: string | undefined
  readonly split?: string | undefined
  readonly val?: string | undefined
  readonly valSplit?: string | undefined
  readonly holdOut: number
  readonly seed: number
}

/** Reads the labels and holds pictures out. Throws usage errors. */
export async function readSchool(images: string, options: SchoolOptions): Promise<School> {
  const { labels, classes, split, val, valSplit, holdOut, seed } = options
  const names = classes === undefined ? {} : { classes }
  const manifest = await readManifest(images, { ...names, split, ...(labels !== undefined && { labels }) })
  const { root } = manifest
  const notices = noticesOf(manifest)
  if (manifest.classes.length < 2) {
    const found = counted(manifest.classes.length, 'class', 'classes')
    throw new AugmentError('usage', `${images}: found ${found}, expected at least 2 to tell apart`)
  }
  if (val === undefined) {
    const { kept, held } = heldOut([...manifest.sources], manifest.classes.length, holdOut, seed)
    return { classes: manifest.classes, lessons: { root, sources: kept }, exam: { root, sources: held }, notices }
  }
  const other = await readManifest(val, { ...names, split: valSplit, forValidation: true })
  const sources = translated(other, manifest.classes, val, images)
  notices.push(...noticesOf(other).map(({ message, loss }) => notice(`--val: ${message}`, loss)))
  return {
    classes: manifest.classes,
    lessons: { root, sources: [...manifest.sources] },
    exam: { root: other.root, sources },
    notices,
  }
}

/** A share of the pictures of every class, drawn by the seed. */
function heldOut(sources: readonly Source[], classes: number, share: number, seed: number) {
  const isHeld = new Set<number>()
  for (let k = 0; k < classes; k++) {
    const members = sources.flatMap(({ label }, i) => (mainClass(label) === k ? [i] : []))
    shuffle(streamFor('heldOut', seed, k), members)
    for (const i of members.slice(0, Math.round(share * members.length))) isHeld.add(i)
  }
  return {
    kept: sources.filter((_, i) => !isHeld.has(i)),
    held: sources.filter((_, i) => isHeld.has(i)),
  }
}

/** The pictures of another folder with its classes found by name. Throws a usage error for a class that the first has not. */
function translated(other: Manifest, classes: readonly string[], place: string, images: string): Source[] {
  const index = other.classes.map((name) => classes.indexOf(name))
  const unknown = other.classes.filter((_, k) => index[k] === -1)
  if (unknown.length > 0)
    throw new AugmentError('usage', `${place}: found ${unknown.join(', ')}, expected only classes of ${images}`)
  return Array.from(other.sources, ({ file, label }) => {
    if (typeof label === 'number') return { file, label: index[label]! }
    const places = Array.from(label.classes, (k, i) => [index[k]!, label.weights[i]!] as const).sort(
      ([a], [b]) => a - b,
    )
    const [found, weights] = [places.map(([k]) => k), places.map(([, weight]) => weight)]
    return { file, label: sparseLabel(classes.length, found, weights) }
  })
}

/**
 * Decodes every picture once, which finds those that cannot be used: they are left out, and told. Pictures are squeezed onto
 * the grid, as everywhere a classifier sees them.
 */
export async function* openPictures(
  { root, sources }: Part,
  classes: number,
  grid: { readonly width: number; readonly height: number },
  options: {
    readonly maxPixels: number
    readonly range: GreyRange
    readonly jobs?: number | undefined
    readonly signal?: AbortSignal | undefined
  },
): AsyncGenerator<TrainEvent, OpenedPictures> {
  const { maxPixels, range, jobs = cores(), signal } = options
  const views = openViews(root, sources, { maxPixels, jobs, estimator: null, size: undefined, range })
  const room = Math.floor((CACHE_SHARE * process.availableMemory()) / (3 * grid.width * grid.height))
  const kept = new Map<number, Image>()
  const onGrid = async (source: number) => resize((await views.decoded(source)).image, grid.width, grid.height)
  const usable: number[] = []
  const hash = createHash('sha256')
  for (let first = 0; first < sources.length && !signal?.aborted; first += CHUNK) {
    const chunk = Array.from({ length: Math.min(CHUNK, sources.length - first) }, (_, i) => first + i)
    const found = await Promise.allSettled(chunk.map(onGrid))
    for (const [i, result] of found.entries()) {
      if (result.status === 'fulfilled') {
        if (kept.size < room) kept.set(first + i, result.value)
        usable.push(first + i)
        hash.update(`${first + i}\n`).update(result.value.data)
      } else if (result.reason instanceof SourceError) {
        yield notice(`left out: ${result.reason.message}`, true)
      } else throw result.reason
    }
  }
  const label = (index: number): Label => sources[usable[index]!]!.label
  return {
    size: usable.length,
    classes,
    sha256: hash.digest('hex'),
    label,
    source: (index) => sources[usable[index]!]!,
    picture: async (index) => kept.get(usable[index]!) ?? onGrid(usable[index]!),
  }
}
