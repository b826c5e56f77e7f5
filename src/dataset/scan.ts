/** What lies in a folder of pictures, and which file a name from a manifest means. */
import { readlink, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { IMAGE_EXTENSIONS } from '../codec/format.js'
import { hasKey, insideOf, openContainer } from '../containers/container.js'
import { reasonOf } from '../core/systemError.js'
import { absolute, isObject } from '../objects/place.js'
import { FileNames } from './fileNames.js'
import { foldersOf, isHidden, type Listing, list } from './listing.js'
import { listStore } from './listStore.js'
import { NearFiles } from './nearFile.js'
import { quoted } from './problems.js'

const IMAGE_NAME = new RegExp(`\\.(${IMAGE_EXTENSIONS.join('|')})$`, 'i')

const ENDINGS: ReadonlySet<string> = new Set(IMAGE_EXTENSIONS)

/** The ending of the picture that was asked for last: in most folders the next one has it, too. */
let last = '.png'

/** Whether a file is a picture by its extension, in any case. */
export function isImageName(file: string): boolean {
  if (file.endsWith(last)) return true
  const dot = file.lastIndexOf('.')
  if (dot < 0 || !ENDINGS.has(file.slice(dot + 1).toLowerCase())) return false
  last = file.slice(dot)
  return true
}

type Located =
  | { readonly file: string; readonly listed: boolean }
  | { readonly problem: string; readonly hint?: string | undefined }

/** What can be done about links that leave the folder. */
export const FOLLOW_LINKS = '--follow-links reads what links point to, wherever it is'

export interface ScanOptions {
  /** Whether to read what symbolic links point to, wherever that lies. */
  readonly followLinks?: boolean
}

/** The files below a folder, hidden ones and those of our own runs left out. */
export class Folder {
  readonly root: string
  readonly #realRoot: string
  readonly #listing: Listing
  readonly #followLinks: boolean
  /** What located links lead to, and the first name that leads there. */
  readonly #targets = new Map<string, string>()
  readonly #realFolders = new Map<string, string>()
  #near: NearFiles | undefined
  #aliases: Map<string, string | undefined> | undefined

  private constructor(root: string, realRoot: string, listing: Listing, followLinks: boolean) {
    this.#followLinks = followLinks
    this.root = root
    this.#realRoot = realRoot
    this.#listing = listing
  }

  /** Regular files, whatever their extension, by posix path relative to the root. */
  get files(): FileNames {
    return this.#listing.files
  }

  /** Folders below the root that are no output of ours, and `.` itself. */
  get folders(): ReadonlySet<string> {
    return this.#listing.folders
  }

  /** Files that a link names once more which was followed or located, with the name they had before. */
  get twice(): ReadonlyMap<string, string> {
    return this.#listing.twice
  }

  /** What folders and tables of labels were when they were read; null where that does not tell all. */
  get stamps(): Listing['stamps'] {
    return this.#listing.stamps
  }

  /** Symbolic links that the scan did not follow. */
  get links(): ReadonlySet<string> {
    return this.#listing.links
  }

  /**
   * Lists everything below `root`, and with `followLinks` what links below it point to. Throws AugmentError `usage` if it is
   * no folder that can be read.
   */
  static async scan(root: string, { followLinks = false }: ScanOptions = {}): Promise<Folder> {
    if (isObject(root)) return new Folder(absolute(root), absolute(root), await listStore(root), followLinks)
    const listing = await list(root, followLinks)
    return new Folder(path.resolve(root), await realpath(root), listing, followLinks)
  }

  /** Files that are known by their names, hidden ones left out; for those of an archive `root` is its path and a #. */
  static of(root: string, names: readonly string[]): Folder {
    const files = FileNames.of([...new Set(names.filter((name) => !name.split('/').some(isHidden)))].sort())
    return new Folder(root, root, { ...nothing(), files, folders: foldersOf(files) }, false)
  }

  /** One of its folders as the root. */
  below(base: string): Folder {
    const start = `${base}/`
    const inside = (names: Iterable<string>) =>
      [...names].filter((name) => name.startsWith(start)).map((name) => name.slice(start.length))
    const { files, folders, links, runs, twice } = this.#listing
    const pairs = [...twice].filter(([name, first]) => name.startsWith(start) && first.startsWith(start))
    const listing = {
      files: FileNames.of(inside(files)),
      folders: new Set(['.', ...inside(folders)]),
      links: new Set(inside(links)),
      stamps: null,
      runs: new Set(inside(runs)),
      twice: new Map(pairs.map(([name, first]) => [name.slice(start.length), first.slice(start.length)])),
    }
    return new Folder(path.join(this.root, base), path.join(this.#realRoot, base), listing, this.#followLinks)
  }

  /**
   * The file below the root that `name` means: itself, or the only one with that name in another Unicode normal form or
   * with an extension added, and whether it is among `files`. Otherwise what is wrong with the name, as `problem`.
   */
  async locate(name: string): Promise<Located> {
    if (this.files.has(name)) return { file: name, listed: true }
    if (name === '') return { problem: 'found an empty file name, expected a path' }
    const inside = insideOf(name)
    if (inside !== undefined) return this.#locateInside(name, inside)
    const file = path.posix.normalize(path.posix.isAbsolute(name) ? await this.#relative(name) : name)
    if (path.posix.isAbsolute(file) || path.win32.isAbsolute(file) || /^\.\.(\/|\\|$)/.test(file)) {
      return this.#wrong(`path ${quoted(name)} leaves the folder of the pictures`, name)
    }
    const listed = this.files.has(file) ? file : this.#alias(file)
    if (listed !== undefined) return { file: listed, listed: true }
    if (this.#mayBeUnlisted(file)) return this.#locateOnDisk(file)
    if (this.#listing.folders.has(file.replace(/\/$/, ''))) return { problem: aFolder(file) }
    return this.#wrong(missing(file), name)
  }

  /** A picture in a container below the root, or in this archive where it is one. */
  async #locateInside(name: string, { file, key }: { file: string; key: string }): Promise<Located> {
    if (this.root.endsWith(`${path.sep}${path.basename(file)}#`)) return this.locate(key)
    const found = await this.locate(file)
    if ('problem' in found) return found
    try {
      const container = await openContainer(path.join(this.root, found.file))
      if (await hasKey(container, key)) return { file: `${found.file}#${key}`, listed: false }
    } catch (cause) {
      return { problem: `${quoted(file)}: ${reasonOf(cause)}` }
    }
    return this.#wrong(`${quoted(file)} has no picture ${quoted(key)}`, name)
  }

  #wrong(problem: string, name: string): Located {
    this.#near ??= new NearFiles(this.files)
    return { problem, hint: this.#near.hintFor(name, this.root) }
  }

  /** An absolute path that lies in the folder, relative to it; any other as it is. */
  async #relative(name: string): Promise<string> {
    const folder = path.dirname(name)
    for (const [root, place] of [
      [this.root, folder],
      [this.#realRoot, folder],
      [this.#realRoot, await this.#realFolder(folder)],
    ] as const) {
      const inside = path.relative(root, path.join(place, path.basename(name)))
      if (!path.isAbsolute(inside) && inside.split(path.sep)[0] !== '..') return inside.split(path.sep).join('/')
    }
    return name
  }

  async #realFolder(folder: string): Promise<string> {
    const known = this.#realFolders.get(folder)
    if (known !== undefined) return known
    const real = await realpath(folder).catch(() => folder)
    this.#realFolders.set(folder, real)
    return real
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
      return (isHidden(part) && part !== '.') || this.links.has(place) || this.#listing.runs.has(place)
    })
  }

  /** What is wrong where the path, or a folder in it, is a link to nothing. */
  async #brokenLink(file: string): Promise<{ problem: string } | undefined> {
    const parts = file.split('/')
    for (let i = 1; i <= parts.length; i++) {
      const place = path.join(this.root, ...parts.slice(0, i))
      const target = await readlink(place).catch(() => undefined)
      if (target === undefined || (await stat(place).catch(() => undefined)) !== undefined) continue
      const link = parts.slice(0, i).join('/')
      return { problem: `${quoted(link)} is a link that leads nowhere (${quoted(target)})` }
    }
    return undefined
  }

  #noteTarget(file: string, target: string): void {
    const first = this.files.has(target) ? target : (this.#targets.get(target) ?? file)
    if (first === file) this.#targets.set(target, file)
    else this.#listing.twice.set(file, first)
  }

  async #locateOnDisk(file: string): Promise<Located> {
    try {
      const real = await realpath(path.join(this.root, file))
      const inside = path.relative(this.#realRoot, real)
      if (!this.#followLinks && (inside.split(path.sep)[0] === '..' || path.isAbsolute(inside))) {
        return {
          problem: `path ${quoted(file)} leaves the folder of the pictures by a symbolic link`,
          hint: FOLLOW_LINKS,
        }
      }
      if (!(await stat(real)).isFile()) return { problem: aFolder(file) }
      this.#noteTarget(file, inside.split(path.sep).join('/'))
      return { file, listed: false }
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code
      const broken = code === 'ENOENT' ? await this.#brokenLink(file) : undefined
      if (broken !== undefined) return broken
      return code === 'ENOENT' ? this.#wrong(missing(file), file) : { problem: `${quoted(file)}: ${reasonOf(cause)}` }
    }
  }
}

function nothing(): Listing {
  return {
    files: FileNames.of([]),
    folders: new Set(['.']),
    links: new Set(),
    runs: new Set(),
    twice: new Map(),
    stamps: null,
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
