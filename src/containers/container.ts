/**
 * Files that hold many pictures. A picture in one is called `<file>#<key>` wherever a name of a picture stands: the row of a
 * Parquet file or of an array, the name inside an archive, or that of an array in it with the row behind a slash.
 */
import { LRUCache } from 'lru-cache'
import { isObject } from '../objects/place.js'
import { type Archive, openTar, openZip } from './archive.js'
import { cifarArray, cifarLabels, formOf, idxShape, npyPictures, type PictureArray, pictureArray } from './arrays.js'
import { type Bytes, factsOf, fileBytes } from './bytes.js'
import { ContainerError } from './containerError.js'
import { inflated } from './inflated.js'
import { openParquet, type ParquetFile } from './parquet.js'
import type { TarMember } from './tar.js'

export type Container =
  | { readonly kind: 'parquet'; readonly file: ParquetFile }
  | { readonly kind: 'archive'; readonly archive: Archive }
  | { readonly kind: 'array'; readonly array: PictureArray }

/** How the name of a container ends. */
const ENDINGS: readonly (readonly [RegExp, ContainerKind])[] = [
  [/\.parquet$/i, 'parquet'],
  [/\.tar$/i, 'tar'],
  [/\.(tar\.gz|tgz)$/i, 'tar.gz'],
  [/\.zip$/i, 'zip'],
  [/\.npz$/i, 'npz'],
  [/(^|\/)(data_batch_\d+|test_batch|train|test)\.bin$/i, 'cifar'],
  [/[-.]idx3-ubyte(\.gz)?$/i, 'idx'],
]

export type ContainerKind = 'parquet' | 'tar' | 'tar.gz' | 'zip' | 'npz' | 'cifar' | 'idx'

/** What kind of container a file is by its name; undefined for any other file. */
export function containerKind(file: string): ContainerKind | undefined {
  return ENDINGS.find(([ending]) => ending.test(file))?.[1]
}

/** The file and the key in it that a name of a picture means; undefined where it means a file of its own. */
export function insideOf(name: string): { readonly file: string; readonly key: string } | undefined {
  for (let at = name.indexOf('#'); at >= 0; at = name.indexOf('#', at + 1)) {
    // Joined to a folder's path, an archive is one that ends in #.
    const [file, key] = [name.slice(0, at), name.slice(at + 1).replace(/^\//, '')]
    if (containerKind(file) !== undefined) return { file, key }
  }
  return undefined
}

/** Containers that were used last; what is kept of each is the places of its members or pages. */
const opened = new LRUCache<string, Promise<Container>>({ max: 10_000 })

export interface OpenOptions {
  /** The kind, where the name does not say it. */
  readonly kind?: ContainerKind
  /** Sees each member of a tar while its bytes are at hand. */
  readonly visit?: (member: TarMember) => Promise<void>
}

/** Opens a file as it is now, or takes it as opened before. Throws ContainerError, or an error of the system. */
export async function openContainer(file: string, options: OpenOptions = {}): Promise<Container> {
  const { size, mtimeMs } = await factsOf(file)
  const key = `${file}\0${size}\0${mtimeMs}`
  const known = options.visit === undefined ? opened.get(key) : undefined
  if (known !== undefined) return known
  const made = open(file, fileBytes(file, size), options)
  opened.set(key, made)
  // Where it cannot be opened, the next attempt may find it mended.
  made.catch(() => opened.delete(key))
  return made
}

async function open(
  file: string,
  bytes: Bytes,
  { kind = containerKind(file), visit }: OpenOptions,
): Promise<Container> {
  switch (kind) {
    case 'parquet':
      return { kind: 'parquet', file: await openParquet(bytes) }
    case 'tar':
    case 'tar.gz':
      return { kind: 'archive', archive: await openTar(bytes, kind === 'tar.gz', visit) }
    case 'zip':
    case 'npz':
      if (isObject(file))
        throw new ContainerError('found a zip in an object store, expected a tar, Parquet or pictures')
      return { kind: 'archive', archive: await openZip(file, bytes) }
    default: {
      const array = await arrayIn(file, bytes)
      if (array === undefined) throw new ContainerError('found no pictures, expected a CIFAR binary or an idx file')
      return { kind: 'array', array }
    }
  }
}

/** The pictures of a file or member that is an array of them; undefined for any other. */
export async function arrayIn(name: string, bytes: Bytes): Promise<PictureArray | undefined> {
  const labels = cifarLabels(name, bytes.size)
  if (labels !== undefined) return cifarArray(bytes, labels)
  if (name.endsWith('.npy')) return npyPictures(bytes)
  if (!/idx\d-ubyte(\.gz)?$/i.test(name)) return undefined
  const plain = await unpacked(name, bytes)
  const found = await idxShape(plain)
  const form = found && formOf(found.shape, 1)
  if (found === undefined || form === undefined) {
    throw new ContainerError('found no idx file of pictures, expected unsigned bytes, N x height x width')
  }
  return pictureArray(plain, form, { start: found.start, count: found.shape[0]! })
}

/** What a file holds, or where its name ends in .gz what comes out of it. */
export function unpacked(name: string, bytes: Bytes): Promise<Bytes> {
  return /\.gz$/i.test(name) ? inflated(bytes, { kind: 'gzip' }) : Promise.resolve(bytes)
}

/** The bytes of the picture, or of any member of an archive, that a key names. Throws ContainerError where there is none. */
export async function readKey(container: Container, key: string): Promise<Uint8Array> {
  if (container.kind === 'array') return readRow(container.array, key)
  if (container.kind === 'parquet') {
    const bytes = await container.file.read(rowOf(key, container.file.rows))
    if (bytes === null) throw new ContainerError('found an empty cell, expected a picture')
    return bytes
  }
  const { archive } = container
  if (archive.has(key)) return archive.read(key)
  const array = await arrayOf(archive, key.slice(0, key.lastIndexOf('/')))
  if (array === undefined) throw new ContainerError(`found no ${JSON.stringify(key)} in it`)
  return readRow(array, key.slice(key.lastIndexOf('/') + 1))
}

/** Whether a key names something in a container. */
export async function hasKey(container: Container, key: string): Promise<boolean> {
  if (container.kind === 'archive') {
    if (container.archive.has(key)) return true
    const array = await arrayOf(container.archive, key.slice(0, key.lastIndexOf('/')))
    return array !== undefined && isRow(key.slice(key.lastIndexOf('/') + 1), array.count)
  }
  return isRow(key, container.kind === 'array' ? container.array.count : container.file.rows)
}

const arrays = new WeakMap<Archive, Map<string, Promise<PictureArray | undefined>>>()

/** The array that a member of an archive is; `train_images` also means `train_images.npy`. */
export function arrayOf(archive: Archive, name: string): Promise<PictureArray | undefined> {
  const known = arrays.get(archive) ?? new Map<string, Promise<PictureArray | undefined>>()
  arrays.set(archive, known)
  const member = [name, `${name}.npy`].find((candidate) => archive.has(candidate))
  if (member === undefined) return Promise.resolve(undefined)
  const array = known.get(member) ?? archive.bytes(member).then((bytes) => arrayIn(member, bytes))
  known.set(member, array)
  return array
}

function isRow(key: string, count: number): boolean {
  return /^(0|[1-9]\d*)$/.test(key) && Number(key) < count
}

function rowOf(key: string, count: number): number {
  if (isRow(key, count)) return Number(key)
  throw new ContainerError(`found no row ${JSON.stringify(key)}, expected 0 to ${count - 1}`)
}

function readRow(array: PictureArray, key: string): Promise<Buffer> {
  return array.read(rowOf(key, array.count))
}
