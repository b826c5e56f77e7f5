/** Picture bytes to pixels. */
import type { Metadata, OutputInfo, Sharp, SharpOptions } from 'sharp'
import { AugmentError } from '../core/errors.js'
import type { Image } from '../core/image.js'
import { decodeBmp } from './bmp.js'
import { describeBytes, EXPECTED_FORMATS, type Format, sniffFormat } from './format.js'
import { loadSharp } from './loadSharp.js'
import { decodeNetpbm } from './netpbm.js'
import { isPlain } from './plain.js'
import { strangeColours, undecodable } from './reason.js'
import { type GreyRange, type Samples, toRgb } from './samples.js'
import { decodeSmall } from './smallPicture.js'
import { onePlane } from './tiffPlane.js'
import { readTiffTags, type TiffTags } from './tiffTags.js'

/** The most pixels a picture may have unless the user says otherwise, about 16384 x 16384: a guard against bombs. */
export const DEFAULT_MAX_PIXELS = 0x3fff ** 2

const JPEG_END = Uint8Array.of(0xff, 0xd9)

/** More bands than a picture with colours has. */
const MOST_BANDS = 32

/** With so many of the 256 grey levels or fewer a picture is nearly black, or nearly one grey: 14 bits stored in 16. */
const NARROW_LEVELS = 64

/** What decoding did that plain loaders do not do; only what applies is there. */
interface Reading {
  /** Turned or mirrored by its EXIF orientation. */
  readonly turned?: true
  /** Brought to sRGB from another colour profile, or from CMYK. */
  readonly profile?: true
  /** Put over white where it is transparent. */
  readonly alpha?: true
  /** More than 8 bits brought to 8. */
  readonly depth?: true
  /** Bands left out that are neither colour nor alpha. */
  readonly bands?: number
  /** Of grey with more than 8 bits, the least and the largest value. */
  readonly values?: readonly [number, number]
  /** Those values that became 0 and 255, unless they are 0 and the largest possible. */
  readonly range?: readonly [number, number]
  /** Levels of 0 to 255 that are left between the least and the largest value, where they are few. */
  readonly levels?: number
}

export interface Decoded {
  readonly image: Image
  readonly reading: Reading
}

export interface DecodeOptions {
  readonly maxPixels: number
  /** Of 16-bit grey; full by default. */
  readonly range?: GreyRange
}

/**
 * Decodes a picture of a format that is read, of a GIF the first frame, to 8-bit sRGB, upright by its EXIF orientation and over
 * white where transparent. `name` is the place in messages. Throws AugmentError `failed` for anything else:
 * damaged or truncated bytes, float samples, bands without a meaning, more than `maxPixels` pixels.
 */
export async function decodePicture(bytes: Uint8Array, name: string, options: DecodeOptions): Promise<Decoded> {
  const place = name.replace(/\p{Cc}/gu, '\ufffd')
  const format = sniffFormat(bytes)
  if (format === undefined) {
    throw new AugmentError('failed', `${place}: found ${describeBytes(bytes)}, expected ${EXPECTED_FORMATS}`)
  }
  const { maxPixels, range = 'full' } = options
  const checkSize = (width: number, height: number) => refuseLarge(place, width, height, maxPixels)
  if (format === 'BMP') return decodedOf(await decodeBmp(bytes, place, checkSize), range, {})
  if (format === 'PNM') return decodedOf(decodeNetpbm(bytes, place, checkSize), range, {})
  const small = isPlain(format, bytes) ? await decodeSmall(format, bytes) : null
  if (small !== null && small.width * small.height <= maxPixels) return decodedOf(small, range, {})
  return decodeBySharp(bytes, place, format, maxPixels, range)
}

/** Least and largest value of 16-bit grey; null for any other picture. */
export async function greyExtent(
  bytes: Uint8Array,
  name: string,
  { maxPixels }: { maxPixels: number },
): Promise<readonly [number, number] | null> {
  if (sniffFormat(bytes) !== 'PNM') {
    const sharp = await loadSharp()
    const { space } = await sharp(bytes, { limitInputPixels: maxPixels }).metadata()
    if (space !== 'grey16') return null
  }
  return (await decodePicture(bytes, name, { maxPixels })).reading.values ?? null
}

/** The pixels alone. */
export async function decodeImage(bytes: Uint8Array, name: string, options: DecodeOptions): Promise<Image> {
  return (await decodePicture(bytes, name, options)).image
}

function refuseLarge(place: string, width: number, height: number, maxPixels: number): void {
  if (width * height <= maxPixels) return
  const message = `${place}: found ${width} x ${height} pixels, expected at most ${maxPixels}`
  throw new AugmentError('failed', message, { hint: 'raise --max-pixels if the picture is meant to be that big' })
}

