/** The members of a tar (ustar, GNU and pax names), found by their headers so that each can be read by itself. */
import { Ahead, type Bytes } from './bytes.js'
import { ContainerError, checkInnerName } from './containerError.js'

export interface TarMember {
  readonly name: string
  /** Where its bytes begin in the archive. */
  readonly at: number
  readonly size: number
  /** Its bytes; cheap for a small one while it is the last that was found. */
  read(): Promise<Buffer>
}

const BLOCK = 512
/** Read at once: several headers of small members, not too much between those of large ones. */
const AHEAD = 2 ** 14
/** A longer name or pax header is damage. */
const LONGEST_HEADER = 2 ** 20

/** The regular files of an archive, in its order. Throws ContainerError for what is no tar, ends early or leads out of it. */
export async function* tarMembers(bytes: Bytes): AsyncGenerator<TarMember> {
  const ahead = new Ahead(bytes, AHEAD)
  let extended: { path?: string; size?: number } = {}
  for (let at = 0; ; ) {
    const header = await ahead.read(at, BLOCK)
    // Zeros end an archive: without them nobody knows how many members are missing.
    if (header.length < BLOCK) throw new ContainerError('found a truncated tar, expected a complete one')
    if (header.every((byte) => byte === 0)) return
    if (!isHeader(header)) throw new ContainerError(at === 0 ? 'found no tar, expected one' : 'found a damaged tar')
    const type = String.fromCharCode(header[156]!)
    const own = numberIn(header.subarray(124, 136))
    const size = extended.size ?? own
    const start = at + BLOCK
    at = start + Math.ceil(size / BLOCK) * BLOCK
    if (start + size > bytes.size) throw new ContainerError('found a truncated tar, expected a complete one')
    if (type === 'x' || type === 'L') {
      if (size > LONGEST_HEADER) throw new ContainerError('found a damaged tar')
      const text = (await ahead.read(start, size)).toString('utf8')
      extended = type === 'x' ? { ...extended, ...paxOf(text) } : { ...extended, path: text.replace(/\0.*$/s, '') }
      continue
    }
    const name = (extended.path ?? nameIn(header)).replace(/^(\.\/)+/, '')
    extended = type === 'g' || type === 'K' ? extended : {}
    if ((type !== '0' && type !== '\0' && type !== '7') || name.endsWith('/')) continue
    checkInnerName(name)
    yield { name, at: start, size, read: async () => Buffer.from(await ahead.read(start, size)) }
  }
}

/** The checksum counts its own eight bytes as spaces. */
function isHeader(header: Buffer): boolean {
  let sum = 8 * 32
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i]!
  return numberIn(header.subarray(148, 156)) === sum
}

/** Octal digits, or for large numbers base 256 behind a set bit, as GNU tar writes it. */
function numberIn(field: Buffer): number {
  if (field[0]! & 0x80) return field.subarray(1).reduce((value, byte) => value * 256 + byte, field[0]! & 0x7f)
  return Number.parseInt(textIn(field).trim() || '0', 8)
}

function nameIn(header: Buffer): string {
  const name = textIn(header.subarray(0, 100))
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? textIn(header.subarray(345, 500)) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

function textIn(field: Buffer): string {
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? field.length : end)
}

/** Path and size among the records `length key=value\n` of a pax header. */
function paxOf(text: string): { path?: string; size?: number } {
  const path = /(?:^|\n)\d+ path=([^\n]*)/.exec(text)?.[1]
  const size = /(?:^|\n)\d+ size=(\d+)/.exec(text)?.[1]
  return { ...(path !== undefined && { path }), ...(size !== undefined && { size: Number(size) }) }
}
