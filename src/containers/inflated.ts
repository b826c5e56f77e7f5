/** Random access to compressed bytes: they are inflated from the last of some places to start from, a span at a time. */
import { promisify } from 'node:util'
import { constants, inflateRaw } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import type { Bytes } from './bytes.js'
import { ContainerError } from './containerError.js'
import { type BlockStart, DeflateWalk } from './deflateWalk.js'

const inflate = promisify<Buffer, object, Buffer>(inflateRaw)

/** What a copy in deflated bytes reaches back at most. */
const WINDOW = 32768

/** Bytes between two places to start from, at least, and so many places at most: their windows take 64 MB. */
const SPAN = 2 ** 20
const PLACES = 2048

/** Spans that were used last, of all files together. */
const spans = new LRUCache<string, Buffer>({
  max: 1000,
  maxSize: 32 * 2 ** 20,
  sizeCalculation: (span) => span.length || 1,
})

/**
 * A place to start from: a block of the stream that begins with a byte, as one in eight does, and the bytes before it. One
 * that begins within a byte cannot be moved to the beginning of one, since stored blocks go from byte to byte.
 */
interface Place extends BlockStart {
  readonly window: Buffer
  /** The bits of its stream end here. */
  end: number
}

/** What the compressed bytes are: one deflate stream from `start`, or gzip members one after another. */
export type Wrapping = { readonly kind: 'deflate'; readonly start: number } | { readonly kind: 'gzip' }

let opened = 0

/**
 * The bytes that come out of compressed ones, all of which are read once for it. Throws ContainerError for what is damaged, and
 * where more than `most` bytes come out.
 */
export async function inflated(bytes: Bytes, wrapping: Wrapping, most = Number.POSITIVE_INFINITY): Promise<Bytes> {
  const { places, size } = await placesIn(bytes, wrapping, most).catch(refuse)
  const name = opened++
  async function span(i: number): Promise<Buffer> {
    const key = `${name} ${i}`
    const known = spans.get(key)
    if (known !== undefined) return known
    const length = (places[i + 1]?.out ?? size) - places[i]!.out
    const made = await inflateSpan(bytes, places[i]!, length).catch(refuse)
    spans.set(key, made)
    return made
  }
  return {
    size,
    async read(at, length) {
      const end = Math.min(size, at + length)
      const pieces: Buffer[] = []
      for (let i = placeBefore(places, at); i < places.length && places[i]!.out < end; i++) {
        const { out } = places[i]!
        pieces.push((await span(i)).subarray(Math.max(0, at - out), Math.max(0, end - out)))
      }
      return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
    },
  }
}

/** Errors of the system stay as they are. */
function refuse(cause: Error): never {
  if (cause instanceof ContainerError || 'syscall' in cause) throw cause
  throw new ContainerError(`found damaged or truncated compressed bytes (${cause.message}), expected complete ones`)
}

/** The last place at or before `at`. */
function placeBefore(places: readonly Place[], at: number): number {
  let [low, high] = [0, places.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (places[middle]!.out <= at) low = middle
    else high = middle - 1
  }
  return Math.max(0, low)
}

async function inflateSpan(bytes: Bytes, { bit, end, window }: Place, length: number): Promise<Buffer> {
  const first = bit / 8
  return inflatePart(await bytes.read(first, Math.ceil(end / 8) - first), window, length)
}

async function inflatePart(part: Buffer, window: Buffer, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0)
  const dictionary = window.length > 0 ? { dictionary: window } : {}
  const found = await inflate(part, { ...dictionary, finishFlush: constants.Z_SYNC_FLUSH })
  if (found.length < length) throw new Error('they end early')
  return found.subarray(0, length)
}

async function placesIn(
  bytes: Bytes,
  wrapping: Wrapping,
  most: number,
): Promise<{ places: readonly Place[]; size: number }> {
  // Deflate makes a thousandth of a file at most.
  const span = Math.max(SPAN, (Math.min(most, bytes.size * 4) / PLACES) | 0)
  const places: Place[] = []
  let size = 0
  let start = wrapping.kind === 'gzip' ? await afterGzipHeader(bytes, 0) : wrapping.start
  for (;;) {
    const walk = new DeflateWalk(bytes, start).starts()
    let last: Place | undefined
    let step = await walk.next()
    for (; !step.done; step = await walk.next()) {
      const { bit, out } = step.value
      if (size + out > most) throw new ContainerError('found more bytes than it declares')
      if (last !== undefined && (bit % 8 !== 0 || size + out - last.out < span)) continue
      last = await nextPlace(bytes, last, bit, size + out)
      places.push(last)
    }
    const { bit, out } = step.value
    last!.end = bit
    size += out
    if (size > most) throw new ContainerError('found more bytes than it declares')
    if (wrapping.kind !== 'gzip') break
    const trailer = bit / 8 + 8
    if (trailer >= bytes.size || (await bytes.read(trailer, 2)).readUInt16BE() !== GZIP) break
    start = await afterGzipHeader(bytes, trailer)
  }
  return { places, size }
}

/** The place after `before`, whose bytes are inflated once for the window. */
async function nextPlace(bytes: Bytes, before: Place | undefined, bit: number, out: number): Promise<Place> {
  if (before === undefined) return { bit, out, window: Buffer.alloc(0), end: bit }
  before.end = bit
  const span = await inflateSpan(bytes, before, out - before.out)
  const joined = span.length >= WINDOW ? span : Buffer.concat([before.window, span])
  return { bit, out, window: Buffer.from(joined.subarray(Math.max(0, joined.length - WINDOW))), end: bit }
}

const GZIP = 0x1f8b
const [HEADER_CHECKSUM, EXTRA, NAME, COMMENT] = [2, 4, 8, 16]

/** Where the deflated bytes of the gzip member at `at` begin (RFC 1952). */
async function afterGzipHeader(bytes: Bytes, at: number): Promise<number> {
  const head = await bytes.read(at, 65536 + 1024)
  if (head.length < 18 || head.readUInt16BE() !== GZIP || head[2] !== 8)
    throw new ContainerError('found no gzip, expected one')
  const flags = head[3]!
  let end = 10
  if (flags & EXTRA) end += 2 + head.readUInt16LE(end)
  if (flags & NAME) end = head.indexOf(0, end) + 1
  if (flags & COMMENT) end = head.indexOf(0, end) + 1
  if (flags & HEADER_CHECKSUM) end += 2
  return at + end
}
