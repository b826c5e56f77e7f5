import { encodeWebp, resizeToCover } from '../codec/codec.js'
import type { Image } from '../core/image.js'

/** Longest side of a thumbnail, in pixels. */
const LONGEST = 144

/** Pictures up to this side are shown pixel by pixel. */
const SMALL = 64

const QUALITY = 75

/** A picture small enough for a page, and its place on it. */
export interface Thumbnail {
  /** A data: URI. */
  readonly uri: string
  readonly width: number
  readonly height: number
  /** Whether it holds the very pixels of the picture. */
  readonly exact: boolean
}

/** The picture, shrunk where it is larger than a thumbnail. */
export function shrink(image: Image): Promise<Image> {
  const scale = Math.min(1, LONGEST / Math.max(image.width, image.height))
  const side = (length: number) => Math.max(1, Math.round(scale * length))
  return resizeToCover(image, side(image.width), side(image.height))
}

/** A shrunken picture as WebP: lossless where it is small, as lossy chroma would blur it away. */
export async function thumbnail(image: Image): Promise<Thumbnail> {
  const { width, height } = image
  const exact = Math.max(width, height) <= SMALL
  const bytes = await encodeWebp(image, exact ? 'lossless' : QUALITY)
  return { uri: `data:image/webp;base64,${Buffer.from(bytes).toString('base64')}`, width, height, exact }
}
