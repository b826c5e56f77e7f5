/** The first directory of a TIFF (TIFF 6.0, section 2) or BigTIFF, in either byte order. */

export const TAG = {
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  samplesPerPixel: 277,
  stripByteCounts: 279,
  planarConfiguration: 284,
  tileOffsets: 324,
  tileByteCounts: 325,
  extraSamples: 338,
} as const

/** Bytes of a value of each type, BYTE to IFD8. */
const SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8]

/** More values than a tag that is looked at has, against damaged counts: one for each row of the tallest picture. */
const MOST_VALUES = 2 ** 20

export interface TiffEntry {
  /** Its 12 bytes, in a BigTIFF 20. */
  readonly bytes: Uint8Array
  readonly type: number
  readonly count: number
  /** Bytes of a value, and the place of the first in the file. */
  readonly size: number
  readonly at: number
}

/** Throws RangeError, here and in `values`, where something lies beyond the end of the file. */
export class TiffDirectory {
  readonly little: boolean
  readonly big: boolean
  readonly entries: ReadonlyMap<number, TiffEntry>
  readonly #view: DataView

  constructor(file: Uint8Array) {
    this.#view = new DataView(file.buffer, file.byteOffset, file.byteLength)
    this.little = this.#view.getUint8(0) === 0x49
    this.big = this.#number(2, 2) === 43
    const start = this.big ? this.#number(8, 8) : this.#number(4, 4)
    const [countSize, entrySize] = this.big ? [8, 20] : [2, 12]
    const count = this.#number(start, countSize)
    const entries = new Map<number, TiffEntry>()
    for (let i = 0; i < count; i++) {
      const at = start + countSize + i * entrySize
      entries.set(this.#number(at, 2), this.#entry(file, at, entrySize))
    }
    this.entries = entries
  }

  /** The whole numbers of a tag; none where it is missing. */
  values(tag: number): number[] {
    const entry = this.entries.get(tag)
    if (entry === undefined) return []
    const { count, size, at } = entry
    return Array.from({ length: Math.min(count, MOST_VALUES) }, (_, i) => this.#number(at + i * size, size))
  }

  #entry(file: Uint8Array, start: number, length: number): TiffEntry {
    const type = this.#number(start + 2, 2)
    const count = this.#number(start + 4, this.big ? 8 : 4)
    const size = SIZES[type] ?? 0
    const [valueAt, room] = this.big ? [start + 12, 8] : [start + 8, 4]
    const at = count * size <= room ? valueAt : this.#number(valueAt, room)
    return { bytes: file.slice(start, start + length), type, count, size, at }
  }

  #number(at: number, size: number): number {
    if (size === 1) return this.#view.getUint8(at)
    if (size === 2) return this.#view.getUint16(at, this.little)
    if (size === 4) return this.#view.getUint32(at, this.little)
    if (size === 8) return Number(this.#view.getBigUint64(at, this.little))
    throw new RangeError(`a value of ${size} bytes`)
  }
}
