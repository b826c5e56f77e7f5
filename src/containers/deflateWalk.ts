/** Finds where the blocks of deflated bytes (RFC 1951) begin, without inflating them: places to start from. */
import type { Bytes } from './bytes.js'

/** The beginning of a block: its first bit among those of the compressed bytes, and the bytes that come out before it. */
export interface BlockStart {
  readonly bit: number
  readonly out: number
}

/** Thrown for bytes that are no deflate stream. */
class DeflateError extends Error {}

const CHUNK = 2 ** 20
/** More bytes than the header of a block can take. */
const HEADER = 1024
/** More bytes than a symbol can take. */
const SYMBOL = 16

const LONGEST = 15
const END_OF_BLOCK = 256

const LENGTH_BASE = lengthBases()
const LENGTH_EXTRA = Uint8Array.from({ length: 29 }, (_, i) => (i < 8 || i === 28 ? 0 : (i >> 2) - 1))
const DISTANCE_EXTRA = Uint8Array.from({ length: 30 }, (_, i) => (i < 4 ? 0 : (i >> 1) - 1))
/** The order in which the lengths of the code of the code lengths are written. */
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

function lengthBases(): Uint16Array {
  const bases = new Uint16Array(29)
  for (let i = 0, base = 3; i < 28; i++) {
    bases[i] = base
    base += 1 << (i < 8 ? 0 : (i >> 2) - 1)
  }
  bases[28] = 258
  return bases
}

/** By the next 15 bits: the symbol in the upper bits, the length of its code in the lower four; 0 for no code. */
type Codes = Uint16Array

/** Walks through one deflate stream. */
export class DeflateWalk {
  readonly #bytes: Bytes
  /** Bytes of the stream from `#base`, those before `#at` being used. */
  #held: Uint8Array = new Uint8Array(0)
  #base: number
  #at = 0
  #bits = 0
  #count = 0
  #ended = false
  #out = 0
  #isLast = false
  #inBlock: { literals: Codes; distances: Codes } | null = null

  constructor(bytes: Bytes, start: number) {
    this.#bytes = bytes
    this.#base = start
  }

