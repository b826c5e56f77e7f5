/** What a file is by its first bytes, whatever its name says. */

/** The formats that are read, with their file name endings in lower case; a name counts whatever its case. */
const ENDINGS = {
  JPEG: ['jpg', 'jpeg', 'jpe', 'jfif'],
  PNG: ['png'],
  WebP: ['webp'],
  TIFF: ['tif', 'tiff'],
  AVIF: ['avif'],
  GIF: ['gif'],
  BMP: ['bmp', 'dib'],
  PNM: ['pbm', 'pgm', 'ppm', 'pnm'],
} as const

export type Format = keyof typeof ENDINGS

/** These formats in words. */
export const EXPECTED_FORMATS = `a ${Object.keys(ENDINGS)
  .join(', ')
  .replace(/, (\w+)$/, ' or $1')}`

export const IMAGE_EXTENSIONS: readonly string[] = Object.values(ENDINGS).flat()

/** As many first bytes as `sniffFormat` and `describeBytes` look at. */
export const HEAD_BYTES = 512

/** The format, or undefined for anything else. Only what is recognised here ever reaches the decoder. */
export function sniffFormat(bytes: Uint8Array): Format | undefined {
  const head = headOf(bytes)
  if (head.startsWith('\xff\xd8\xff')) return 'JPEG'
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'PNG'
  if (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) return 'WebP'
  // A DICOM file may begin like a TIFF, which it then is not to us: what follows is for its own readers.
  if (head.startsWith('DICM', 128)) return undefined
  if (/^(II[*+]\0|MM\0[*+])/.test(head)) return 'TIFF'
  if (head.startsWith('ftyp', 4) && /avi[fs]/.test(brands(head))) return 'AVIF'
  if (/^GIF8[79]a/.test(head)) return 'GIF'
  if (isBmp(head)) return 'BMP'
  if (/^P[1-6][\s#]/.test(head)) return 'PNM'
  return undefined
}

/** Bytes 14 to 17 hold the size of the second header, which tells a BMP from text that begins with BM. */
function isBmp(head: string): boolean {
  const size = head.charCodeAt(14)
  return head.startsWith('BM') && size >= 12 && size <= 124 && head.startsWith('\0\0\0', 15)
}

/** Major and compatible brands of an ISO media file. */
function brands(head: string): string {
  const length = head.charCodeAt(2) * 256 + head.charCodeAt(3)
  return head.slice(8, Math.min(length, 64))
}

/** Bytes at a place of a file, as Latin-1, and what a file with them is. */
type Signature = readonly [at: number, bytes: string, name: string]

const OTHER_PICTURES: readonly Signature[] = [
  ...['heic', 'heix', 'heis', 'heim', 'hevc', 'hevx', 'mif1', 'msf1'].map(
    (brand) => [4, `ftyp${brand}`, 'a HEIC'] as const,
  ),
  [0, '\xff\x0a', 'a JPEG XL'],
  [0, '\0\0\0\x0cJXL \r\n\x87\n', 'a JPEG XL'],
  [0, '\0\0\0\x0cjP  \r\n\x87\n', 'a JPEG 2000'],
  [0, '\xff\x4f\xff\x51', 'a JPEG 2000'],
  [128, 'DICM', 'a DICOM file'],
  [0, '%!PS', 'a PostScript file'],
  [0, '/* XPM', 'an XPM'],
  [0, 'qoif', 'a QOI'],
  [0, 'II\xbc', 'a JPEG XR'],
  [0, '8BPS', 'a Photoshop file'],
  [0, 'P7\n', 'a PAM'],
  [0, 'PF\n', 'a PFM'],
  [0, 'Pf\n', 'a PFM'],
  [0, '\x76\x2f\x31\x01', 'an OpenEXR'],
  [0, '#?RADIANCE', 'a Radiance HDR'],
  [0, 'SIMPLE  =', 'a FITS file'],
  [0, '\0\0\x01\0', 'an icon'],
  [0, '\0\0\x02\0', 'a cursor or a TGA'],
  [0, 'II\x55\0', 'a camera raw file'],
  [0, 'IIRO', 'a camera raw file'],
  [0, 'FUJIFILMCCD-RAW', 'a camera raw file'],
]

const OTHER_FILES: readonly Signature[] = [
  [0, '%PDF', 'a PDF'],
  [0, 'PK\x03\x04', 'a ZIP archive'],
  [4, 'ftyp', 'a video file'],
]

/** Whether a file that begins so may hold grey with more than 8 bits. */
export function mayBeDeepGrey(bytes: Uint8Array): boolean {
  const format = sniffFormat(bytes)
  // The header chunk of a PNG: bits per sample, then 0 for grey or 4 for grey with alpha.
  if (format === 'PNG') return bytes[24] === 16 && (bytes[25] === 0 || bytes[25] === 4)
  return format === 'TIFF' || format === 'PNM'
}

/** What bytes that are no picture look like: "an empty file", "text", "a PDF", ... */
export function describeBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file'
  const head = headOf(bytes)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells binary from text
  const plain = /[\x00-\x08\x0e-\x1f]/.test(head) ? 'bytes of no known kind' : 'text'
  return otherPictureOf(head) ?? nameOf(OTHER_FILES, head) ?? plain
}

function otherPictureOf(head: string): string | undefined {
  return nameOf(OTHER_PICTURES, head) ?? (/<svg[\s>]/.test(head) ? 'an SVG' : undefined)
}

function nameOf(signatures: readonly Signature[], head: string): string | undefined {
  return signatures.find(([at, bytes]) => head.startsWith(bytes, at))?.[2]
}

function headOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEAD_BYTES)).toString('latin1')
}
