/** Reads a picture by its path: a file of its own, or `<file>#<key>` in a container. */
import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { AugmentError } from '../core/errors.js'
import { AtOnce } from '../files/atOnce.js'
import { insideOf, openContainer, readKey } from './container.js'
import { ContainerError } from './containerError.js'

/** The bytes of a picture, and what its file, or the container it is in, was after they had been read. */
export interface PictureBytes {
  readonly bytes: Uint8Array
  readonly stats: Stats
}

/** Throws AugmentError `failed`, naming `name`, for what is wrong with a container, and errors of the system. */
export async function readPicture(path: string, name: string): Promise<PictureBytes> {
  const inside = insideOf(path)
  if (inside === undefined) {
    const small = reading.run(() => readSmall(path))
    if (small) return small
    const handle = await open(path)
    try {
      return { bytes: await handle.readFile(), stats: await handle.stat() }
    } finally {
      await handle.close()
    }
  }
  try {
    const bytes = await readKey(await openContainer(inside.file), inside.key)
    return { bytes, stats: await stat(inside.file) }
  } catch (cause) {
    if (!(cause instanceof ContainerError)) throw cause
    const hint = cause.hint === undefined ? {} : { hint: cause.hint }
    throw new AugmentError('failed', `${name}: ${cause.message}`, { cause, ...hint })
  }
}

const reading = new AtOnce()

/** Larger files are read in another thread. */
const MOST_BYTES = 2 ** 16

/** A small file, read at once; null for any other. */
function readSmall(path: string): PictureBytes | null {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    if (size > MOST_BYTES) return null
    const bytes = Buffer.allocUnsafe(size)
    let length = 0
    for (let read = -1; length < size && read !== 0; length += read)
      read = readSync(file, bytes, length, size - length, null)
    return { bytes: bytes.subarray(0, length), stats: fstatSync(file) }
  } finally {
    closeSync(file)
  }
}

/** The first bytes of a picture. */
export async function readHead(path: string, name: string, length: number): Promise<Uint8Array> {
  if (insideOf(path) !== undefined) return (await readPicture(path, name)).bytes.subarray(0, length)
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** What a picture's file is, or the container it is in, which is asked once; undefined where there is none. */
export function statsOnce(): (path: string) => Stats | undefined {
  const containers = new Map<string, Stats | undefined>()
  return (path) => {
    const file = insideOf(path)?.file
    if (file === undefined) return statSync(path, { throwIfNoEntry: false })
    if (!containers.has(file)) containers.set(file, statSync(file, { throwIfNoEntry: false }))
    return containers.get(file)
  }
}
