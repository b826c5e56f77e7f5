/**
 * Baseline JPEG (ITU T.81) as libjpeg-turbo writes it with the accurate integer DCT and optimal Huffman tables, byte by byte: RGB
 * as YCbCr 4:4:4, without a JFIF header. For small pictures, where libvips spends twenty times as much on its pipeline.
 */
import type { Image } from '../core/image.js'
import { type Huffman, huffmanOf } from './huffman.js'

/** Places of a block's 64 coefficients in the order in which they are coded (T.81, figure A.6). */
const ZIGZAG = Uint8Array.from(zigzag())

/** T.81, tables K.1 and K.2, in rows. */
// biome-ignore format: a matrix
const LUMINANCE = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
  18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]
// biome-ignore format: a matrix
const CHROMINANCE = [
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
  ...new Array<number>(32).fill(99),
]

/** The same pixels and quality (1 to 100) give the bytes that libjpeg-turbo gives. At most 65535 pixels a side. */
export function encodeSmallJpeg(image: Image, quality: number): Uint8Array {
  const { width, height } = image
  const quantisers = quantisersOf(quality)
  const codes = codesOf(quantised(image, quantisers))
  const out = new Writer(codes.length * 2 + 1024)
  out.marker(0xd8, [])
  for (const [i, table] of quantisers.entries()) out.marker(0xdb, [i, ...table])
  const components = [1, 2, 3].flatMap((id) => [id, 0x11, id === 1 ? 0 : 1])
  out.marker(0xc0, [8, height >> 8, height & 255, width >> 8, width & 255, 3, ...components])
  const tables = huffmanTables(codes)
  for (const [i, id] of [0x00, 0x10, 0x01, 0x11].entries()) {
    const { lengths, symbols } = tables[i]!
    out.marker(0xc4, [id, ...lengths, ...symbols])
  }
  out.marker(0xda, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0])
  for (let i = 0; i < codes.length; i++) {
    const packed = codes[i]!
    const symbol = (packed >> 16) & 255
    const { code, size } = tables[packed >> 24]!
    out.bits(code[symbol]!, size[symbol]!)
    const more = symbol & 15
    if (more > 0) out.bits(packed & 0xffff, more)
  }
  return out.end()
}

function zigzag(): number[] {
  const places: number[] = []
  for (let diagonal = 0; diagonal < 15; diagonal++) {
    for (let i = 0; i <= diagonal; i++) {
      const [row, column] = diagonal % 2 === 0 ? [diagonal - i, i] : [i, diagonal - i]
      if (row < 8 && column < 8) places.push(8 * row + column)
    }
  }
  return places
}

/** Of luminance and colours, in zigzag order, as the IJG's code scales them: 50 as they are, 100 all ones. */
function quantisersOf(quality: number): readonly [Uint8Array, Uint8Array] {
  if (latest.quality !== quality) {
    const percent = quality < 50 ? Math.trunc(5000 / quality) : 200 - 2 * quality
    const scaled = (table: readonly number[]) =>
      Uint8Array.from(ZIGZAG, (place) => Math.min(255, Math.max(1, Math.trunc((table[place]! * percent + 50) / 100))))
    latest = { quality, quantisers: [scaled(LUMINANCE), scaled(CHROMINANCE)] }
  }
  return latest.quantisers
}

/** A run has one quality. */
let latest: { readonly quality: number; readonly quantisers: readonly [Uint8Array, Uint8Array] } = {
  quality: 0,
  quantisers: [new Uint8Array(), new Uint8Array()],
}

/** The quantised coefficients in zigzag order, blocks of Y, Cb and Cr in turn, from left to right and top to bottom. */
function quantised({ data, width, height }: Image, quantisers: readonly [Uint8Array, Uint8Array]): Int16Array {
  const [columns, rows] = [Math.ceil(width / 8), Math.ceil(height / 8)]
  const planes = planesOf(data, width, height, 8 * columns, 8 * rows)
  const blocks = new Int16Array(columns * rows * 3 * 64)
  const block = new Int32Array(64)
  let at = 0
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let c = 0; c < 3; c++) {
        load(block, planes[c]!, 64 * columns * row + 8 * column, 8 * columns)
        transform(block)
        quantise(block, quantisers[c === 0 ? 0 : 1], blocks, at)
        at += 64
      }
    }
  }
  return blocks
}

function load(block: Int32Array, plane: Uint8Array, start: number, stride: number): void {
  for (let y = 0, to = 0; y < 8; y++) {
    for (let x = 0, from = start + y * stride; x < 8; x++) block[to++] = plane[from++]! - 128
  }
}

/** The transform gives eight times the coefficients; halves are rounded away from zero. */
function quantise(block: Int32Array, divisors: Uint8Array, blocks: Int16Array, at: number): void {
  for (let k = 0; k < 64; k++) {
    const half = 4 * divisors[k]!
    const value = block[ZIGZAG[k]!]!
    blocks[at + k] = value < 0 ? -(((half - value) / (2 * half)) | 0) : ((value + half) / (2 * half)) | 0
  }
}

/** Y, Cb and Cr (JFIF) of 16 bits fixed point, the last column and row repeated up to whole blocks. */
function planesOf(data: Uint8Array, width: number, height: number, wide: number, high: number): Uint8Array[] {
  const planes = [new Uint8Array(wide * high), new Uint8Array(wide * high), new Uint8Array(wide * high)]
  const [luma, blue, red] = planes as [Uint8Array, Uint8Array, Uint8Array]
  for (let y = 0; y < high; y++) {
    for (let x = 0; x < wide; x++) {
      const from = 3 * (Math.min(y, height - 1) * width + Math.min(x, width - 1))
      const r = data[from]!
      const g = data[from + 1]!
      const b = data[from + 2]!
      const to = y * wide + x
      luma[to] = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16
      blue[to] = (-11059 * r - 21709 * g + 32768 * b + 8421375) >> 16
      red[to] = (32768 * r - 27439 * g - 5329 * b + 8421375) >> 16
    }
  }
  return planes
}

