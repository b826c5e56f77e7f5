/** Why a picture whose bytes may be sound cannot be decoded here, by its own header. */
import type { Format } from './format.js'
import { readJpegHeader } from './plain.js'
import type { TiffTags } from './tiffTags.js'

const COMPRESSIONS: Readonly<Record<number, string>> = {
  6: 'old-style JPEG',
  32766: 'NeXT',
  32809: 'ThunderScan',
  34661: 'JBIG',
  34676: 'SGI LogLuv',
  34677: 'SGI LogLuv',
  33003: 'JPEG 2000',
  33005: 'JPEG 2000',
  34712: 'JPEG 2000',
  34713: 'Nikon NEF',
  34887: 'LERC',
  34892: 'lossy JPEG of a DNG',
  34925: 'LZMA',
  34926: 'zstd',
  50000: 'zstd',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
}

/** None, CCITT, LZW, JPEG, Deflate, PackBits, WebP: what the libtiff of sharp decodes. */
const DECODED = [1, 2, 3, 4, 5, 7, 8, 32771, 32773, 32946, 50001]

const COLOUR_SPACES: Readonly<Record<number, string>> = {
  4: 'a mask',
  8: 'CIELAB',
  9: 'ICCLAB',
  10: 'ITULAB',
  32803: 'raw data of a camera',
  32844: 'LogL',
  32845: 'LogLuv',
  34892: 'raw data of a camera',
}

/** "found ..., expected ...", or undefined where the header promises a picture that can be decoded. */
export function undecodable(format: Format, bytes: Uint8Array, tags: TiffTags | undefined): string | undefined {
  if (format === 'JPEG') return undecodableJpeg(bytes)
  if (tags === undefined) return undefined
  const { compression, bitsPerSample, planar, tiled } = tags
  if (!DECODED.includes(compression)) {
    const name = COMPRESSIONS[compression] ?? `number ${compression}`
    return `found a TIFF with compression ${name}, expected none, LZW, Deflate, PackBits, JPEG, CCITT or WebP`
  }
  const strange = strangeColours(tags)
  if (strange !== undefined) return strange
  if (planar && tiled) return 'found a TIFF of tiles in separate planes, expected strips or interleaved bands'
  if ([1, 2, 4, 8, 16].includes(bitsPerSample)) return undefined
  return `found a TIFF of ${bitsPerSample} bits per sample, expected 1, 2, 4, 8 or 16`
}

/** Of a TIFF whose colours are no pixels to be seen: "found ..., expected ...". */
export function strangeColours({ photometric }: TiffTags): string | undefined {
  const space = COLOUR_SPACES[photometric]
  return space && `found a TIFF of ${space}, expected grey, RGB, palette or CMYK`
}

const JPEG_KINDS: Readonly<Record<number, string>> = {
  3: 'lossless',
  5: 'hierarchical',
  6: 'hierarchical',
  7: 'hierarchical',
  9: 'arithmetic-coded',
  10: 'arithmetic-coded',
  11: 'lossless',
  13: 'hierarchical',
  14: 'hierarchical',
  15: 'hierarchical',
  55: 'near-lossless (JPEG-LS)',
}

function undecodableJpeg(bytes: Uint8Array): string | undefined {
  const frame = readJpegHeader(bytes)
  if (frame === undefined) return undefined
  const name = JPEG_KINDS[frame.kind] ?? (frame.bits === 8 ? undefined : `${frame.bits}-bit`)
  return name && `found a ${name} JPEG, expected a baseline or progressive one of 8 bits`
}
