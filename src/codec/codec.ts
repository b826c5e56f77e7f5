/** Pixels to picture bytes, and to other sizes. */
import type { Sharp } from 'sharp'
import { AugmentError } from '../core/errors.js'
import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import { loadSharp } from './loadSharp.js'
import { type Kernel, LANCZOS3, resample, TRIANGLE } from './resample.js'
import { encodeSmall } from './smallPicture.js'

const MAX_JPEG_SIDE = 65_535

/** Loads sharp and tells the version of the libvips in it. Throws what loading throws on a machine it does not fit. */
export async function imageLibraries(): Promise<{ vips: string }> {
  const sharp = await loadSharp()
  return { vips: sharp.versions.vips }
}

async function toImage(picture: Sharp): Promise<Image> {
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

async function fromImage({ data, width, height }: Image): Promise<Sharp> {
  const sharp = await loadSharp()
  return sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
}

/**
 * Resizes to cover `width` x `height` and crops the centre (Lanczos 3). Returns `image` itself if it already has that
 * size.
 */
export async function resizeToCover(image: Image, width: number, height: number): Promise<Image> {
  const scale = Math.min(image.width / width, image.height / height)
  return resizeBox(image, scale * width, scale * height, width, height, LANCZOS3)
}

/**
 * Resizes to exactly `width` x `height`, whatever the aspect ratio, with the triangle filter that classifiers are trained
 * with. Returns `image` itself if it already has that size.
 */
export async function resize(image: Image, width: number, height: number): Promise<Image> {
  return resizeBox(image, image.width, image.height, width, height, TRIANGLE)
}

/** Above so many pixels, and so many times as large as the result, libvips first shrinks a picture in its own thread. */
const SHRINK = { pixels: 2 ** 20, scale: 4 }

/** The centred box of `boxWidth` x `boxHeight` pixels of `image`, resampled. */
async function resizeBox(
  image: Image,
  boxWidth: number,
  boxHeight: number,
  width: number,
  height: number,
  kernel: Kernel,
): Promise<Image> {
  if (image.width === width && image.height === height) return image
  const scale = Math.min(boxWidth / width, boxHeight / height)
  const large = image.width * image.height > SHRINK.pixels && scale > SHRINK.scale
  const source = large ? await shrinkBy(image, scale / 2) : image
  const box = { width: (boxWidth * source.width) / image.width, height: (boxHeight * source.height) / image.height }
  const left = (source.width - box.width) / 2
  const top = (source.height - box.height) / 2
  return resample(source, { left, top, ...box }, width, height, kernel)
}

async function shrinkBy(image: Image, factor: number): Promise<Image> {
  const picture = await fromImage(image)
  return toImage(picture.resize(Math.round(image.width / factor), Math.round(image.height / factor), { fit: 'fill' }))
}

/**
 * Encodes without metadata; the same pixels give the same bytes. JPEG: baseline, 4:4:4, `quality` 1 to 100. PNG:
 * lossless, `quality` is not used. Throws AugmentError `failed` for a JPEG above 65535 pixels per side.
 */
export async function encodeImage(image: Image, format: 'jpeg' | 'png', quality: number): Promise<Uint8Array> {
  if (format === 'jpeg' && Math.max(image.width, image.height) > MAX_JPEG_SIDE) {
    const message = `output: found ${image.width} x ${image.height} pixels, expected at most ${MAX_JPEG_SIDE} per side in JPEG`
    throw new AugmentError('failed', message, { hint: 'use --format png or a smaller --size' })
  }
  const small = format === 'jpeg' ? encodeSmall(image, quality) : null
  if (small !== null) return small
  const picture = await fromImage(image)
  return format === 'jpeg'
    ? picture.jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer()
    : picture.png({ compressionLevel: 6 }).toBuffer()
}

/** WebP without metadata, 4:2:0 at `quality` 1 to 100, or lossless; at most 16383 pixels per side. */
export async function encodeWebp(image: Image, quality: number | 'lossless'): Promise<Uint8Array> {
  const picture = await fromImage(image)
  const options = quality === 'lossless' ? { lossless: true } : { quality, smartSubsample: true }
  return picture.webp(options).toBuffer()
}

/** A non-negative plane as a 16-bit grey PNG, 65535 for its largest value. */
export async function encodeGrey16({ data, width, height }: Plane): Promise<Uint8Array> {
  const sharp = await loadSharp()
  const largest = data.reduce((most, value) => Math.max(most, value), 0)
  const levels = Uint16Array.from(data, (value) => (largest > 0 ? Math.round((65535 * value) / largest) : 0))
  const picture = sharp(levels, { raw: { width, height, channels: 1 }, limitInputPixels: false })
  return picture.toColourspace('grey16').png({ compressionLevel: 6 }).toBuffer()
}

/** A line of text in a picture: `x`, `y` in pixels, where its baseline begins, `size` the height of its letters' body. */
export interface Text {
  readonly x: number
  readonly y: number
  readonly size: number
  readonly bold?: boolean
  readonly text: string
}

/** The picture with black sans-serif text on it, in the machine's fonts; without any font the text is missing. */
export async function drawText(image: Image, texts: readonly Text[]): Promise<Image> {
  const lines = texts.map(({ x, y, size, bold = false, text }) => {
    const weight = bold ? 'bold' : 'normal'
    return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}">${escapeXml(text)}</text>`
  })
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${image.width}" height="${image.height}" font-family="sans-serif">`
  const picture = await fromImage(image)
  return toImage(picture.composite([{ input: Buffer.from(`${svg}${lines.join('')}</svg>`) }]).removeAlpha())
}

/** Text as XML takes it: markup escaped, characters that XML 1.0 does not know replaced. */
function escapeXml(text: string): string {
  const known = text.replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '\ufffd')
  return known.replace(/[<>&"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
