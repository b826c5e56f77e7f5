/** Which pictures need no question besides their pixels: asking libvips doubles the time of a small one. */
import type { Format } from './format.js'

interface JpegHeader {
  /** The last digit of the frame's marker, as in FF C2: 0 baseline, 2 progressive; 55 (FF F7) is JPEG-LS. */
  readonly kind: number
  readonly bits: number
  readonly width: number
  readonly height: number
  readonly components: number
  /** Whether there are segments of EXIF or a colour profile. */
  readonly described: boolean
}

/** Whether a picture is grey or sRGB of at most 8 bits, upright and without a profile; false also where it is not known. */
export function isPlain(format: Format, bytes: Uint8Array): boolean {
  if (format === 'GIF') return true
  if (format === 'JPEG') {
    const header = readJpegHeader(bytes)
    return header !== undefined && !header.described && header.components !== 4
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (format === 'PNG') return bytes[24]! <= 8 && !text.includes('iCCP') && !text.includes('eXIf')
  return format === 'WebP' && !text.includes('ICCP') && !text.includes('EXIF')
}

const [APP1, APP2, START_OF_SCAN] = [0xe1, 0xe2, 0xda]
const JPEG_LS = 55

/** Walks the segments of a JPEG (ITU T.81, annex B) to its first scan; undefined where they are damaged. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  let frame: Omit<JpegHeader, 'described'> | undefined
  let described = false
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1]!
    if (marker === 0xff) {
      at++
      continue
    }
    if (marker === START_OF_SCAN) break
    if (marker === APP1 || marker === APP2) described = true
    const kind = marker - 0xc0
    // FF C0 to FF CF begin a frame, except DHT, JPG and DAC.
    if ((kind >= 0 && kind < 16 && ![4, 8, 12].includes(kind)) || kind === JPEG_LS) {
      const [height, width] = [bytes[at + 5]! * 256 + bytes[at + 6]!, bytes[at + 7]! * 256 + bytes[at + 8]!]
      frame ??= { kind, bits: bytes[at + 4]!, width, height, components: bytes[at + 9]! }
    }
    at += 2 + bytes[at + 2]! * 256 + bytes[at + 3]!
  }
  return frame && { ...frame, described }
}
