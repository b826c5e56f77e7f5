/** What lies in a folder of pictures, and which file a name from a manifest means. */
import { readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { IMAGE_EXTENSIONS } from '../codec/format.js'
import { AugmentError } from '../core/errors.js'
import { quoted, reasonOf } from './problems.js'

const IMAGE_NAME = new RegExp(`\\.(${IMAGE_EXTENSIONS.join('|')})$`, 'i')

/** Whether a file is a picture by its extension, in any case. */
export function isImageName(file: string): boolean {
  return IMAGE_NAME.test(file)
}

/** The files below a folder, by posix path relative to it. Hidden files and folders, and our own runs, are left out. */
export class Folder {
  readonly root: string
  /** Regular files, whatever their extension. */
  readonly files: ReadonlySet<string>
  /** Symbolic links; they are not followed while scanning. */
  readonly links: readonly string[]
  readonly #realRoot: string
  #aliases: Map<string, string | undefined> | undefined

  private constructor(root: string, realRoot: string, files: ReadonlySet<string>, links: readonly string[]) {
    this.root = root
    this.#realRoot = realRoot
    this.files = files
    this.links = links
  }

  /** Lists everything below `root`. Throws AugmentError `usage` if it is no folder that can be read. */
  static async scan(root: string): Promise<Folder> {
    const files = new Set<string>()
    const links: string[] = []
    const pending = ['']
    for (let prefix = pending.pop(); prefix !== undefined; prefix = pending.pop()) {
      const entries = await readdir(path.join(root, prefix), { withFileTypes: true }).catch((cause) => {
        throw new AugmentError('usage', `${path.join(root, prefix)}: expected a readable folder (${reasonOf(cause)})`)
      })
      // An output folder inside the pictures' folder is no source of pictures.
      if (prefix !== '' && entries.some((entry) => entry.name === '.sage')) continue
      for (const entry of entries) {
        if (entry.name.startsWith('.')) continue
        if (entry.isFile()) files.add(prefix + entry.name)
        else if (entry.isSymbolicLink()) links.push(prefix + entry.name)
        else if (entry.isDirectory()) pending.push(`${prefix}${entry.name}/`)
      }
    }
    return new Folder(path.resolve(root), await realpath(root), files, links)
  }

  /**
   * The file below the root that `name` means: itself, or the only one with that name in another Unicode normal form or
   * with an extension added. Otherwise what is wrong with the name, as `problem`.
   */
  async locate(name: string): Promise<{ file: string } | { problem: string }> {
    if (this.files.has(name)) return { file: name }
    if (name === '') return { problem: 'found an empty file name, expected a path' }
    const file = path.posix.normalize(name)
    if (path.posix.isAbsolute(name) || path.win32.isAbsolute(name) || /^\.\.(\/|\\|$)/.test(file)) {
      return { problem: `path ${quoted(name)} leaves the folder of the pictures` }
    }
    if (this.files.has(file)) return { file }
    const alias = this.#alias(file)
    return alias === undefined ? this.#locateOnDisk(file) : { file: alias }
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

  /** Links and hidden files, which the scan does not list. */
  async #locateOnDisk(file: string): Promise<{ file: string } | { problem: string }> {
    try {
      const real = await realpath(path.join(this.root, file))
      const inside = path.relative(this.#realRoot, real)
      if (inside.split(path.sep)[0] === '..' || path.isAbsolute(inside)) {
        return { problem: `path ${quoted(file)} leaves the folder of the pictures by a symbolic link` }
      }
      return (await stat(real)).isFile() ? { file } : { problem: `found a folder at ${quoted(file)}, expected a file` }
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code
      return {
        problem: code === 'ENOENT' ? `file ${quoted(file)} does not exist` : `${quoted(file)}: ${reasonOf(cause)}`,
      }
    }
  }
}

function aliasKeys(file: string): string[] {
  const normal = file.normalize('NFC')
  return isImageName(normal) ? [normal, normal.replace(IMAGE_NAME, '')] : [normal]
}
