/** A zip or tar by the names of its members, each of which is read by itself. */
import { type Bytes, partOf } from './bytes.js'
import { ContainerError } from './containerError.js'
import { inflated } from './inflated.js'
import { type TarMember, tarMembers } from './tar.js'
import { memberBytes, readMember, type ZipMember, zipMembers } from './zip.js'

export interface Archive {
  /** Sorted, but for the class files of a WebDataset. */
  readonly names: readonly string[]
  has(name: string): boolean
  /** A member as a whole. Throws ContainerError for more than MOST_BYTES, and where it is damaged. */
  read(name: string): Promise<Buffer>
  /** A large member, a part at a time. */
  bytes(name: string): Promise<Bytes>
}

/** A picture or table has no more bytes; a member that declares more may be a bomb. */
const MOST_BYTES = 2 ** 29

/** Members by their names, of which there may be a million: a sorted list takes half of what a Map does. */
class Index<T extends { readonly name: string }> {
  readonly #members: readonly T[]

  /** Throws ContainerError for the second member of a name. */
  constructor(members: readonly T[]) {
    this.#members = members.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    for (const [i, { name }] of this.#members.entries()) {
      if (name !== this.#members[i + 1]?.name) continue
      throw new ContainerError(`found ${JSON.stringify(name)} twice, expected each name once`)
    }
  }

  find(name: string): T | undefined {
    let [low, high] = [0, this.#members.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#members[middle]!.name < name) low = middle + 1
      else high = middle
    }
    const found = this.#members[low]
    return found?.name === name ? found : undefined
  }

  get names(): string[] {
    return this.#members.map(({ name }) => name)
  }
}

function checkSize(name: string, size: number): void {
  if (size <= MOST_BYTES) return
  throw new ContainerError(`found ${size} bytes declared for ${JSON.stringify(name)}, expected at most ${MOST_BYTES}`)
}

export async function openZip(file: string, bytes: Bytes): Promise<Archive> {
  const members: ZipMember[] = []
  for await (const member of zipMembers(file)) members.push(member)
  const index = new Index(members)
  const large = new Map<string, Promise<Bytes>>()
  return {
    get names() {
      return index.names
    },
    has: (name) => index.find(name) !== undefined,
    async read(name) {
      const member = index.find(name)!
      checkSize(name, member.size)
      return readMember(bytes, member)
    },
    bytes(name) {
      const known = large.get(name) ?? memberBytes(bytes, index.find(name)!)
      large.set(name, known)
      return known
    },
  }
}

/** The class beside each picture of a WebDataset, which is read while the archive is opened, or never. */
const CLASS_FILE = /\.cls$/i

/** A tar, or with `isPacked` one in gzip; `visit` sees each member while its bytes are at hand. */
export async function openTar(
  packed: Bytes,
  isPacked: boolean,
  visit?: (member: TarMember) => Promise<void>,
): Promise<Archive> {
  const bytes = isPacked ? await inflated(packed, { kind: 'gzip' }) : packed
  const members: { readonly name: string; readonly at: number; readonly size: number }[] = []
  const classes = new Set<string>()
  for await (const member of tarMembers(bytes)) {
    const { name, at, size } = member
    if (!CLASS_FILE.test(name)) members.push({ name, at, size })
    else if (classes.has(name)) throw new ContainerError(`found ${JSON.stringify(name)} twice, expected each name once`)
    else classes.add(name)
    await visit?.(member)
  }
  const index = new Index(members)
  return {
    get names() {
      return index.names
    },
    has: (name) => index.find(name) !== undefined,
    read(name) {
      const { at, size } = index.find(name)!
      checkSize(name, size)
      return bytes.read(at, size)
    },
    async bytes(name) {
      const { at, size } = index.find(name)!
      return partOf(bytes, at, size)
    },
  }
}
