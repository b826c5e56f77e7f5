/** The pictures of a trial, decoded once and shared by all threads. */
import { createHash } from 'node:crypto'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import type { Image } from '../core/image.js'
import { shuffle } from '../core/random.js'
import { type Label, mainClass } from '../core/softLabel.js'
import type { Source } from '../dataset/manifest.js'
import { streamFor } from '../train/streams.js'
import type { TrainEvent } from './events.js'
import { greyRangeOf } from './greyRange.js'
import { openPictures, type School } from './school.js'
import type { Studied } from './trialMaps.js'
import type { TrialConfig } from './trialStudent.js'

/** Pictures of a class at least: one to learn from for each that is held out, and a pair. */
const LEAST_EACH = 4

/** Share of the free memory that the pictures may take. */
const ROOM = 1 / 2

export interface TrialPictures {
  /** Pictures to learn from; those of `--val` are not among them. */
  readonly studied: Studied
  /** uint8 [n, height, width, 3]: those to learn from, then those of `--val`. */
  readonly pixels: SharedArrayBuffer
  readonly labels: readonly Label[]
  /** SHA-256 of pixels and labels. */
  readonly sha256: string
}

/**
 * Decodes what is learnt from (`config.pictures` of it, if that is given) and what judges, onto a grid. What cannot be used is
 * left out, and told. Throws usage errors that name every class with too few pictures.
 */
export async function* readTrialPictures(
  images: string,
  config: TrialConfig,
  school: School,
  grid: { readonly width: number; readonly height: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<TrainEvent, TrialPictures> {
  const { root } = school.lessons
  const { classes } = school
  const sources = config.pictures === undefined ? school.lessons.sources : drawn(school.lessons.sources, config)
  const total = sources.length + school.exam.sources.length
  const bytesEach = 3 * grid.width * grid.height
  if (total * bytesEach > ROOM * process.availableMemory()) {
    const most = Math.floor((ROOM * process.availableMemory()) / bytesEach)
    throw new AugmentError('usage', `${images}: found ${total} pictures, expected at most ${most} in this memory`, {
      hint: '--pictures n learns from n of them, drawn by the seed',
    })
  }
  const pixels = new SharedArrayBuffer(total * bytesEach)
  const all = new Uint8Array(pixels)
  const labels: Label[] = []
  const hashes: string[] = []
  const range = await greyRangeOf(config, { root, sources })
  const reading = { maxPixels: config.maxPixels, range, jobs: config.jobs, signal }
  const usable: Source[] = []
  for (const part of [{ root, sources }, school.exam]) {
    const found = yield* openPictures(part, classes.length, grid, reading)
    hashes.push(found.sha256)
    for (let i = 0; i < found.size; i++) {
      all.set((await found.picture(i)).data, labels.length * bytesEach)
      labels.push(found.label(i))
      if (part !== school.exam) usable.push(found.source(i))
    }
  }
  refuseFew(images, usable, school)
  if (config.val !== undefined) yield* checkExam(config.val, labels.slice(usable.length), classes)
  const bytesOf = (i: number) => Buffer.from(all.subarray(i * bytesEach, (i + 1) * bytesEach)).toString('latin1')
  const learnt = new Set(usable.map((_, i) => bytesOf(i)))
  const seen = labels.filter((_, i) => i >= usable.length && learnt.has(bytesOf(i))).length
  if (seen > 0)
    yield {
      type: 'notice',
      message: `${counted(seen, 'picture')} of --val ${seen === 1 ? 'is' : 'are'} also learnt from`,
    }
  const image = (i: number): Image => ({ data: all.subarray(i * bytesEach, (i + 1) * bytesEach), ...grid })
  const sha256 = createHash('sha256')
    .update(JSON.stringify([hashes, labels]))
    .digest('hex')
  const studied: Studied = {
    ...{ root, given: root, classes, sources: usable, image, ...grid },
    ...{ out: '', pairs: null, replayed: null, told: '', ignored: 0, unread: null, notices: [], stamps: null },
  }
  return { studied, pixels, labels, sha256 }
}

/** So many of the sources, of each class its share, at least one. */
function drawn(sources: readonly Source[], { pictures, seed }: TrialConfig): Source[] {
  const members = new Map<number, number[]>()
  for (const [i, { label }] of sources.entries()) {
    const k = mainClass(label)
    members.set(k, [...(members.get(k) ?? []), i])
  }
  const order = [...members].flatMap(([k, own]) =>
    shuffle(streamFor('heldOut', seed, 2 ** 40 + k), own).map((i, rank) => ({ i, place: (rank + 0.5) / own.length })),
  )
  // Of each class the same share comes first.
  const chosen = order.toSorted((a, b) => a.place - b.place || a.i - b.i).slice(0, pictures)
  return chosen
    .map(({ i }) => i)
    .sort((a, b) => a - b)
    .map((i) => sources[i]!)
}

function refuseFew(images: string, sources: readonly Source[], { classes, exam }: School): void {
  const counts = new Int32Array(classes.length)
  for (const { label } of sources) counts[mainClass(label)]!++
  const least = exam.sources.length > 0 ? 2 : LEAST_EACH
  const few = [...counts.keys()].filter((k) => counts[k]! < least)
  if (few.length === 0) return
  const lines = few.map(
    (k) =>
      `${images}: found ${counted(counts[k]!, 'picture')} of ${classes[k]} that can be used, expected at least ${least} of every class`,
  )
  throw new AugmentError('usage', lines.join('\n'))
}

/** Names of missing classes that a message has room for. */
const NAMED = 5

/** Tells which classes the pictures of --val lack. Throws a usage error where they have one or none, and tell nothing apart. */
function* checkExam(val: string, exam: readonly Label[], classes: readonly string[]): Generator<TrainEvent, void> {
  const there = new Set(exam.map(mainClass))
  if (there.size < 2) {
    const found = `${counted(exam.length, 'picture')} of ${counted(there.size, 'class', 'classes')}`
    throw new AugmentError('usage', `${val}: found ${found}, expected at least 2 to tell apart`)
  }
  const missing = classes.filter((_, k) => !there.has(k))
  if (missing.length === 0) return
  const more = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : ''
  const names = `${missing.slice(0, NAMED).join(', ')}${more}`
  const count = counted(classes.length, 'class', 'classes')
  const message = `${val}: has pictures of ${there.size} of ${count}; how well ${names} are told is not judged`
  yield { type: 'notice', message }
}
