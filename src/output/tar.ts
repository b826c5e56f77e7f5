/** Tar files in the ustar format (POSIX.1-1988) whose bytes depend on names and contents alone. */
import { open } from 'node:fs/promises'

const BLOCK = 512

/** Two blocks of zeros end an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK)

/** A regular file of mode 644, owner 0 and time 0. `name` is ASCII, at most 100 bytes; throws RangeError if longer. */
export function* tarMember(name: string, data: Uint8Array): Generator<Uint8Array> {
  if (name.length > 100) throw new RangeError(`${name}: expected a name of at most 100 bytes`)
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
  header.write(name, 0, 'latin1')
  octal(0o644, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(data.length, 124, 12)
  octal(0, 136, 12)
  // The checksum is taken with spaces in its own place, followed by the type and the magic.
  header.write('        0', 148, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  yield header
  yield data
  yield new Uint8Array((BLOCK - (data.length % BLOCK)) % BLOCK)
}

export interface TarMember {
  readonly name: string
  readonly data: Buffer
  /** Bytes of the archive up to the end of this member. */
  readonly end: number
}

/** Bytes that are read at once. */
const CHUNK = 2 ** 20

/** The files in an archive that `tarMember` made, with or without its end. Throws an Error where it is damaged or cut. */
export async function* readTar(file: string): AsyncGenerator<TarMember> {
  const handle = await open(file)
  let rest: Buffer = Buffer.alloc(0)
  /** The next `length` bytes; fewer at the end. */
  async function take(length: number): Promise<Buffer> {
    const parts = [rest]
    for (let missing = length - rest.length; missing > 0; ) {
      const chunk = Buffer.allocUnsafe(Math.max(CHUNK, missing))
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, null)
      if (bytesRead === 0) break
      parts.push(chunk.subarray(0, bytesRead))
      missing -= bytesRead
    }
    const all = parts.length === 1 ? rest : Buffer.concat(parts)
    rest = all.subarray(length)
    return all.subarray(0, length)
  }
  try {
    for (let end = 0; ; ) {
      const header = await take(BLOCK)
      // Nothing, or the zeros that end an archive.
      if (header.length === 0 || (header.length === BLOCK && header[0] === 0)) return
      const { name, size } = readHeader(header)
      const padded = Math.ceil(size / BLOCK) * BLOCK
      const data = await take(padded)
      if (data.length < padded) throw new Error(`found ${name} cut`)
      end += BLOCK + padded
      yield { name, data: data.subarray(0, size), end }
    }
  } finally {
    await handle.close()
  }
}

function readHeader(header: Buffer): { name: string; size: number } {
  const text = (at: number, length: number) => header.toString('latin1', at, at + length).replace(/\0.*$/s, '')
  const written = Number.parseInt(text(148, 8), 8)
  const own = header.subarray(148, 156).reduce((total, byte) => total + byte, 0)
  const sum = header.reduce((total, byte) => total + byte, 0) - own + 8 * 0x20
  if (header.length < BLOCK || written !== sum) throw new Error('found bytes that are no header')
  return { name: text(0, 100), size: Number.parseInt(text(124, 12), 8) }
}
