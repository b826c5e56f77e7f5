import { readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'

/** Folders that systems and archives leave behind: thumbnails, what was deleted, what macOS adds to archives. */
const LEFT_BEHIND =
  /^(@eaDir|@Recycle|@Recently-Snapshot|@tmp|#recycle|#snapshot|__MACOSX|\$RECYCLE\.BIN|System Volume Information|lost\+found)$/

/** Whether a file or folder of that name is passed over, as hidden ones are. */
export function isHidden(name: string): boolean {
  return name.startsWith('.') || LEFT_BEHIND.test(name)
}

/** What lies below a folder, hidden files left out, by posix path relative to it. */
export interface Listing {
  readonly files: Set<string>
  readonly folders: Set<string>
  /** Symbolic links that were not followed. */
  readonly links: Set<string>
  /** Output folders of ours, which are no source of pictures and not entered. */
  readonly runs: Set<string>
  /** Files that a followed link names once more, with the first of their names. */
  readonly twice: Map<string, string>
}

interface Place {
  /** Relative, ending in a slash; empty for the root. */
  readonly prefix: string
  readonly real: string
  /** The real paths of the folders it lies in, as the links go. */
  readonly above: readonly string[]
}

/** Lists everything below `root`. Throws AugmentError `usage` if it is no folder that can be read. */
export async function list(root: string, followLinks: boolean): Promise<Listing> {
  const listing: Listing = {
    files: new Set(),
    folders: new Set(['.']),
    links: new Set(),
    runs: new Set(),
    twice: new Map(),
  }
  const names = new Map<string, string[]>()
  const pending: Place[] = [{ prefix: '', real: await realpath(root).catch(() => root), above: [] }]
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    const { prefix, real, above } = place
    // A link to a folder above it, which has been listed there.
    if (above.includes(real)) continue
    const entries = await readdir(path.join(root, prefix), { withFileTypes: true }).catch((cause) => {
      // What Node.js puts for bytes that are no UTF-8.
      const reason = prefix.includes('\uFFFD') ? 'found a name that is not UTF-8' : reasonOf(cause)
      const message = `${path.join(root, prefix)}: ${reason}, expected a folder of pictures`
      throw new AugmentError(
        'usage',
        message,
        prefix.includes('\uFFFD') ? { hint: 'rename the folder' } : hintFor(cause),
      )
    })
    if (prefix !== '' && entries.some((entry) => entry.name === '.sage')) {
      listing.runs.add(prefix.slice(0, -1))
      listing.folders.delete(prefix.slice(0, -1))
      continue
    }
    for (const entry of entries) {
      if (isHidden(entry.name)) continue
      const file = prefix + entry.name
      const isLink = entry.isSymbolicLink()
      const target = isLink && followLinks ? await stat(path.join(root, file)).catch(() => undefined) : entry
      const there =
        target !== entry && target !== undefined ? await realpath(path.join(root, file)) : path.join(real, entry.name)
      if (target === undefined || target.isSymbolicLink()) listing.links.add(file)
      else if (target.isFile()) {
        listing.files.add(file)
        if (followLinks) names.set(there, [...(names.get(there) ?? []), file])
      } else if (target.isDirectory()) {
        listing.folders.add(file)
        pending.push({ prefix: `${file}/`, real: there, above: followLinks ? [...above, real] : [] })
      }
    }
  }
  for (const same of names.values()) {
    const [first, ...others] = same.sort()
    for (const file of others) listing.twice.set(file, first!)
  }
  return listing
}
