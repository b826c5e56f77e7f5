/** The part of an ELF file (System V ABI, chapters 4 and 5) that says which shared libraries it loads. */
import { open } from 'node:fs/promises'

/** Types of program headers and of entries of the dynamic section. */
const [PT_LOAD, PT_DYNAMIC] = [1, 2]
const [DT_NEEDED, DT_STRTAB, DT_STRSZ] = [1, 5, 10]

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

/**
 * The names of the libraries that a 64-bit little-endian shared library needs (DT_NEEDED), in their order; null for any other
 * file. Reads its headers alone, whatever its size.
 */
export async function neededLibraries(file: string): Promise<string[] | null> {
  const handle = await open(file)
  const read = async (at: number, length: number) => {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, at)
    return buffer.subarray(0, bytesRead)
  }
  try {
    return await needed(read)
  } catch (error) {
    // An offset that leads out of the file, as in one that is cut.
    if (error instanceof RangeError) return null
    throw error
  } finally {
    await handle.close()
  }
}

async function needed(read: (at: number, length: number) => Promise<Buffer>): Promise<string[] | null> {
  const header = await read(0, 64)
  // Magic, ELFCLASS64, ELFDATA2LSB.
  if (header.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') return null
  const [start, entry, count] = [whole(header, 32), header.readUInt16LE(54), header.readUInt16LE(56)]
  const table = await read(start, entry * count)
  const segments = Array.from({ length: count }, (_, i): Segment => {
    const at = i * entry
    return {
      type: table.readUInt32LE(at),
      offset: whole(table, at + 8),
      address: whole(table, at + 16),
      size: whole(table, at + 32),
    }
  })
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC)
  if (dynamic === undefined) return []
  const entries = await read(dynamic.offset, dynamic.size)
  const names: number[] = []
  let [strings, size] = [0, 0]
  for (let at = 0; at < entries.length; at += 16) {
    const [tag, value] = [whole(entries, at), whole(entries, at + 8)]
    if (tag === DT_NEEDED) names.push(value)
    if (tag === DT_STRTAB) strings = value
    if (tag === DT_STRSZ) size = value
  }
  const place = segments.find(
    ({ type, address, size }) => type === PT_LOAD && strings >= address && strings < address + size,
  )
  if (place === undefined) return null
  const text = await read(place.offset + strings - place.address, size)
  return names.map((at) => text.toString('latin1', at, text.indexOf(0, at)))
}

function whole(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at))
}
