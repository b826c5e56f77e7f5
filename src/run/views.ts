import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import { resizeToCover } from '../codec/codec.js'
import { decodePicture } from '../codec/decode.js'
import type { GreyRange } from '../codec/samples.js'
import { AugmentError } from '../core/errors.js'
import type { Image } from '../core/image.js'
import type { Sample } from '../core/sample.js'
import { parseSize } from '../core/size.js'
import { hintFor, reasonOf } from '../core/systemError.js'
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

/** A source on a pair's canvas, ready to be mixed. */
export interface View extends Sample {
  readonly sha256: string
  readonly reading: Reading
  /** True where no gradient reached the picture and its saliency map is uniform. */
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
  /** The canvas of what the source is the sample of: `size` (`224x128`), or as large as the source where there is none. */
  canvasOf(source: number): Promise<[width: number, height: number]>
  /** The source, resized to cover width x height and centre-cropped, with its saliency map where there is an estimator. */
  view(source: number, width: number, height: number): Promise<View>
  /** Bytes of the largest picture met so far; 0 before the first. */
  readonly largest: number
  /** What has been found since the last call that may spoil all pictures, one sentence each. */
  warnings(): string[]
}

/** Room for decoded pictures and their maps; what does not fit is decoded again when needed. */
const CACHE_BYTES = 192 * 2 ** 20

/** And as many of them, since a partner is at most a few classes away on the ring: small pictures need no more room. */
const CACHE_ENTRIES = 2048

/** Decodes each source, and computes its saliency, once for as long as neighbouring jobs need it. */
export function openViews(
  root: string,
  files: readonly { readonly file: string }[],
  options: {
    maxPixels: number
    jobs: number
    estimator: Estimator | null
    size: string | undefined
    range: GreyRange
    /** Throws where the file of a source, as it is after reading, must not be used. */
    check?: (source: number, now: Stats, sha256: string) => void
  },
): Views {
  const { maxPixels, jobs, estimator, size, range, check } = options
  const warnings = new ReadingWarnings()
  const limit = pLimit(jobs + 2)
  let largest = 0

  async function decode(source: number): Promise<Decoded> {
    const { file } = files[source]!
    try {
      const { bytes, stats } = await read(path.join(root, file))
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      check?.(source, stats, sha256)
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

  async function look(source: number, width: number, height: number): Promise<View> {
    const { image: whole, sha256, reading } = await decoded(source)
    const image = await resizeToCover(whole, width, height)
    const estimate = estimator === null ? null : await estimator.estimate(source, image)
    return { image, sha256, reading, saliency: estimate?.saliency ?? null, uniform: estimate?.uniform ?? false }
  }

  const decodings = cache<Decoded>(
    (key) => limit(decode, Number(key)),
    ({ image }) => image.data.length,
  )
  const views = cache<View>(
    (key) => look(...(key.split(' ').map(Number) as [number, number, number])),
    ({ image, saliency }) => image.data.length + (saliency?.data.byteLength ?? 0),
  )
  const decoded = async (source: number) => (await decodings.fetch(String(source)))!
  return {
    decoded,
    async canvasOf(source) {
      if (size !== undefined) return parseSize(size)
      const { image } = await decoded(source)
      return [image.width, image.height]
    },
    view: async (source, width, height) => (await views.fetch(`${source} ${width} ${height}`))!,
    get largest() {
      return largest
    },
    warnings: () => warnings.take(),
  }
}

/** The bytes of a file, and what it was after they had been read. */
async function read(file: string): Promise<{ bytes: Buffer; stats: Stats }> {
  const handle = await open(file)
  try {
    return { bytes: await handle.readFile(), stats: await handle.stat() }
  } catch (error) {
    throw placed(error, file)
  } finally {
    await handle.close()
  }
}

function cache<V extends object>(make: (key: string) => Promise<V>, size: (value: V) => number) {
  return new LRUCache<string, V>({
    max: CACHE_ENTRIES,
    maxSize: CACHE_BYTES / 2,
    sizeCalculation: (value) => Math.max(1, size(value)),
    fetchMethod: make,
    // An entry pushed out while it is being made still serves those who wait for it.
    ignoreFetchAbort: true,
    allowStaleOnFetchAbort: true,
  })
}
