/** Bytes at rest that are read a piece at a time, so that nothing has to be in memory as a whole. */
import { type FileHandle, open, stat } from 'node:fs/promises'
import { isObject } from '../objects/place.js'
import { type Facts, objectFacts, readObjectRange } from '../objects/reading.js'

export interface Bytes {
  readonly size: number
  /** So many bytes are as cheap as a few, where each read is a request. */
  readonly cheap?: number
  /** The bytes from `at`; fewer than `length` only where they end. */
  read(at: number, length: number): Promise<Buffer>
}

/** What one request to an object store reads at least where it goes through a file. */
const CHEAP = 2 ** 22

/** What a file or an object is. Throws as `stat` does. */
export async function factsOf(file: string): Promise<Facts> {
  if (!isObject(file)) return stat(file)
  const facts = await objectFacts(file)
  if (facts === undefined) throw Object.assign(new Error(`${file}: no such object`), { code: 'ENOENT', path: file })
  return facts
}

/** The bytes of a file, which is open only while it is read: a thousand shards need no thousand handles. */
export function fileBytes(file: string, size: number): Bytes {
  if (isObject(file)) {
    const read = (at: number, length: number) => readObjectRange(file, at, Math.max(0, Math.min(length, size - at)))
    return { size, cheap: CHEAP, read }
  }
  return {
    size,
    async read(at, length) {
      const wanted = Math.max(0, Math.min(length, size - at))
      const handle = await open(file)
      try {
        return await readFully(handle, at, wanted)
      } finally {
        await handle.close()
      }
    },
  }
}

async function readFully(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, at + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** `size` of the bytes from `start`. */
export function partOf(bytes: Bytes, start: number, size: number): Bytes {
  return { size, read: (at, length) => bytes.read(start + at, Math.max(0, Math.min(length, size - at))) }
}

/** Reads forward through bytes, `step` at a time: for headers that lie close to each other. */
export class Ahead {
  readonly #bytes: Bytes
  readonly #step: number
  #start = 0
  #held: Buffer = Buffer.alloc(0)

  constructor(bytes: Bytes, step: number) {
    this.#bytes = bytes
    this.#step = step
  }

  async read(at: number, length: number): Promise<Buffer> {
    const from = at - this.#start
    if (from >= 0 && from + length <= this.#held.length) return this.#held.subarray(from, from + length)
    this.#held = await this.#bytes.read(at, Math.max(length, this.#step, this.#bytes.cheap ?? 0))
    this.#start = at
    return this.#held.subarray(0, length)
  }
}
