import { TAG, TiffDirectory, type TiffEntry } from './tiffDirectory.js'

/** Tags with a value for each strip or tile, those of the first plane first. */
const PIECES: readonly number[] = [TAG.stripOffsets, TAG.stripByteCounts, TAG.tileOffsets, TAG.tileByteCounts]

/** Sample format: one value for each sample, all alike. */
const SAMPLE_FORMAT = 339

const SHORT = 3

/**
 * The same TIFF with a new directory at its end in which only plane `plane` of the first picture is left, as grey; with
 * `alpha` its 0 is black whatever the picture's is. (libvips 8.18 takes half rows for rows in grey TIFFs with several planes.)
 */
export function onePlane(file: Uint8Array, plane: number, alpha: boolean): Uint8Array {
  const directory = new TiffDirectory(file)
  const { big } = directory
  const samples = directory.values(TAG.samplesPerPixel)[0] ?? 1
  const entries = [...directory.entries].flatMap(([tag, entry]): Uint8Array[] => {
    if (tag === TAG.extraSamples || tag === TAG.planarConfiguration) return []
    if (tag === TAG.samplesPerPixel) return [withShort(entry, 1, directory)]
    if (tag === TAG.photometric && alpha) return [withShort(entry, 1, directory)]
    if (tag === TAG.bitsPerSample || tag === SAMPLE_FORMAT) {
      return [withShort(entry, directory.values(tag)[0]!, directory)]
    }
    if (!PIECES.includes(tag)) return [entry.bytes]
    const count = entry.count / samples
    return [pieces(file, entry, count, entry.at + plane * count * entry.size, directory)]
  })
  const [countSize, nextSize] = big ? [8, 8] : [2, 4]
  const end = Buffer.concat([new Uint8Array(countSize), ...entries, new Uint8Array(nextSize)])
  write(end, 0, countSize, entries.length, directory)
  const result = Buffer.concat([file, new Uint8Array(file.length % 2), end])
  write(result, big ? 8 : 4, big ? 8 : 4, result.length - end.length, directory)
  return result
}

type Order = Pick<TiffDirectory, 'little' | 'big'>

function withShort({ bytes }: TiffEntry, value: number, order: Order): Uint8Array {
  const entry = Uint8Array.from(bytes).fill(0, 2)
  write(entry, 2, 2, SHORT, order)
  write(entry, 4, order.big ? 8 : 4, 1, order)
  write(entry, order.big ? 12 : 8, 2, value, order)
  return entry
}

/** The entry with `count` of its values, which begin at `at` of the file. */
function pieces(file: Uint8Array, { bytes, size }: TiffEntry, count: number, at: number, order: Order): Uint8Array {
  const entry = Uint8Array.from(bytes)
  const [valueAt, room] = order.big ? [12, 8] : [8, 4]
  write(entry, 4, order.big ? 8 : 4, count, order)
  if (count * size <= room) entry.fill(0, valueAt).set(file.subarray(at, at + count * size), valueAt)
  else write(entry, valueAt, room, at, order)
  return entry
}

function write(bytes: Uint8Array, at: number, size: number, value: number, { little }: Order): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (size === 2) view.setUint16(at, value, little)
  else if (size === 4) view.setUint32(at, value, little)
  else view.setBigUint64(at, BigInt(value), little)
}
