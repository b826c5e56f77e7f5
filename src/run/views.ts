import { createHash } from 'node:crypto'
import path from 'node:path'
import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import { resizeToCover } from '../codec/codec.js'
import { decodePicture } from '../codec/decode.js'
import type { GreyRange } from '../codec/samples.js'
import { type PictureBytes, readPicture } from '../containers/pictureFile.js'
import { AugmentError } from '../core/errors.js'
import type { Image } from '../core/image.js'
import { centre, flat, normalised, type Plane } from '../core/plane.js'
import type { Sample } from '../core/sample.js'
import { parseSize } from '../core/size.js'
import { hintFor, reasonOf } from '../core/systemError.js'
import type { Sources } from '../dataset/source.js'
import type { Facts } from '../objects/reading.js'
import { placed } from '../output/atomic.js'
import type { Reading } from '../output/rows.js'
import type { Estimator } from './estimator.js'
import { ReadingWarnings } from './readings.js'

/** A source picture as decoded, and the hash of its file. */
interface Decoded {
  readonly image: Image
  readonly sha256: string
  readonly reading: Reading
}

/** A saliency map, and whether it is uniform because no gradient reached what it shows. */
interface Explained {
  readonly saliency: Plane
  readonly uniform: boolean
}

/** A source on a pair's canvas, ready to be mixed. */
export interface View extends Sample, Omit<Decoded, 'image'> {
  readonly uniform: boolean
}

/** A source that cannot be used: what is wrong with it, as a user reads it. */
export class SourceError extends Error {
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

export interface Views {
  decoded(source: number): Promise<Decoded>
  /** The source on the canvas that it has as a sample. */
  own(source: number): Promise<Decoded>
  /** The canvas of what the source is the sample of: `size` (`224x128`), or as large as the source where there is none. */
  canvasOf(source: number): Promise<[width: number, height: number]>
  /**
   * The source, resized to cover width x height and centre-cropped, with its saliency map where there is an estimator. A source
   * is explained once, on the canvas that it has as a sample; on another its map is cropped as it is.
   */
  view(source: number, width: number, height: number): Promise<View>
  /** Bytes of the largest picture met so far; 0 before the first. */
  readonly largest: number
  /** What has been found since the last call that may spoil all pictures, one sentence each. */
  warnings(): string[]
}

/** Bytes of pictures and of maps that are kept; what does not fit is made again when needed. */
const [PICTURE_BYTES, MAP_BYTES] = [160 * 2 ** 20, 64 * 2 ** 20]

/** And as many: more than one block (see plan). */
const MOST_KEPT = 1024

/** Decodes each source, and explains it, once for as long as its block needs it. */
export function openViews(
  root: string,
  files: Sources<{ readonly file: string }>,
  options: {
    maxPixels: number
    jobs: number
    estimator: Estimator | null
    size: string | undefined
    range: GreyRange
    /** SHA-256 of pictures that were mixed before, by source: another one is told. */
    hashes?: ReadonlyMap<number, string> | undefined
    /** Throws where the file of a source, as it is after reading, must not be used. */
    check?: (source: number, now: Facts, sha256: string) => void
  },
): Views {
  const { maxPixels, jobs, estimator, size, range, hashes, check } = options
  const warnings = new ReadingWarnings()
  const limit = pLimit(jobs + 2)
  let largest = 0

  async function decode(source: number): Promise<Decoded> {
    const { file } = files.at(source)!
    try {
      const { bytes, stats } = await read(path.join(root, file), file)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      check?.(source, stats, sha256)
      if (hashes?.get(source) !== undefined && hashes.get(source) !== sha256) warnings.addOther(file)
      const { image, reading } = await decodePicture(bytes, file, { maxPixels, range })
      largest = Math.max(largest, image.data.length)
      warnings.add(file, reading)
      return { image, sha256, reading }
    } catch (error) {
      if (error instanceof AugmentError && error.code === 'failed') throw new SourceError(error.message, error.hint)
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'ENOENT') throw new SourceError(`${file}: not there any more, expected a picture`)
      if (code === 'EACCES' || code === 'EISDIR') {
        throw new SourceError(`${file}: ${reasonOf(error)}, expected a readable picture`, hintFor(error).hint)
      }
      throw error
    }
  }

  const decodings = cache<Decoded>(
    (source) => limit(decode, source),
    // Only a run without a size mixes them as they are.
    { bytes: ({ image }) => image.data.length, room: size === undefined ? PICTURE_BYTES : PICTURE_BYTES / 8 },
  )
  const decoded = async (source: number) => (await decodings.fetch(source))!

  async function onCanvas(source: number, width: number, height: number): Promise<Decoded> {
    const whole = await decoded(source)
    return { ...whole, image: await resizeToCover(whole.image, width, height) }
  }

  const canvases = cache<Decoded>((source) => onCanvas(source, ...parseSize(size!)), {
    bytes: ({ image }) => image.data.length,
    room: (PICTURE_BYTES * 7) / 8,
  })
  const own = async (source: number) => (size === undefined ? decoded(source) : (await canvases.fetch(source))!)

  const maps = cache<Explained>(async (source) => estimator!.estimate(source, (await own(source)).image), {
    bytes: ({ saliency }) => saliency.data.byteLength,
    room: MAP_BYTES,
  })

  async function view(source: number, width: number, height: number): Promise<View> {
    const mine = await own(source)
    const { image: whole } = mine
    const isOwn = whole.width === width && whole.height === height
    const picture = isOwn ? mine : await onCanvas(source, width, height)
    if (estimator === null) return { ...picture, saliency: null, uniform: false }
    const map = (await maps.fetch(source))!
    return { ...picture, ...(isOwn ? map : cropped(map, whole, { width, height })) }
  }

  return {
    decoded,
    own,
    async canvasOf(source) {
      if (size !== undefined) return parseSize(size)
      const { image } = await decoded(source)
      return [image.width, image.height]
    },
    view,
    get largest() {
      return largest
    },
    warnings: () => warnings.take(),
  }
}

async function read(path: string, name: string): Promise<PictureBytes> {
  try {
    return await readPicture(path, name)
  } catch (error) {
    throw error instanceof AugmentError ? error : placed(error, path)
  }
}

function cache<V extends object>(
  make: (source: number) => Promise<V>,
  { bytes, room }: { readonly bytes: (value: V) => number; readonly room: number },
) {
  return new LRUCache<number, V>({
    max: MOST_KEPT,
    maxSize: room,
    sizeCalculation: (value) => Math.max(1, bytes(value)),
    fetchMethod: make,
    // An entry pushed out while it is being made still serves those who wait for it.
    ignoreFetchAbort: true,
    allowStaleOnFetchAbort: true,
  })
}

interface Rectangle {
  readonly width: number
  readonly height: number
}

/** The map of what is left of a picture on a canvas, on the same grid. */
function cropped({ saliency, uniform }: Explained, picture: Rectangle, canvas: Rectangle): Explained {
  const scale = Math.min(picture.width / canvas.width, picture.height / canvas.height)
  const share = (side: keyof Rectangle) => Math.min(1, (scale * canvas[side]) / picture[side])
  const map = normalised(centre(saliency, share('width'), share('height')))
  return { saliency: map ?? flat(saliency), uniform: uniform || map === null }
}
