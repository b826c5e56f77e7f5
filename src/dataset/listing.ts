import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'
import { type Stamp, stampAt, stampOf } from '../files/stamp.js'
import { FileNames, type NameText, textsOf } from './fileNames.js'
import { FOUND_NAMES } from './table.js'

/** Folders that systems and archives leave behind: thumbnails, what was deleted, what macOS adds to archives. */
const LEFT_BEHIND =
  /^(@eaDir|@Recycle|@Recently-Snapshot|@tmp|#recycle|#snapshot|__MACOSX|\$RECYCLE\.BIN|System Volume Information|lost\+found)$/

/** Whether a file or folder of that name is passed over, as hidden ones are. */
export function isHidden(name: string): boolean {
  return name.startsWith('.') || LEFT_BEHIND.test(name)
}

/** What lies below a folder, hidden files left out, by posix path relative to it. */
export interface Listing {
  readonly files: FileNames
  readonly folders: Set<string>
  /** Symbolic links that were not followed. */
  readonly links: Set<string>
  /** Output folders of ours, which are no source of pictures and not entered. */
  readonly runs: Set<string>
  /** Files that a followed link names once more, with the first of their names. */
  readonly twice: Map<string, string>
  /** What its folders, and tables of labels in them, were before they were read; null where links are among them. */
  readonly stamps: ReadonlyMap<string, Stamp> | null
}

/** Archives that are not read. */
const PACKED = /\.(7z|rar|cab|iso|txz|tbz2?|tzst|tlz|(tar\.)?(xz|bz2|zst|lz4|lzma|lz))$/i

function hintOf(root: string, cause: unknown): { hint?: string } {
  if ((cause as { code?: unknown }).code !== 'ENOTDIR' || !PACKED.test(root)) return hintFor(cause)
  return { hint: 'unpack it; .zip, .tar and .tar.gz are read as they are' }
}

interface Place {
  /** Relative, ending in a slash; empty for the root. */
  readonly prefix: string
  readonly real: string
  /** The real paths of the folders it lies in, as the links go. */
  readonly above: readonly string[]
}

const TABLES: ReadonlySet<string> = new Set(FOUND_NAMES)

/** Folders that are read side by side, as those of a file system far away wait for each other else. */
const SIDE_BY_SIDE = 8

/** Lists everything below `root`. Throws AugmentError `usage` if it is no folder that can be read. */
export async function list(root: string, followLinks: boolean): Promise<Listing> {
  const [folders, links, runs] = [new Set(['.']), new Set<string>(), new Set<string>()]
  const tree: Tree = new Map()
  const stamps = new Map<string, Stamp>()
  const names = new Map<string, string[]>()
  const pending: Place[] = [{ prefix: '', real: await realpath(root).catch(() => root), above: [] }]

  async function visit({ prefix, real, above }: Place, entries: readonly Dirent[]): Promise<void> {
    if (prefix !== '' && entries.some((entry) => entry.name === '.sage')) {
      runs.add(prefix.slice(0, -1))
      folders.delete(prefix.slice(0, -1))
      return
    }
    const inside: string[] = []
    for (const entry of entries) {
      const { name } = entry
      if (isHidden(name)) continue
      if (!followLinks && entry.isFile()) {
        inside.push(name)
        if (TABLES.has(name)) stamps.set(prefix + name, stampAt(path.join(root, prefix, name)))
        continue
      }
      const file = prefix + name
      const isLink = entry.isSymbolicLink()
      const target = isLink && followLinks ? await stat(path.join(root, file)).catch(() => undefined) : entry
      const there =
        target !== entry && target !== undefined ? await realpath(path.join(root, file)) : path.join(real, name)
      if (target === undefined || target.isSymbolicLink()) links.add(file)
      else if (target.isFile()) {
        inside.push(name)
        names.set(there, [...(names.get(there) ?? []), file])
      } else if (target.isDirectory()) {
        folders.add(file)
        inside.push(`${name}/`)
        pending.push({ prefix: `${file}/`, real: there, above: followLinks ? [...above, real] : [] })
      }
    }
    tree.set(prefix, sorted(prefix, inside))
  }

  while (pending.length > 0) {
    // Without a link to a folder above it, which has been listed there.
    const places = pending.splice(-SIDE_BY_SIDE).filter(({ above, real }) => !above.includes(real))
    const read = await Promise.all(places.map(({ prefix }) => entriesOf(root, prefix)))
    for (const [i, place] of places.entries()) {
      stamps.set(place.prefix, read[i]!.stamp)
      await visit(place, read[i]!.entries)
    }
  }
  const twice = new Map<string, string>()
  for (const same of names.values()) {
    const [first, ...others] = same.sort()
    for (const file of others) twice.set(file, first!)
  }
  const isPlain = !followLinks && links.size === 0
  return { files: new FileNames(textsIn(tree, '')), folders, links, runs, twice, stamps: isPlain ? stamps : null }
}

/** What lies in each folder, by its path and a slash, in code-unit order: its files, between the folders that end in a slash, too. */
type Tree = Map<string, readonly (NameText | string)[]>

/** The files `inside` a folder, in texts as soon as it is read, and the folders: with its slash a name sorts as the paths below do. */
function sorted(prefix: string, inside: string[]): (NameText | string)[] {
  inside.sort()
  const parts: (NameText | string)[] = []
  let start = 0
  for (let i = 0; i < inside.length; i++) {
    if (!inside[i]!.endsWith('/')) continue
    parts.push(...textsOf(prefix, inside.slice(start, i)), prefix + inside[i])
    start = i + 1
  }
  return [...parts, ...textsOf(prefix, inside.slice(start))]
}

/** The files of a folder and of those in it. */
function* textsIn(tree: Tree, prefix: string): Generator<NameText> {
  for (const part of tree.get(prefix) ?? []) {
    if (typeof part === 'string') yield* textsIn(tree, part)
    else yield part
  }
}

async function entriesOf(root: string, prefix: string): Promise<{ stamp: Stamp; entries: Dirent[] }> {
  const folder = path.join(root, prefix)
  try {
    const stamp = stampOf(await stat(folder))
    return { stamp, entries: await readdir(folder, { withFileTypes: true }) }
  } catch (cause) {
    // What Node.js puts for bytes that are no UTF-8.
    const isBroken = prefix.includes('\uFFFD')
    const reason = isBroken ? 'found a name that is not UTF-8' : reasonOf(cause)
    const message = `${folder}: ${reason}, expected a folder of pictures`
    throw new AugmentError('usage', message, isBroken ? { hint: 'rename the folder' } : hintOf(root, cause))
  }
}

/** All folders that files lie in. */
export function foldersOf(files: Iterable<string>): Set<string> {
  const folders = new Set(['.'])
  for (const file of files) {
    for (let end = file.indexOf('/'); end > 0; end = file.indexOf('/', end + 1)) folders.add(file.slice(0, end))
  }
  return folders
}
