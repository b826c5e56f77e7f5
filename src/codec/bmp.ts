/** BMP by libnsbmp (compiled to WebAssembly): the only door to it. */
import { AugmentError } from '../core/errors.js'
import type { Samples } from './samples.js'

/** The compression of a header in which masks say where the colours lie. */
const BITFIELDS = 3

/** The samples of a BMP. Throws AugmentError `failed` for damaged bytes and for the few kinds that libnsbmp does not read. */
export async function decodeBmp(
  bytes: Uint8Array,
  place: string,
  checkSize: (width: number, height: number) => void,
): Promise<Samples> {
  const header = readHeader(bytes)
  // libnsbmp gives other values than the masks say where they have fewer bits.
  if (header === undefined || header.bits.slice(0, 3).some((bits) => bits < 4)) throw damaged(place)
  checkSize(header.width, header.height)
  const { decode } = await import('@cwasm/nsbmp').catch((cause: unknown) => {
    if (!(cause instanceof RangeError)) throw cause
    const message = `${place}: found a BMP, which needs WebAssembly; the limit of address space (ulimit -v, h_vmem) leaves no room for it`
    throw new AugmentError('failed', message, { hint: 'save it as PNG, or raise the limit to 16 GB', cause })
  })
  try {
    const { data, width, height } = decode(bytes)
    if (width !== header.width || height !== header.height) throw damaged(place)
    const rgba = new Uint8Array(data.buffer, data.byteOffset, data.length)
    for (const [band, bits] of header.bits.entries()) widen(rgba, band, bits)
    return { data: rgba, width, height, bands: 4, colours: 3, alpha: 3, white: 255 }
  } catch (cause) {
    throw cause instanceof AugmentError ? cause : damaged(place, cause)
  }
}

function damaged(place: string, cause?: unknown): AugmentError {
  const message = `${place}: found a BMP that is damaged or of a rare kind, expected one that libnsbmp reads`
  return new AugmentError('failed', message, { hint: 'save it again without compression, or as PNG', cause })
}

interface Header {
  readonly width: number
  readonly height: number
  /** Of red, green, blue and alpha, where they have fewer than 8. */
  readonly bits: readonly number[]
}

function readHeader(bytes: Uint8Array): Header | undefined {
  if (bytes.length < 26) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = view.getUint32(14, true)
  if (size < 16) return { width: view.getUint16(18, true), height: view.getUint16(20, true), bits: [] }
  const [width, height] = [view.getInt32(18, true), Math.abs(view.getInt32(22, true))]
  const depth = bytes.length < 34 ? 24 : view.getUint16(28, true)
  if (depth !== 16 && depth !== 32) return { width, height, bits: [] }
  const masked = view.getUint32(30, true) === BITFIELDS && bytes.length >= 70
  if (!masked) return { width, height, bits: depth === 16 ? [5, 5, 5] : [] }
  const masks = [54, 58, 62, ...(size >= 56 ? [66] : [])].map((at) => view.getUint32(at, true))
  return { width, height, bits: masks.map(ones) }
}

function ones(mask: number): number {
  return mask.toString(2).replaceAll('0', '').length
}

/** libnsbmp leaves the lower bits of narrow samples 0, so that white is not white: spreads them over 0 to 255. */
function widen(rgba: Uint8Array, band: number, bits: number): void {
  if (bits === 0 || bits >= 8) return
  const largest = 2 ** bits - 1
  for (let i = band; i < rgba.length; i += 4) rgba[i] = Math.round(((rgba[i]! >> (8 - bits)) * 255) / largest)
}
