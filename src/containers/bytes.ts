/** Bytes at rest that are read a piece at a time, so that nothing has to be in memory as a whole. */
import { type FileHandle, open } from 'node:fs/promises'

export interface Bytes {
  readonly size: number
  /** The bytes from `at`; fewer than `length` only where they end. */
  read(at: number, length: number): Promise<Buffer>
}

/** The bytes of a file, which is open only while it is read: a thousand shards need no thousand handles. */
export function fileBytes(file: string, size: number): Bytes {
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
    this.#held = await this.#bytes.read(at, Math.max(length, this.#step))
    this.#start = at
    return this.#held.subarray(0, length)
  }
}