/**
 * The forward DCT of 8 x 8 samples in place, scaled by 8: Loeffler, Ligtenberg and Moschytz (ICASSP 1989), constants of 13 bits,
 * 2 more bits after the rows, rounded as libjpeg's `islow` does it.
 */
function transform(block: Int32Array): void {
  for (let row = 0; row < 64; row += 8) pass(block, row, 1, 11, -2)
  for (let column = 0; column < 8; column++) pass(block, column, 8, 15, 2)
}

/** One dimension: products lose `shift` bits, sums `plain` bits (negative: gain). */
function pass(block: Int32Array, start: number, step: number, shift: number, plain: number): void {
  const half = 1 << (shift - 1)
  const [i1, i2, i3] = [start + step, start + 2 * step, start + 3 * step]
  const [i4, i5, i6, i7] = [start + 4 * step, start + 5 * step, start + 6 * step, start + 7 * step]
  const s07 = block[start]! + block[i7]!
  const d07 = block[start]! - block[i7]!
  const s16 = block[i1]! + block[i6]!
  const d16 = block[i1]! - block[i6]!
  const s25 = block[i2]! + block[i5]!
  const d25 = block[i2]! - block[i5]!
  const s34 = block[i3]! + block[i4]!
  const d34 = block[i3]! - block[i4]!
  const a = s07 + s34
  const d = s07 - s34
  const b = s16 + s25
  const c = s16 - s25
  block[start] = plain < 0 ? (a + b) << 2 : (a + b + 2) >> 2
  block[i4] = plain < 0 ? (a - b) << 2 : (a - b + 2) >> 2
  const even = 4433 * (c + d)
  block[i2] = (even + 6270 * d + half) >> shift
  block[i6] = (even - 15137 * c + half) >> shift
  const z5 = 9633 * (d34 + d16 + d25 + d07)
  const z1 = -7373 * (d34 + d07)
  const z2 = -20995 * (d25 + d16)
  const z3 = z5 - 16069 * (d34 + d16)
  const z4 = z5 - 3196 * (d25 + d07)
  block[i7] = (2446 * d34 + z1 + z3 + half) >> shift
  block[i5] = (16819 * d25 + z2 + z4 + half) >> shift
  block[i3] = (25172 * d16 + z2 + z3 + half) >> shift
  block[i1] = (12299 * d07 + z1 + z4 + half) >> shift
}

/**
 * The scan (T.81, F.1.2): for every symbol its table (DC and AC of Y, then of the colours) from bit 24 on, the symbol from bit 16
 * on, and the bits that follow it, as many as its lowest four bits say.
 */
function codesOf(blocks: Int16Array): Int32Array {
  // A symbol for each coefficient, and the end of each block.
  const codes = new Int32Array(blocks.length + blocks.length / 64)
  const before = [0, 0, 0]
  let length = 0
  for (let start = 0, c = 0; start < blocks.length; start += 64, c = (c + 1) % 3) {
    const table = c === 0 ? 0 : 2 << 24
    codes[length++] = table | sized(blocks[start]! - before[c]!)
    before[c] = blocks[start]!
    let zeros = 0
    for (let k = start + 1; k < start + 64; k++) {
      const value = blocks[k]!
      if (value === 0) {
        zeros++
        continue
      }
      for (; zeros > 15; zeros -= 16) codes[length++] = (table + (1 << 24)) | (0xf0 << 16)
      codes[length++] = (table + (1 << 24)) | (zeros << 20) | sized(value)
      zeros = 0
    }
    if (zeros > 0) codes[length++] = table + (1 << 24)
  }
  return codes.subarray(0, length)
}

/** How many bits a value has, from bit 16 on, and those bits: of a negative one those of the value less one. */
function sized(value: number): number {
  const size = 32 - Math.clz32(Math.abs(value))
  return (size << 16) | (value < 0 ? value + (1 << size) - 1 : value)
}

function huffmanTables(codes: Int32Array): Huffman[] {
  const counts = new Int32Array(4 * 256)
  for (let i = 0; i < codes.length; i++) counts[codes[i]! >> 16]!++
  return [0, 1, 2, 3].map((table) => huffmanOf(counts.subarray(256 * table, 256 * (table + 1))))
}

/** Bytes of a JPEG: markers, and the scan with a 0 after each 255 (T.81, F.1.2.3). */
class Writer {
  #bytes: Uint8Array
  #length = 0
  #pending = 0
  #count = 0

  constructor(room: number) {
    this.#bytes = new Uint8Array(room)
  }

  marker(id: number, content: readonly number[]): void {
    const length = content.length + 2
    for (const byte of [0xff, id, ...(content.length > 0 ? [length >> 8, length & 255, ...content] : [])])
      this.#byte(byte)
  }

  /** The lowest `size` bits (at most 16) of `bits`. */
  bits(bits: number, size: number): void {
    this.#pending = (this.#pending << size) | bits
    this.#count += size
    while (this.#count >= 8) {
      this.#count -= 8
      const byte = (this.#pending >> this.#count) & 255
      this.#byte(byte)
      if (byte === 255) this.#byte(0)
    }
    this.#pending &= (1 << this.#count) - 1
  }

  /** The last byte filled with ones, the end marker, and all that there is. */
  end(): Uint8Array {
    if (this.#count > 0) this.bits((1 << (8 - this.#count)) - 1, 8 - this.#count)
    this.marker(0xd9, [])
    return this.#bytes.slice(0, this.#length)
  }

  #byte(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes[this.#length++] = byte
  }
}