async function decodeBySharp(
  bytes: Uint8Array,
  place: string,
  format: Format,
  maxPixels: number,
  range: GreyRange,
): Promise<Decoded> {
  const sharp = await loadSharp()
  const tags = format === 'TIFF' ? readTiffTags(bytes) : undefined
  if (tags !== undefined) refuseBands(tags, place)
  // 'error' refuses truncated pictures but takes complete ones with, say, stray bytes before a marker.
  const input: SharpOptions = { failOn: 'error', limitInputPixels: maxPixels, limitInputChannels: MOST_BANDS }
  try {
    const facts = isPlain(format, bytes) ? PLAIN : await sharp(bytes, input).metadata()
    if (format === 'TIFF') refuseSamples(facts, tags, place)
    const extra = tags?.extraSamples ?? null
    const decoded = (samples: Samples) =>
      decodedOf({ ...samples, fromWhite: tags?.photometric === 0 }, range, readingOf(facts))
    if (tags?.planar && isGrey(tags)) {
      const plane = (index: number, alpha: boolean) =>
        readSamples(sharp(onePlane(bytes, index, alpha), input), facts, [])
      return decoded(await joinPlanes(plane, tags.extraSamples))
    }
    const samples = await readSamples(sharp(bytes, input), facts, extra).catch((cause) => {
      if (format !== 'JPEG' || (bytes.at(-2) === 0xff && bytes.at(-1) === 0xd9)) throw cause
      // Only the end marker may be missing: given one, libjpeg has nothing to warn of unless pixels are missing too.
      const ended = sharp(Buffer.concat([bytes, JPEG_END]), { ...input, failOn: 'warning' })
      return readSamples(ended, facts, extra).catch(() => Promise.reject(cause))
    })
    return decoded(samples)
  } catch (cause) {
    if (cause instanceof AugmentError) throw cause
    if (String(cause).includes('exceeds pixel limit')) {
      const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata()
      refuseLarge(place, width, height, maxPixels)
    }
    // libvips' own reason is left out: its threads share one text, which may be another picture's.
    const reason = undecodable(format, bytes, tags) ?? `found a damaged or truncated ${format}, expected a complete one`
    throw new AugmentError('failed', `${place}: ${reason}`, { cause })
  }
}

/** Values of TIFF's ExtraSamples; libvips divides associated alpha out of the colours itself. */
const [ASSOCIATED, UNASSOCIATED] = [1, 2]

/** TIFF's old and new JPEG. */
const JPEG_COMPRESSIONS = [6, 7]

function isAlpha(kind: number): boolean {
  return kind === ASSOCIATED || kind === UNASSOCIATED
}

function isGrey({ photometric }: TiffTags): boolean {
  return photometric <= 1
}

/** Bands that stay without a meaning: a grey TIFF with several that its header does not name is no picture. */
function refuseBands(tags: TiffTags, place: string): void {
  const { samplesPerPixel, extraSamples, photometric, compression } = tags
  // libvips takes these for RGB as they are; only within JPEG are they brought to RGB.
  if (photometric === 6 && !JPEG_COMPRESSIONS.includes(compression)) {
    const message = `${place}: found YCbCr outside of JPEG compression, expected RGB`
    throw new AugmentError('failed', message, { hint: 'write the picture as an RGB TIFF or a PNG' })
  }
  const associated = extraSamples.find(isAlpha) === ASSOCIATED
  if (associated && (tags.photometric === 0 || (tags.photometric === 5 && tags.bitsPerSample === 16))) {
    const found = tags.photometric === 0 ? 'grey whose 0 is white' : '16-bit CMYK'
    const message = `${place}: found ${found} with associated alpha, expected unassociated alpha or none`
    throw new AugmentError('failed', message)
  }
  const unnamed = extraSamples.filter((kind) => !isAlpha(kind)).length
  if (samplesPerPixel <= MOST_BANDS && !(isGrey(tags) && unnamed > 1)) return
  const message = `${place}: found ${samplesPerPixel} bands, expected grey or RGB, with alpha or not`
  throw new AugmentError('failed', message, { hint: 'save the bands you want to see as an RGB or grey picture' })
}

/** What libvips calls samples with a sign or more bits, in words. */
const SAMPLES: Readonly<Record<string, string>> = { char: 'signed 8 bit', short: 'signed 16 bit', uint: '32 bit' }

/** Floats and signed samples have no agreed white, so they cannot be brought to 8 bits. */
function refuseSamples({ depth }: Facts, tags: TiffTags | undefined, place: string): void {
  if (depth === 'uchar' || depth === 'ushort') return
  const otherwise = `found TIFF samples of type ${SAMPLES[`${depth}`] ?? depth}, expected unsigned ones of 8 or 16 bit`
  throw new AugmentError('failed', `${place}: ${(tags && strangeColours(tags)) ?? otherwise}`)
}

/** What has to be known of a picture before it is decoded. */
type Facts = Pick<Metadata, 'space' | 'depth' | 'orientation' | 'icc'>

const PLAIN: Facts = { space: 'srgb', depth: 'uchar' }

