/**
 * Small pictures without libvips, whose pipeline takes ten times as long as their pixels: JPEG by libjpeg-turbo, PNG by lodepng,
 * both compiled to WebAssembly; the only door to them. What comes out is what libvips gives, bit by bit.
 */
import type { Image } from '../core/image.js'
import type { Format } from './format.js'
import { readJpegHeader } from './plain.js'
import type { Samples } from './samples.js'
import { encodeSmallJpeg } from './smallJpeg.js'

/** With more pixels libvips is as fast, and works in a thread of its own. */
const MOST_PIXELS = 10_000

/** A damaged picture leaves up to 70 kB behind in WebAssembly. */
const MOST_FAULTS = 1000
let faults = 0

type Decoder = (bytes: Uint8Array) => {
  readonly data: Uint8ClampedArray
  readonly width: number
  readonly height: number
}
const decoders = new Map<Format, Promise<Decoder | null>>()

/**
 * The samples of a small JPEG or PNG that `isPlain`; null for one that is larger, or of a rarer kind, or that has anything wrong with
 * it: what that is libvips has to say.
 */
export async function decodeSmall(format: Format, bytes: Uint8Array): Promise<Samples | null> {
  if (!isSmall(format, bytes) || faults >= MOST_FAULTS) return null
  if (!decoders.has(format)) decoders.set(format, load(format))
  const decode = await decoders.get(format)!
  if (decode === null) return null
  try {
    const { data, width, height } = decode(bytes)
    const rgba = new Uint8Array(data.buffer, data.byteOffset, data.length)
    return { data: rgba, width, height, bands: 4, colours: 3, alpha: 3, white: 255 }
  } catch {
    faults++
    return null
  }
}

/** The JPEG of a small picture as libvips would encode it, at once; null for a larger one. */
export function encodeSmall(image: Image, quality: number): Uint8Array | null {
  return image.width * image.height <= MOST_PIXELS ? encodeSmallJpeg(image, quality) : null
}

/** Null where a limit of address space leaves no room for WebAssembly: libvips gives the same. */
async function load(format: Format): Promise<Decoder | null> {
  try {
    return format === 'PNG' ? (await import('@cwasm/lodepng')).decode : (await import('@cwasm/jpeg-turbo')).decode
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

function isSmall(format: Format, bytes: Uint8Array): boolean {
  if (format === 'PNG') {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return bytes.length > 33 && view.getUint32(16) * view.getUint32(20) <= MOST_PIXELS
  }
  if (format !== 'JPEG') return false
  const header = readJpegHeader(bytes)
  // Baseline: of a progressive one that lacks its last scans releases of libjpeg-turbo make different pictures.
  if (header === undefined || header.kind > 1 || header.bits !== 8) return false
  return header.width * header.height <= MOST_PIXELS
}
