/** Reads a picture by its path: a file of its own, or `<file>#<key>` in a container. */
import { statSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { AugmentError } from '../core/errors.js'
import { readWhole } from '../files/readWhole.js'
import { isObject } from '../objects/place.js'
import { type Facts, objectFacts, readObjectRange } from '../objects/reading.js'
import { factsOf } from './bytes.js'
import { insideOf, openContainer, readKey } from './container.js'
import { ContainerError } from './containerError.js'

/** The bytes of a picture, and what its file, or the container it is in, was after they had been read. */
export interface PictureBytes {
  readonly bytes: Uint8Array
  readonly stats: Facts
}

/** Throws AugmentError `failed`, naming `name`, for what is wrong with a container, and errors of the system. */
export async function readPicture(path: string, name: string): Promise<PictureBytes> {
  const inside = insideOf(path)
  if (inside === undefined) return readWhole(path)
  try {
    const bytes = await readKey(await openContainer(inside.file), inside.key)
    return { bytes, stats: await factsOf(inside.file) }
  } catch (cause) {
    if (!(cause instanceof ContainerError)) throw cause
    const hint = cause.hint === undefined ? {} : { hint: cause.hint }
    throw new AugmentError('failed', `${name}: ${cause.message}`, { cause, ...hint })
  }
}

/** The first bytes of a picture. */
export async function readHead(path: string, name: string, length: number): Promise<Uint8Array> {
  if (insideOf(path) !== undefined) return (await readPicture(path, name)).bytes.subarray(0, length)
  if (isObject(path)) return readObjectRange(path, 0, length)
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** Files that are looked at one after the other, and together where that has been slow. */
const [PROBE, TOGETHER] = [256, 8192]

/** Above this a look at a file is slow: together many wait for it. In milliseconds. */
const SLOW_MS = 0.2

/**
 * What the file of each of `count` pictures is, or the container it is in, which is asked once, in order; undefined where there is
 * none.
 */
export async function allStats(
  count: number,
  pathOf: (index: number) => string,
  visit: (stats: Facts | undefined, index: number) => void,
): Promise<void> {
  const containers = new Map<string, Facts | undefined | Promise<Facts | undefined>>()
  const lookNow = (path: string) => (isObject(path) ? objectFacts(path) : statSync(path, { throwIfNoEntry: false }))
  const inContainer = (file: string) => {
    if (!containers.has(file)) containers.set(file, lookNow(file))
    return containers.get(file)
  }
  for (let at = 0, slow = false; at < count; ) {
    const length = Math.min(slow ? TOGETHER : PROBE, count - at)
    const first = at
    const look = (i: number) => {
      const path = pathOf(first + i)
      const file = insideOf(path)?.file
      if (file !== undefined) return inContainer(file)
      return slow && !isObject(path) ? statsOf(path) : lookNow(path)
    }
    const began = performance.now()
    const found = await Promise.all(Array.from({ length }, (_, i) => look(i)))
    slow = !slow && performance.now() - began > SLOW_MS * length
    for (const stats of found) visit(stats, at++)
  }
}

async function statsOf(path: string): Promise<Facts | undefined> {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
}