/**
 * Upright samples in 8-bit sRGB, or 16-bit grey as it is; sharp takes the colour space from the embedded profile.
 * `named` says what the bands after the colours are; null where a format has none but alpha.
 */
async function readSamples(picture: Sharp, { space, depth }: Facts, named: readonly number[] | null): Promise<Samples> {
  if (space === 'grey16') {
    const { data, info } = await deepSamples(picture.autoOrient().toColourspace('grey16'))
    return samplesOf(data, info, 1, named, 65535)
  }
  const alpha = named === null ? -1 : named.findIndex(isAlpha)
  // The 16 bits of the alpha of CMYK would be cut off at 255.
  const cut = space === 'cmyk' && depth === 'ushort' && alpha >= 0
  const inks = cut
    ? await deepSamples(picture.clone().autoOrient().pipelineColourspace('cmyk').toColourspace('cmyk'))
    : null
  // sharp brings 16-bit RGB with a profile to Display P3 and leaves it there; at 8 bits it ends in sRGB.
  const upright = space === 'rgb16' ? picture.autoOrient().pipelineColourspace('srgb') : picture.autoOrient()
  const { data, info } = await upright.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
  const samples = samplesOf(data, info, 3, named, 255)
  if (inks === null) return samples
  for (let i = 0; i < data.length / info.channels; i++) {
    data[i * info.channels + 3 + alpha] = inks.data[i * inks.info.channels + 4 + alpha]! >> 8
  }
  return samples
}

async function deepSamples(picture: Sharp): Promise<{ data: Uint16Array; info: OutputInfo }> {
  const { data, info } = await picture.raw({ depth: 'ushort' }).toBuffer({ resolveWithObject: true })
  return { data: new Uint16Array(data.buffer, data.byteOffset, data.length / 2), info }
}

function samplesOf(
  data: Uint8Array | Uint16Array,
  { width, height, channels: bands }: OutputInfo,
  colours: 1 | 3,
  named: readonly number[] | null,
  white: number,
): Samples {
  const extra = named ?? [UNASSOCIATED].slice(0, bands - colours)
  if (bands !== colours + extra.length) throw new RangeError(`${bands} bands, ${extra.length} of them extra`)
  const alpha = extra.findIndex(isAlpha)
  return { data, width, height, bands, colours, alpha: alpha < 0 ? null : colours + alpha, white }
}

/** Grey in one plane with its alpha, if any, in another; `extra` says what the planes after the first are. */
async function joinPlanes(
  plane: (index: number, alpha: boolean) => Promise<Samples>,
  extra: readonly number[],
): Promise<Samples> {
  const grey = await plane(0, false)
  const alpha = extra.findIndex(isAlpha)
  const cover = alpha < 0 ? null : await plane(1 + alpha, true)
  const { bands: step, white, width, height } = grey
  const bands = 1 + extra.length
  const data = new (white > 255 ? Uint16Array : Uint8Array)(width * height * bands)
  for (let i = 0; i < width * height; i++) {
    const value = grey.data[i * step]!
    const opacity = cover === null ? white : cover.data[i * step]!
    data[i * bands] = extra[alpha] === ASSOCIATED && opacity > 0 ? Math.min(white, (value * white) / opacity) : value
    if (cover !== null) data[i * bands + 1 + alpha] = opacity
  }
  return { data, width, height, bands, colours: 1, alpha: cover && 1 + alpha, white }
}

function readingOf({ orientation = 1, depth, space, icc }: Facts): Reading {
  // sharp takes 16-bit grey as it is, whatever its profile.
  const profile = space !== 'grey16' && ((icc !== undefined && !isSrgb(icc)) || space === 'cmyk' || space === 'labs')
  return {
    ...(orientation > 1 && { turned: true }),
    ...(profile && { profile: true }),
    ...(depth === 'ushort' && { depth: true }),
  }
}

/** Whether a profile calls itself sRGB, in ASCII (version 2) or UTF-16 (version 4). */
function isSrgb(profile: Buffer): boolean {
  return profile.includes('sRGB') || profile.includes(Buffer.from('sRGB', 'utf16le').swap16())
}

function decodedOf(samples: Samples, range: GreyRange, reading: Reading): Decoded {
  const { image, transparent, grey } = toRgb(samples, range)
  const { bands, colours, alpha, white } = samples
  const dropped = bands - colours - (alpha === null ? 0 : 1)
  const extras = { ...(transparent && { alpha: true as const }), ...(dropped > 0 && { bands: dropped }) }
  if (grey === undefined) return { image, reading: { ...reading, ...extras } }
  const { found, mapped, levels } = grey
  const whole = mapped[0] === 0 && mapped[1] === white
  const narrow = found[0] < found[1] && levels <= NARROW_LEVELS
  const facts = { depth: true as const, values: found, ...(!whole && { range: mapped }), ...(narrow && { levels }) }
  return { image, reading: { ...reading, ...extras, ...facts } }
}
