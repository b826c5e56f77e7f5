/** The members of a zip by its central directory; the door of yauzl. */
import { promisify } from 'node:util'
import { crc32, inflateRaw } from 'node:zlib'
import { type Entry, openPromise } from 'yauzl'
import { type Bytes, partOf } from './bytes.js'
import { ContainerError } from './containerError.js'
import { inflated } from './inflated.js'

const inflate = promisify<Buffer, object, Buffer>(inflateRaw)

export interface ZipMember {
  readonly name: string
  readonly size: number
  /** Of its local header in the archive. */
  readonly at: number
  readonly packed: number
  readonly method: number
  readonly crc: number
}

const [STORED, DEFLATED] = [0, 8]
const ENCRYPTED = 1
const LOCAL_HEADER = 30

/** The files of an archive, in its order. Throws ContainerError for what is no zip, damaged, or leads out of it. */
export async function* zipMembers(file: string): AsyncGenerator<ZipMember> {
  try {
    const archive = await openPromise(file)
    for await (const entry of archive.eachEntry()) if (!entry.fileName.endsWith('/')) yield memberOf(entry)
  } catch (cause) {
    if (cause instanceof ContainerError || (cause as NodeJS.ErrnoException).code !== undefined) throw cause
    throw new ContainerError(`found a damaged or truncated zip, or none (${(cause as Error).message}), expected a zip`)
  }
}

function memberOf(entry: Entry): ZipMember {
  const {
    fileName: name,
    uncompressedSize: size,
    compressedSize: packed,
    compressionMethod: method,
    crc32: crc,
  } = entry
  if (entry.generalPurposeBitFlag & ENCRYPTED) throw new ContainerError('found an encrypted zip, expected a plain one')
  if (method !== STORED && method !== DEFLATED) {
    throw new ContainerError(`found ${JSON.stringify(name)} compressed by method ${method}, expected deflate or none`)
  }
  return { name, size, at: entry.relativeOffsetOfLocalHeader, packed, method, crc }
}

/** The bytes of a member as a whole. Throws ContainerError where they are not as the archive declares them. */
export async function readMember(bytes: Bytes, member: ZipMember): Promise<Buffer> {
  const { size, packed, method, crc } = member
  const found = await bytes.read(await startOf(bytes, member), packed)
  const content = method === STORED ? found : await inflate(found, { maxOutputLength: Math.max(1, size) }).catch(refuse)
  if (content.length !== size || crc32(content) !== crc) return refuse()
  return content
}

function refuse(): never {
  throw new ContainerError('found damaged bytes or more than the zip declares, expected those of its checksum')
}

/** The bytes of a large member, a part at a time. */
export async function memberBytes(bytes: Bytes, member: ZipMember): Promise<Bytes> {
  const start = await startOf(bytes, member)
  const { size, packed, method } = member
  if (method === STORED) return partOf(bytes, start, size)
  const found = await inflated(partOf(bytes, start, packed), { kind: 'deflate', start: 0 }, size).catch(refuse)
  return found.size === size ? found : refuse()
}

/** The local header has a name and extra fields of its own lengths. */
async function startOf(bytes: Bytes, { at }: ZipMember): Promise<number> {
  const header = await bytes.read(at, LOCAL_HEADER)
  if (header.length < LOCAL_HEADER || header.readUInt32LE() !== 0x04034b50) return refuse()
  return at + LOCAL_HEADER + header.readUInt16LE(26) + header.readUInt16LE(28)
}
