import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { isObject } from '../objects/place.js'
import { type Facts, readObject } from '../objects/reading.js'
import { AtOnce } from './atOnce.js'

/** The bytes of a file, and what it was after they had been read. */
interface Whole {
  readonly bytes: Buffer
  readonly stats: Facts
}

const reading = new AtOnce()

/** Larger files are read in another thread. */
const MOST_BYTES = 2 ** 16

/** Opens a file once and reads all of it, a small one at once; an object likewise. */
export async function readWhole(path: string): Promise<Whole> {
  if (isObject(path)) return readObject(path)
  const small = reading.run(() => readSmall(path))
  if (small) return small
  const handle = await open(path)
  try {
    return { bytes: await handle.readFile(), stats: await handle.stat() }
  } finally {
    await handle.close()
  }
}

/** Null for a larger file. */
function readSmall(path: string): Whole | null {
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
