/** PBM, PGM and PPM, plain and raw (netpbm.sourceforge.net/doc): their samples lie there as they are. */
import { AugmentError } from '../core/errors.js'
import type { Samples } from './samples.js'

interface Header {
  /** 1 to 6, as in P6. */
  readonly kind: number
  readonly width: number
  readonly height: number
  readonly white: number
  /** Where the samples begin. */
  readonly start: number
}

/** The samples of the first picture. Throws AugmentError `failed` for damaged bytes. */
export function decodeNetpbm(
  bytes: Uint8Array,
  place: string,
  checkSize: (width: number, height: number) => void,
): Samples {
  const header = readHeader(bytes)
  if (header === undefined) throw damaged(place)
  const { kind, width, height, white } = header
  checkSize(width, height)
  const colours = kind % 3 === 0 ? 3 : 1
  const samples = { width, height, bands: colours, colours, alpha: null } as const
  const values = new (white > 255 ? Uint16Array : Uint8Array)(width * height * colours)
  const read = kind === 1 ? plainBits : kind === 4 ? rawBits : kind < 4 ? plainNumbers : rawNumbers
  if (!read(bytes, header, values)) throw damaged(place)
  if (values.some((value) => value > white)) throw damaged(place)
  if (colours === 1 && white > 255) return { ...samples, data: values, white }
  if (white === 255) return { ...samples, data: values, white }
  const level = white === 65535 ? (value: number) => value >> 8 : (value: number) => Math.round((value * 255) / white)
  return { ...samples, data: Uint8Array.from(values, level), white: 255 }
}

function damaged(place: string): AugmentError {
  return new AugmentError('failed', `${place}: found a damaged or truncated PNM, expected a complete one`)
}

const [TAB, NEWLINE, RETURN, SPACE, HASH, ZERO, NINE] = [9, 10, 13, 32, 35, 48, 57]

function readHeader(bytes: Uint8Array): Header | undefined {
  const kind = bytes[1]! - ZERO
  const numbers: number[] = []
  let at = 2
  while (numbers.length < (kind === 1 || kind === 4 ? 2 : 3)) {
    const found = nextNumber(bytes, at)
    if (found === undefined) return undefined
    numbers.push(found.value)
    at = found.end
  }
  const [width, height, white = 1] = numbers as [number, number, number?]
  if (width < 1 || height < 1 || white < 1 || white > 65535) return undefined
  // One white space ends the header of a raw file.
  return { kind, width, height, white, start: at + 1 }
}

/** The next decimal number, past white space and comments that begin with # and end with the line. */
function nextNumber(bytes: Uint8Array, from: number): { value: number; end: number } | undefined {
  let at = from
  while (at < bytes.length) {
    const byte = bytes[at]!
    if (byte === HASH) while (at < bytes.length && bytes[at] !== NEWLINE && bytes[at] !== RETURN) at++
    else if (isSpace(byte)) at++
    else break
  }
  let [value, end] = [0, at]
  for (; end < bytes.length && bytes[end]! >= ZERO && bytes[end]! <= NINE; end++)
    value = value * 10 + bytes[end]! - ZERO
  return end === at || (end < bytes.length && !isSpace(bytes[end]!) && bytes[end] !== HASH) ? undefined : { value, end }
}

function isSpace(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= RETURN)
}

/** Bits written as digits, with or without spaces; 1 is black. */
function plainBits(bytes: Uint8Array, { start }: Header, values: Uint8Array | Uint16Array): boolean {
  let at = start
  for (let i = 0; i < values.length; i++) {
    for (; at < bytes.length && (isSpace(bytes[at]!) || bytes[at] === HASH); at++) {
      if (bytes[at] === HASH) while (at < bytes.length && bytes[at] !== NEWLINE) at++
    }
    const bit = bytes[at++]! - ZERO
    if (bit !== 0 && bit !== 1) return false
    values[i] = 1 - bit
  }
  return true
}

/** Eight pixels a byte, the first in the highest bit, every row from a new byte; 1 is black. */
function rawBits(bytes: Uint8Array, { start, width, height }: Header, values: Uint8Array | Uint16Array): boolean {
  const stride = Math.ceil(width / 8)
  if (bytes.length < start + stride * height) return false
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      values[y * width + x] = 1 - ((bytes[start + y * stride + (x >> 3)]! >> (7 - (x & 7))) & 1)
    }
  }
  return true
}

function plainNumbers(bytes: Uint8Array, { start, white }: Header, values: Uint8Array | Uint16Array): boolean {
  let at = start - 1
  for (let i = 0; i < values.length; i++) {
    const found = nextNumber(bytes, at)
    if (found === undefined || found.value > white) return false
    values[i] = found.value
    at = found.end
  }
  return true
}

/** One byte per sample, or two with the higher first where white is above 255. */
function rawNumbers(bytes: Uint8Array, { start, white }: Header, values: Uint8Array | Uint16Array): boolean {
  const size = white > 255 ? 2 : 1
  if (bytes.length < start + values.length * size) return false
  if (size === 1) values.set(bytes.subarray(start, start + values.length))
  else for (let i = 0; i < values.length; i++) values[i] = bytes[start + 2 * i]! * 256 + bytes[start + 2 * i + 1]!
  return true
}
