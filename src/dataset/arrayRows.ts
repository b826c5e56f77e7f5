/** Rows of arrays of pictures: CIFAR's binaries, idx files of the MNIST family, NumPy arrays in an npz. */

import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Archive } from '../containers/archive.js'
import { cifarClasses, cifarLabels, idxShape, npyHeader } from '../containers/arrays.js'
import { type Bytes, fileBytes } from '../containers/bytes.js'
import { arrayIn, unpacked } from '../containers/container.js'
import { ContainerError } from '../containers/containerError.js'
import { AugmentError } from '../core/errors.js'
import { sparseLabel } from '../core/softLabel.js'
import { Classes, type WrittenLabel } from './labels.js'
import { type Contained, opening, placeIn } from './opening.js'
import { type SplitChoice, splitIn, takeSplit } from './splits.js'

/** Arrays that lie in a folder or an archive. */
export interface Holder {
  /** Those that may hold pictures. */
  readonly arrays: readonly string[]
  /** All that lies beside them, too: labels and names of classes. */
  readonly names: readonly string[]
  open(name: string): Promise<Bytes>
  /** What row `row` of an array is called as a picture. */
  pictureName(name: string, row: number): string
}

/** Arrays that are files of their own. */
export async function filesOf(root: string, arrays: readonly string[]): Promise<Holder> {
  const names: string[] = []
  for (const folder of new Set(arrays.map((file) => path.posix.dirname(file)))) {
    for (const name of await readdir(path.join(root, folder))) names.push(path.posix.join(folder, name))
  }
  return {
    arrays,
    names,
    async open(name) {
      const file = path.join(root, name)
      return fileBytes(file, (await stat(file)).size)
    },
    pictureName: (name, row) => `${name}#${row}`,
  }
}

/** Arrays that are members of an archive. */
export function membersOf(file: string, archive: Archive): Holder {
  return {
    arrays: archive.names,
    names: archive.names,
    open: (name) => archive.bytes(name),
    pictureName: (name, row) => `${file}#${name.replace(/\.npy$/, '')}/${row}`,
  }
}

/** Whether a member of an archive is an array of pictures by its name. */
export function isArrayName(name: string): boolean {
  return /(^|\/)(data_batch_\d+|test_batch|train|test)\.bin$|[-.]idx3-ubyte(\.gz)?$|(images|x_[a-z]+)\.npy$/i.test(name)
}

/** An array of pictures, its split, and how its labels are read. */
interface Part {
  readonly name: string
  readonly split: string | undefined
  labels(): Promise<readonly WrittenLabel[]>
}

/** The rows of the arrays of the taken split. Throws AugmentError `usage` for what is wrong with them. */
export async function arrayRows(holder: Holder, place: string, choice: SplitChoice): Promise<Contained> {
  const parts = [...cifarParts(holder), ...idxParts(holder), ...npyParts(holder)]
  if (parts.length === 0) {
    const names = holder.names.slice(0, 8).join(', ')
    throw new AugmentError('usage', `${place}: found ${names}, expected arrays of images and of labels`, {
      hint: 'as train_images and train_labels',
    })
  }
  const { taken, notice } = takeSplit(
    parts.map(({ split }) => split),
    choice,
    place,
  )
  const rows: { file: string; label: WrittenLabel }[] = []
  const chosen = parts.filter(({ split }) => taken.has(split))
  for (const { name, labels } of chosen) {
    await opening(placeIn(place, name), async () => {
      const bytes = await holder.open(name)
      const found = await arrayIn(name, bytes)
      if (found === undefined)
        throw new ContainerError(`found ${bytes.size} bytes, expected whole rows of a CIFAR binary`)
      const values = await labels()
      if (values.length !== found.count) {
        throw new ContainerError(`found ${found.count} pictures and ${values.length} labels, expected as many`)
      }
      for (const [row, label] of values.entries()) rows.push({ file: holder.pictureName(name, row), label })
    })
  }
  const classes = await classesOf(holder)
  return {
    rows,
    ...(classes !== undefined && { classes }),
    told: `labels from ${chosen.map(({ name }) => path.posix.basename(name).replace(/\.npy$/, '')).join(', ')}`,
    notices: notice === undefined ? [] : [notice],
  }
}

function cifarParts(holder: Holder): Part[] {
  const names = holder.arrays.filter((name) => /(^|\/)(data_batch_\d+|test_batch|train|test)\.bin$/.test(name))
  return names.map((name) => ({
    name,
    split: /(data_batch_\d+|train)\.bin$/.test(name) ? 'train' : 'test',
    async labels() {
      const bytes = await holder.open(name)
      const width = cifarLabels(name, bytes.size)
      return namedBy(await cifarClasses(bytes, width!), await classesOf(holder))
    },
  }))
}

/** Indices as names, where names are known: those may look like numbers themselves. */
function namedBy(indices: readonly number[], classes: Classes | undefined): WrittenLabel[] {
  return indices.map((index) => classes?.names[index] ?? index)
}

/** The names in CIFAR's batches.meta.txt or fine_label_names.txt, whose last lines are empty. */
async function classesOf({ names, open }: Holder): Promise<Classes | undefined> {
  const file = names.find((name) => /(^|\/)(batches\.meta|fine_label_names)\.txt$/.test(name))
  if (file === undefined) return undefined
  const bytes = await open(file)
  const lines = (await bytes.read(0, bytes.size)).toString('utf8').split(/\r?\n/)
  return new Classes(lines.map((line) => line.trim()).filter((line) => line !== ''))
}

