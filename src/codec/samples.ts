/** Decoded samples of any depth and number of bands, and what becomes of them as 8-bit RGB. */
import type { Image } from '../core/image.js'

/** Which values of 16-bit grey become black and white: all 65536, the picture's own, or these, in the file's units. */
export type GreyRange = 'full' | 'auto' | readonly [low: number, high: number]

/** Interleaved samples `[height, width, bands]`: `colours` (1 or 3) of them first, then what else there is. */
export interface Samples {
  readonly data: Uint8Array | Uint16Array
  readonly width: number
  readonly height: number
  readonly bands: number
  readonly colours: 1 | 3
  /** The band that says how opaque a pixel is, not multiplied into the colours; null where none does. */
  readonly alpha: number | null
  /** The value that is white, and opaque. */
  readonly white: number
  /** The file counts from white to black: what it holds is `white` minus each value here. */
  readonly fromWhite?: boolean
}

export interface Rgb {
  readonly image: Image
  /** Whether anything was transparent. */
  readonly transparent: boolean
  /**
   * Of grey with more than 8 bits, in the file's units: least and largest value where it is not transparent, and those that
   * become black and white (or white and black); and how many of the 256 grey levels lie between what the first come to.
   */
  readonly grey?: {
    readonly found: readonly [number, number]
    readonly mapped: readonly [number, number]
    readonly levels: number
  }
}

/** Over white where transparent; bands that are neither colour nor alpha are left out. */
export function toRgb(samples: Samples, range: GreyRange): Rgb {
  const { data, width, height, bands, colours, alpha, white } = samples
  if (data instanceof Uint8Array && bands === 3 && colours === 3) {
    // Never a Buffer, whatever decoded it: pictures of the same pixels are equal.
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length)
    return { image: { data: bytes, width, height }, transparent: false }
  }
  const inFile = ([low, high]: readonly [number, number]) =>
    samples.fromWhite ? ([white - high, white - low] as const) : ([low, high] as const)
  const extent = colours === 1 && white > 255 ? extentOf(samples) : null
  const mapped = extent === null ? null : mappedRange(range, inFile(extent), white)
  const levels = levelsOf(white, mapped && inFile(mapped))
  const opaque = levelsOf(white, null)
  const green = colours === 3 ? 1 : 0
  const blue = colours === 3 ? 2 : 0
  const rgb = new Uint8Array(width * height * 3)
  let transparent = false
  for (let from = 0, to = 0; to < rgb.length; from += bands, to += 3) {
    rgb[to] = levels[data[from]!]!
    rgb[to + 1] = levels[data[from + green]!]!
    rgb[to + 2] = levels[data[from + blue]!]!
    if (alpha === null) continue
    const cover = opaque[data[from + alpha]!]!
    if (cover === 255) continue
    transparent = true
    const rest = 255 * (255 - cover)
    for (let c = to; c < to + 3; c++) rgb[c] = (rgb[c]! * cover + rest) / 255
  }
  const image = { data: rgb, width, height }
  if (extent === null || mapped === null) return { image, transparent }
  const left = levels[extent[1]]! - levels[extent[0]]! + 1
  return { image, transparent, grey: { found: inFile(extent), mapped, levels: left } }
}

function extentOf({ data, bands, alpha }: Samples): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, 0]
  for (let i = 0; i < data.length; i += bands) {
    if (alpha !== null && data[i + alpha] === 0) continue
    const value = data[i]!
    if (value < low) low = value
    if (value > high) high = value
  }
  return low > high ? [0, 0] : [low, high]
}

/** A picture of one value has no range of its own. */
function mappedRange(range: GreyRange, found: readonly [number, number], white: number): readonly [number, number] {
  if (range === 'full' || (range === 'auto' && found[0] === found[1])) return [0, white]
  return range === 'auto' ? found : range
}

/** The level of 0 to 255 of every value; of all 16 bits the upper 8, as libvips takes them. */
function levelsOf(white: number, mapped: readonly [number, number] | null): Uint8Array {
  const [low, high] = mapped ?? [0, white]
  if (low === 0 && high === white && white === 65535) return UPPER_BITS
  if (low === 0 && high === white && white === 255) return SAME
  return Uint8ClampedArray.from(
    { length: white + 1 },
    (_, value) => ((value - low) * 255) / (high - low),
  ) as unknown as Uint8Array
}

const UPPER_BITS = Uint8Array.from({ length: 65536 }, (_, value) => value >> 8)

const SAME = Uint8Array.from({ length: 256 }, (_, value) => value)
