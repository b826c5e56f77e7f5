/** What a file is by its first bytes, whatever its name says. */

type Format = 'JPEG' | 'PNG' | 'WebP' | 'TIFF' | 'AVIF' | 'GIF'

/** The formats that are read, in words. */
export const EXPECTED_FORMATS = 'a JPEG, PNG, WebP, TIFF, AVIF or GIF'

/** File name endings of these formats, lower case; a name counts whatever its case. */
export const IMAGE_EXTENSIONS = ['jpg', 'jpeg', 'jpe', 'jfif', 'png', 'webp', 'tif', 'tiff', 'avif', 'gif'] as const

/** The format, or undefined for anything else. Only what is recognised here ever reaches the decoder. */
export function sniffFormat(bytes: Uint8Array): Format | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 32)).toString('latin1')
  if (head.startsWith('\xff\xd8\xff')) return 'JPEG'
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'PNG'
  if (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) return 'WebP'
  if (/^(II[*+]\0|MM\0[*+])/.test(head)) return 'TIFF'
  if (head.startsWith('ftyp', 4) && /avi[fs]/.test(head.slice(8))) return 'AVIF'
  if (/^GIF8[79]a/.test(head)) return 'GIF'
  return undefined
}

/** What bytes that are no picture look like: "an empty file", "text", "a PDF", ... */
export function describeBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file'
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 512)).toString('latin1')
  if (head.startsWith('%PDF')) return 'a PDF'
  if (head.startsWith('BM')) return 'a BMP'
  if (head.startsWith('PK\x03\x04')) return 'a ZIP archive'
  if (head.startsWith('ftyp', 4)) return 'a HEIC or video file'
  if (/<svg[\s>]/.test(head)) return 'an SVG'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells binary from text
  return /[\x00-\x08\x0e-\x1f]/.test(head) ? 'bytes of no known kind' : 'text'
}