/** `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, in gzip or not; of two forms the plain one. */
function idxParts(holder: Holder): Part[] {
  const there = new Set(holder.names)
  return holder.arrays.flatMap((name) => {
    if (!/[-.]idx3-ubyte(\.gz)?$/i.test(name) || (name.endsWith('.gz') && there.has(name.slice(0, -3)))) return []
    const plain = name.replace(/\.gz$/i, '').replace(/images?([-.])idx3/i, 'labels$1idx1')
    const labels = [plain, `${plain}.gz`].find((candidate) => candidate !== name && there.has(candidate))
    return [{ name, split: splitIn(name), labels: () => idxLabels(holder, name, labels, plain) }]
  })
}

async function idxLabels(
  holder: Holder,
  images: string,
  labels: string | undefined,
  expected: string,
): Promise<number[]> {
  if (labels === undefined) throw new ContainerError(`found no labels of ${images}, expected ${expected}`)
  const bytes = await unpacked(labels, await holder.open(labels))
  const found = await idxShape(bytes)
  if (found?.shape.length !== 1) throw new ContainerError(`found no idx file of labels in ${labels}`)
  return [...(await bytes.read(found.start, found.shape[0]!))]
}

const IMAGES = /^(?:(.+)_)?(?:images|imgs|image|x|data|X)(?:_(.+))?\.npy$/

/** `train_images` and `train_labels`, or `x_train` and `y_train`. */
function npyParts(holder: Holder): Part[] {
  const there = new Set(holder.names)
  return holder.arrays.flatMap((name) => {
    const match = IMAGES.exec(name)
    if (match === null) return []
    const labels = LABELS_OF.map(([from, to]) => name.replace(from, to)).find(
      (other) => other !== name && there.has(other),
    )
    return [{ name, split: splitOfArray(match), labels: () => npyLabels(holder, name, labels) }]
  })
}

const LABELS_OF: readonly (readonly [RegExp, string])[] = [
  [/images?|imgs/, 'labels'],
  [/images?|imgs/, 'label'],
  [/\bx|(?<=_)x|data/, 'y'],
  [/data/, 'labels'],
  [/X/, 'y'],
]

function splitOfArray([, before, behind]: RegExpExecArray): string | undefined {
  const word = before ?? behind
  return word === undefined ? undefined : (splitIn(word) ?? word)
}

/** Numbers of an array of labels that are read at once. */
const MOST_LABELS = 2 ** 28

async function npyLabels(holder: Holder, images: string, labels: string | undefined): Promise<WrittenLabel[]> {
  if (labels === undefined) throw new ContainerError(`found no labels of ${images.replace(/\.npy$/, '')}`)
  const bytes = await holder.open(labels)
  const { descr, isFortran, shape, start } = await npyHeader(bytes)
  const name = labels.replace(/\.npy$/, '')
  const width = shape[1] ?? 1
  const listed = shape.join(' x ')
  if (shape.length > 2 || shape.length === 0 || bytes.size > MOST_LABELS || (isFortran && width > 1)) {
    throw new ContainerError(`found ${name} of ${listed}, expected one label or one weight per class for each picture`)
  }
  const values = valuesOf(await bytes.read(start, bytes.size - start), descr)
  if (values === undefined) throw new ContainerError(`found ${name} of type ${descr}, expected numbers or text`)
  if (width === 1) {
    const broken = values.find((value) => typeof value === 'number' && !Number.isInteger(value))
    if (broken !== undefined) throw new ContainerError(`found ${broken} in ${name}, expected whole numbers or text`)
    return values
  }
  const weights = values.map(Number)
  if (!weights.every(Number.isFinite)) throw new ContainerError(`found ${name} of ${listed}, expected numbers`)
  return Array.from({ length: shape[0]! }, (_, i) => {
    const row = weights.slice(i * width, (i + 1) * width)
    const kept = row.flatMap((weight, k) => (weight === 0 ? [] : [k]))
    return sparseLabel(
      width,
      kept,
      kept.map((k) => row[k]!),
    )
  })
}

/** The numbers or texts of a NumPy array by its type; undefined for other types. */
function valuesOf(bytes: Buffer, descr: string): (number | string)[] | undefined {
  const [, order, kind, size] = /^([<>|=]?)([a-zA-Z?])(\d+)$/.exec(descr) ?? []
  const width = Number(size) * (kind === 'U' ? 4 : 1)
  const count = Math.floor(bytes.length / width)
  if (order === '>' || !Number.isFinite(count)) return undefined
  const read = READERS[`${kind}${kind === 'U' || kind === 'S' ? '' : size}`]
  return read && Array.from({ length: count }, (_, i) => read(bytes, i * width, width))
}

const READERS: Readonly<Record<string, (bytes: Buffer, at: number, width: number) => number | string>> = {
  u1: (bytes, at) => bytes.readUInt8(at),
  b1: (bytes, at) => bytes.readUInt8(at),
  i1: (bytes, at) => bytes.readInt8(at),
  u2: (bytes, at) => bytes.readUInt16LE(at),
  i2: (bytes, at) => bytes.readInt16LE(at),
  u4: (bytes, at) => bytes.readUInt32LE(at),
  i4: (bytes, at) => bytes.readInt32LE(at),
  u8: (bytes, at) => Number(bytes.readBigUInt64LE(at)),
  i8: (bytes, at) => Number(bytes.readBigInt64LE(at)),
  f4: (bytes, at) => bytes.readFloatLE(at),
  f8: (bytes, at) => bytes.readDoubleLE(at),
  S: (bytes, at, width) => bytes.toString('utf8', at, at + width).replace(/\0+$/, ''),
  U: (bytes, at, width) => textOf(Array.from({ length: width / 4 }, (_, i) => bytes.readUInt32LE(at + 4 * i))),
}

/** Text of code points, the zeros at its end left out. */
function textOf(points: readonly number[]): string {
  const end = points.findLastIndex((point) => point !== 0) + 1
  return String.fromCodePoint(...points.slice(0, end))
}
