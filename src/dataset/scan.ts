/** What lies in a folder of pictures, and which file a name from a manifest means. */
import { readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { IMAGE_EXTENSIONS } from '../codec/format.js'
import { AugmentError } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'
import { quoted } from './problems.js'

const IMAGE_NAME = new RegExp(`\\.(${IMAGE_EXTENSIONS.join('|')})$`, 'i')

/** Whether a file is a picture by its extension, in any case. */
export function isImageName(file: string): boolean {
  return IMAGE_NAME.test(file)
}

type Located = { readonly file: string; readonly listed: boolean } | { readonly problem: string }

/** What a scan lists, by posix path relative to the root. */
interface Listing {
  readonly files: Set<string>
  readonly folders: Set<string>
  readonly links: Set<string>
  /** Output folders of ours, which are no source of pictures and not entered. */
  readonly runs: Set<string>
}

/** The files below a folder, hidden ones and those of our own runs left out. */
export class Folder {
  readonly root: string
  readonly #realRoot: string
  readonly #listing: Listing
  #aliases: Map<string, string | undefined> | undefined

  private constructor(root: string, realRoot: string, listing: Listing) {
    this.root = root
    this.#realRoot = realRoot
    this.#listing = listing
  }

  /** Regular files, whatever their extension, by posix path relative to the root. */
  get files(): ReadonlySet<string> {
    return this.#listing.files
  }

  /** Folders below the root that are no output of ours, and `.` itself. */
  get folders(): ReadonlySet<string> {
    return this.#listing.folders
  }

  /** Symbolic links; the scan does not follow them. */
  get links(): ReadonlySet<string> {
    return this.#listing.links
  }

  /** Lists everything below `root`. Throws AugmentError `usage` if it is no folder that can be read. */
  static async scan(root: string): Promise<Folder> {
    const listing = {
      files: new Set<string>(),
      folders: new Set(['.']),
      links: new Set<string>(),
      runs: new Set<string>(),
    }
    const pending = ['']
    for (let prefix = pending.pop(); prefix !== undefined; prefix = pending.pop()) {
      const entries = await readdir(path.join(root, prefix), { withFileTypes: true }).catch((cause) => {
        const message = `${path.join(root, prefix)}: ${reasonOf(cause)}, expected a folder of pictures`
        throw new AugmentError('usage', message, hintFor(cause))
      })
      if (prefix !== '' && entries.some((entry) => entry.name === '.sage')) {
        listing.runs.add(prefix.slice(0, -1))
        listing.folders.delete(prefix.slice(0, -1))
        continue
      }
      for (const entry of entries) {
        if (entry.name.startsWith('.')) continue
        const file = prefix + entry.name
        if (entry.isFile()) listing.files.add(file)
        else if (entry.isSymbolicLink()) listing.links.add(file)
        else if (entry.isDirectory()) {
          listing.folders.add(file)
          pending.push(`${file}/`)
        }
      }
    }
    return new Folder(path.resolve(root), await realpath(root), listing)
  }

  /**
   * The file below the root that `name` means: itself, or the only one with that name in another Unicode normal form or
   * with an extension added, and whether it is among `files`. Otherwise what is wrong with the name, as `problem`.
   */
  async locate(name: string): Promise<Located> {
    if (this.files.has(name)) return { file: name, listed: true }
    if (name === '') return { problem: 'found an empty file name, expected a path' }
    const file = path.posix.normalize(name)
    if (path.posix.isAbsolute(name) || path.win32.isAbsolute(name) || /^\.\.(\/|\\|$)/.test(file)) {
      return { problem: `path ${quoted(name)} leaves the folder of the pictures` }
    }
    const listed = this.files.has(file) ? file : this.#alias(file)
    if (listed !== undefined) return { file: listed, listed: true }
    if (this.#mayBeUnlisted(file)) return this.#locateOnDisk(file)
    const isFolder = this.#listing.folders.has(file.replace(/\/$/, ''))
    return { problem: isFolder ? aFolder(file) : missing(file) }
  }

  #alias(file: string): string | undefined {
    if (this.#aliases === undefined) {
      this.#aliases = new Map()
      for (const listed of this.files) {
        for (const key of aliasKeys(listed)) this.#aliases.set(key, this.#aliases.has(key) ? undefined : listed)
      }
    }
    return this.#aliases.get(file.normalize('NFC'))
  }

  /** Whether a part of the path is hidden, a link or a run of ours; all else that exists is listed. */
  #mayBeUnlisted(file: string): boolean {
    const parts = file.split('/')
    return parts.some((part, i) => {
      const place = parts.slice(0, i + 1).join('/')
      return (part.startsWith('.') && part !== '.') || this.links.has(place) || this.#listing.runs.has(place)
    })
  }

  async #locateOnDisk(file: string): Promise<Located> {
    try {
      const real = await realpath(path.join(this.root, file))
      const inside = path.relative(this.#realRoot, real)
      if (inside.split(path.sep)[0] === '..' || path.isAbsolute(inside)) {
        return { problem: `path ${quoted(file)} leaves the folder of the pictures by a symbolic link` }
      }
      return (await stat(real)).isFile() ? { file, listed: false } : { problem: aFolder(file) }
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code
      return {
        problem: code === 'ENOENT' ? missing(file) : `${quoted(file)}: ${reasonOf(cause)}`,
      }
    }
  }
}

function missing(file: string): string {
  return `file ${quoted(file)} does not exist`
}

function aFolder(file: string): string {
  return `found a folder at ${quoted(file)}, expected a file`
}

function aliasKeys(file: string): string[] {
  const normal = file.normalize('NFC')
  return isImageName(normal) ? [normal, normal.replace(IMAGE_NAME, '')] : [normal]
}
