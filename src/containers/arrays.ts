/** Pictures that are stored as plain numbers: CIFAR's binaries, idx files of the MNIST family, NumPy arrays. */
import type { Bytes } from './bytes.js'
import { ContainerError } from './containerError.js'

/** Pictures in one array, all of one size. */
export interface PictureArray {
  readonly count: number
  /** Picture `i` as the bytes of a PNM file, which the decoder reads as any other picture's. */
  read(i: number): Promise<Buffer>
}

/** How the numbers of a picture lie. */
export interface PictureForm {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
  /** Whether the channels come one after another, not pixel by pixel. */
  readonly isPlanar: boolean
  /** Bytes a number; two are little-endian. */
  readonly depth: 1 | 2
}

/** PNM: `P5` or `P6`, the size, the largest value, one white space, then the samples, the higher byte first. */
function toPnm(numbers: Buffer, { width, height, channels, isPlanar, depth }: PictureForm): Buffer {
  const header = Buffer.from(`P${channels === 1 ? 5 : 6}\n${width} ${height}\n${depth === 1 ? 255 : 65535}\n`, 'latin1')
  const pixels = width * height
  const samples = Buffer.allocUnsafe(numbers.length)
  if (channels === 1 || !isPlanar) numbers.copy(samples)
  else {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < pixels; i++) {
        for (let b = 0; b < depth; b++) samples[(i * channels + c) * depth + b] = numbers[(c * pixels + i) * depth + b]!
      }
    }
  }
  if (depth === 2) samples.swap16()
  return Buffer.concat([header, samples])
}

/** The pictures of `form`, one every `stride` bytes from `start`. */
export function pictureArray(
  bytes: Bytes,
  form: PictureForm,
  { start, stride, count }: { readonly start: number; readonly stride?: number; readonly count: number },
): PictureArray {
  const size = form.width * form.height * form.channels * form.depth
  return {
    count,
    async read(i) {
      const numbers = await bytes.read(start + i * (stride ?? size), size)
      if (numbers.length < size) throw new ContainerError('found an end, expected another picture')
      return toPnm(numbers, form)
    },
  }
}

/** Bytes of labels before the 32 x 32 x 3 of a picture: CIFAR-10 has one, CIFAR-100 a coarse and a fine one. */
const CIFAR_PICTURE = 32 * 32 * 3
const CIFAR_FORM: PictureForm = { width: 32, height: 32, channels: 3, isPlanar: true, depth: 1 }

/** How many bytes of labels stand before each picture of a CIFAR binary; undefined for any other file. */
export function cifarLabels(name: string, size: number): 1 | 2 | undefined {
  if (!/(^|\/)(data_batch_\d+|test_batch|train|test)\.bin$/.test(name) || size === 0) return undefined
  if (/batch/.test(name)) return size % (CIFAR_PICTURE + 1) === 0 ? 1 : undefined
  return size % (CIFAR_PICTURE + 2) === 0 ? 2 : undefined
}

export function cifarArray(bytes: Bytes, labels: 1 | 2): PictureArray {
  const stride = CIFAR_PICTURE + labels
  return pictureArray(bytes, CIFAR_FORM, { start: labels, stride, count: Math.floor(bytes.size / stride) })
}

/** Rows of a CIFAR binary that are read at once for their labels. */
const ROWS = 256

/** The last label before each picture: the only one of CIFAR-10, the fine one of CIFAR-100. */
export async function cifarClasses(bytes: Bytes, labels: 1 | 2): Promise<number[]> {
  const stride = CIFAR_PICTURE + labels
  const classes: number[] = []
  for (let at = 0; at < bytes.size; at += ROWS * stride) {
    const rows = await bytes.read(at, ROWS * stride)
    for (let i = labels - 1; i < rows.length; i += stride) classes.push(rows[i]!)
  }
  return classes
}

/** The dimensions of an idx file of unsigned bytes; undefined for any other file. */
export async function idxShape(
  bytes: Bytes,
): Promise<{ readonly shape: readonly number[]; readonly start: number } | undefined> {
  const head = await bytes.read(0, 4 + 4 * 4)
  if (head.length < 8 || head.readUInt16BE() !== 0 || head[2] !== 8) return undefined
  const rank = head[3]!
  if (rank < 1 || rank > 4 || head.length < 4 + 4 * rank) return undefined
  const shape = Array.from({ length: rank }, (_, i) => head.readUInt32BE(4 + 4 * i))
  const start = 4 + 4 * rank
  const expected = start + shape.reduce((a, b) => a * b, 1)
  if (expected !== bytes.size) {
    throw new ContainerError(`found ${bytes.size} bytes, expected ${expected} for ${shape.join(' x ')}`)
  }
  return { shape, start }
}

/** The pictures in an array of that shape: N x height x width, with 1 or 3 channels last or second. */
export function formOf(shape: readonly number[], depth: 1 | 2): PictureForm | undefined {
  const [, a, b, c] = shape
  if (shape.length === 3) return { height: a!, width: b!, channels: 1, isPlanar: false, depth }
  if (shape.length !== 4) return undefined
  if (c === 1 || c === 3) return { height: a!, width: b!, channels: c, isPlanar: false, depth }
  if (a === 1 || a === 3) return { height: b!, width: c!, channels: a, isPlanar: true, depth }
  return undefined
}

/** A NumPy array of any kind by its header (versions 1 to 3). */
export interface NpyHeader {
  /** As in `|u1`, `<i8`, `<f4`, `<U12`. */
  readonly descr: string
  readonly isFortran: boolean
  readonly shape: readonly number[]
  readonly start: number
}

/** Throws ContainerError for what is no .npy. */
export async function npyHeader(bytes: Bytes): Promise<NpyHeader> {
  const head = await bytes.read(0, 12)
  if (head.toString('latin1', 0, 6) !== '\x93NUMPY') throw new ContainerError('found no NumPy array, expected one')
  const [from, length] = head[6] === 1 ? [10, head.readUInt16LE(8)] : [12, head.readUInt32LE(8)]
  const text = (await bytes.read(from, Math.min(length, 65536))).toString('latin1')
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1]
  const shape = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1]
  if (shape === undefined) throw new ContainerError('found a damaged NumPy header')
  const dims = shape.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]))
  return {
    descr: descr ?? 'structured',
    isFortran: /'fortran_order':\s*True/.test(text),
    shape: dims,
    start: from + length,
  }
}

const UNSIGNED: Readonly<Record<string, 1 | 2>> = { '|u1': 1, u1: 1, '<u1': 1, '<u2': 2 }

/** The pictures of a NumPy array. Throws ContainerError where it has another kind, shape or size. */
export async function npyPictures(bytes: Bytes): Promise<PictureArray & { readonly form: PictureForm }> {
  const { descr, isFortran, shape, start } = await npyHeader(bytes)
  const depth = UNSIGNED[descr]
  if (depth === undefined || isFortran) {
    const found = isFortran ? 'an array in Fortran order' : `numbers of type ${descr}`
    throw new ContainerError(`found ${found}, expected uint8 or uint16 in C order`, 'images.astype("uint8") in NumPy')
  }
  const form = formOf(shape, depth)
  const listed = shape.join(' x ')
  if (form === undefined) {
    throw new ContainerError(
      `found an array of ${listed}, expected N x height x width, with 1 or 3 channels or without`,
    )
  }
  const expected = start + shape.reduce((a, b) => a * b, depth)
  if (bytes.size < expected) throw new ContainerError(`found ${bytes.size} bytes, expected ${expected} for ${listed}`)
  return { ...pictureArray(bytes, form, { start, count: shape[0]! }), form }
}