  /** Every block's beginning, then where the stream ends: its first bit is that of the byte after it. */
  async *starts(): AsyncGenerator<BlockStart, BlockStart> {
    do {
      await this.#need(HEADER)
      yield { bit: this.#bit(), out: this.#out }
      const stored = this.#header()
      if (stored !== null) await this.#skip(stored)
      else while (!this.#symbols()) await this.#need(2 * SYMBOL)
    } while (!this.#isLast)
    this.#dropPartOfByte()
    return { bit: this.#bit(), out: this.#out }
  }

  #bit(): number {
    return (this.#base + this.#at) * 8 - this.#count
  }

  /** Holds so many bytes more, or all that are left and zeros. */
  async #need(length: number): Promise<void> {
    if (this.#held.length - this.#at >= length || this.#ended) {
      if (this.#bit() > this.#bytes.size * 8) throw new DeflateError('they end early')
      return
    }
    const rest = this.#held.subarray(this.#at)
    const more = await this.#bytes.read(this.#base + this.#held.length, CHUNK)
    this.#ended = more.length < CHUNK
    const joined = new Uint8Array(rest.length + more.length + (this.#ended ? HEADER : 0))
    joined.set(rest)
    joined.set(more, rest.length)
    this.#base += this.#at
    this.#at = 0
    this.#held = joined
  }

  /** Reads the header of a block; the length of a stored one, null for the others. */
  #header(): number | null {
    this.#isLast = this.#take(1) === 1
    const kind = this.#take(2)
    if (kind === 3) throw new DeflateError('a block of no known kind')
    if (kind === 0) {
      this.#dropPartOfByte()
      const length = this.#take(16)
      if ((this.#take(16) ^ length) !== 0xffff) throw new DeflateError('a stored block of no sure length')
      return length
    }
    this.#inBlock = kind === 1 ? fixedCodes() : this.#dynamicCodes()
    return null
  }

  async #skip(length: number): Promise<void> {
    this.#out += length
    const held = this.#count >> 3
    this.#bits = 0
    this.#count = 0
    this.#at += length - held
    if (this.#at <= this.#held.length) return
    // Beyond what is held.
    this.#base += this.#at
    this.#at = 0
    this.#held = new Uint8Array(0)
  }

  #dropPartOfByte(): void {
    this.#take(this.#count & 7)
  }

  #take(count: number): number {
    while (this.#count < count) {
      this.#bits |= this.#held[this.#at++]! << this.#count
      this.#count += 8
    }
    const value = this.#bits & ((1 << count) - 1)
    this.#bits >>>= count
    this.#count -= count
    return value
  }

  #dynamicCodes(): { literals: Codes; distances: Codes } {
    const literals = this.#take(5) + 257
    const distances = this.#take(5) + 1
    const written = this.#take(4) + 4
    const lengths = new Uint8Array(19)
    for (let i = 0; i < written; i++) lengths[CODE_ORDER[i]!] = this.#take(3)
    const codes = codesOf(lengths)
    const all = new Uint8Array(literals + distances)
    for (let i = 0; i < all.length; ) {
      const symbol = this.#symbol(codes)
      if (symbol < 16) {
        all[i++] = symbol
        continue
      }
      const value = symbol === 16 && i > 0 ? all[i - 1]! : 0
      const count = symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7)
      all.fill(value, i, i + count)
      i += count
    }
    return { literals: codesOf(all.subarray(0, literals)), distances: codesOf(all.subarray(literals)) }
  }

  #symbol(codes: Codes): number {
    while (this.#count < LONGEST) {
      this.#bits |= this.#held[this.#at++]! << this.#count
      this.#count += 8
    }
    const found = codes[this.#bits & 0x7fff]!
    if (found === 0) throw new DeflateError('bits of no code')
    this.#bits >>>= found & 15
    this.#count -= found & 15
    return found >> 4
  }

  /** Reads symbols until the block ends (true) or the bytes held do (false). */
  #symbols(): boolean {
    const { literals, distances } = this.#inBlock!
    const held = this.#held
    const limit = held.length - SYMBOL
    let [bits, count, at, out] = [this.#bits, this.#count, this.#at, this.#out]
    let isOver = false
    while (at < limit) {
      while (count < LONGEST) {
        bits |= held[at++]! << count
        count += 8
      }
      const found = literals[bits & 0x7fff]!
      if (found === 0) throw new DeflateError('bits of no code')
      bits >>>= found & 15
      count -= found & 15
      const symbol = found >> 4
      if (symbol < END_OF_BLOCK) {
        out++
        continue
      }
      if (symbol === END_OF_BLOCK) {
        isOver = true
        break
      }
      if (symbol > 285) throw new DeflateError('a length of no known kind')
      const extra = LENGTH_EXTRA[symbol - 257]!
      while (count < LONGEST + extra) {
        bits |= held[at++]! << count
        count += 8
      }
      out += LENGTH_BASE[symbol - 257]! + (bits & ((1 << extra) - 1))
      bits >>>= extra
      count -= extra
      const distance = distances[bits & 0x7fff]!
      if (distance === 0) throw new DeflateError('bits of no code')
      bits >>>= distance & 15
      count -= distance & 15
      let skipped = DISTANCE_EXTRA[distance >> 4] ?? 0
      while (skipped > count) {
        skipped -= count
        bits = held[at++]!
        count = 8
      }
      bits >>>= skipped
      count -= skipped
    }
    this.#bits = bits
    this.#count = count
    this.#at = at
    this.#out = out
    return isOver
  }
}

let fixed: { literals: Codes; distances: Codes } | undefined

function fixedCodes(): { literals: Codes; distances: Codes } {
  const lengths = Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))
  fixed ??= { literals: codesOf(lengths), distances: codesOf(new Uint8Array(30).fill(5)) }
  return fixed
}

/** The canonical codes of these lengths, their bits reversed as they are read. */
function codesOf(lengths: Uint8Array): Codes {
  const codes = new Uint16Array(1 << LONGEST)
  let code = 0
  for (let length = 1; length <= LONGEST; length++) {
    for (const [symbol, own] of lengths.entries()) {
      if (own !== length) continue
      if (code >= 1 << length) throw new DeflateError('more codes than there can be')
      const first = reversed(code++, length)
      for (let i = first; i < codes.length; i += 1 << length) codes[i] = (symbol << 4) | length
    }
    code <<= 1
  }
  return codes
}

function reversed(code: number, length: number): number {
  let result = 0
  for (let i = 0; i < length; i++) result |= ((code >> i) & 1) << (length - 1 - i)
  return result
}
