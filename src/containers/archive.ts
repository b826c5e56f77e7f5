/** A zip or tar by the names of its members, each of which is read by itself. */
import { type Bytes, partOf } from './bytes.js'
import { ContainerError } from './containerError.js'
import { inflated } from './inflated.js'
import { type TarMember, tarMembers } from './tar.js'
import { memberBytes, readMember, type ZipMember, zipMembers } from './zip.js'

export interface Archive {
  /** In the order of the archive. */
  readonly names: readonly string[]
  has(name: string): boolean
  sizeOf(name: string): number
  /** A member as a whole. Throws ContainerError for more than MOST_BYTES, and where it is damaged. */
  read(name: string): Promise<Buffer>
  /** A large member, a part at a time. */
  bytes(name: string): Promise<Bytes>
}

/** A picture or table has no more bytes; a member that declares more may be a bomb. */
const MOST_BYTES = 2 ** 29

/** Refuses the second member of a name. */
function indexOf(members: readonly { readonly name: string }[]): Map<string, number> {
  const index = new Map<string, number>()
  for (const [i, { name }] of members.entries()) {
    if (index.has(name)) throw new ContainerError(`found ${JSON.stringify(name)} twice, expected each name once`)
    index.set(name, i)
  }
  return index
}

function checkSize(name: string, size: number): void {
  if (size <= MOST_BYTES) return
  throw new ContainerError(`found ${size} bytes declared for ${JSON.stringify(name)}, expected at most ${MOST_BYTES}`)
}

export async function openZip(file: string, bytes: Bytes): Promise<Archive> {
  const members: ZipMember[] = []
  for await (const member of zipMembers(file)) members.push(member)
  const index = indexOf(members)
  const found = (name: string) => members[index.get(name)!]!
  const large = new Map<string, Promise<Bytes>>()
  return {
    names: members.map(({ name }) => name),
    has: (name) => index.has(name),
    sizeOf: (name) => found(name).size,
    async read(name) {
      checkSize(name, found(name).size)
      return readMember(bytes, found(name))
    },
    bytes(name) {
      const known = large.get(name) ?? memberBytes(bytes, found(name))
      large.set(name, known)
      return known
    },
  }
}

/** A tar, or with `isPacked` one in gzip; `visit` sees each member while its bytes are at hand. */
export async function openTar(
  packed: Bytes,
  isPacked: boolean,
  visit?: (member: TarMember) => Promise<void>,
): Promise<Archive> {
  const bytes = isPacked ? await inflated(packed, { kind: 'gzip' }) : packed
  const names: string[] = []
  const places: number[] = []
  for await (const member of tarMembers(bytes)) {
    names.push(member.name)
    places.push(member.at, member.size)
    await visit?.(member)
  }
  const index = indexOf(names.map((name) => ({ name })))
  const [start, size] = [
    (name: string) => places[2 * index.get(name)!]!,
    (name: string) => places[2 * index.get(name)! + 1]!,
  ]
  return {
    names,
    has: (name) => index.has(name),
    sizeOf: size,
    read(name) {
      checkSize(name, size(name))
      return bytes.read(start(name), size(name))
    },
    bytes: async (name) => partOf(bytes, start(name), size(name)),
  }
}
