/** Which file of a folder a name means that was written on another machine, for a hint. */
import { quoted } from './problems.js'

/** Finds by other slashes, folders before or missing, other letters and another ending; what is not unique is not found. */
export class NearFiles {
  readonly #byPath = new Map<string, string | undefined>()
  readonly #byName = new Map<string, string | undefined>()

  constructor(files: Iterable<string>) {
    for (const file of files) {
      for (const key of keysOf(file)) {
        note(this.#byPath, key, file)
        note(this.#byName, key.slice(key.lastIndexOf('/') + 1), file)
      }
    }
  }

  /** What to do about a name, with the file it means as an example; undefined where no file or more than one is near. */
  hintFor(name: string, root: string): string | undefined {
    const file = this.#find(name)
    if (file === undefined) return undefined
    const [parts, expected] = [name.replaceAll('\\', '/').split('/'), file.split('/')]
    const shared = Math.min(parts.length, expected.length)
    const [written, there] = [parts.slice(-shared).join('/'), expected.slice(-shared).join('/')]
    const sameLetters = written.toLowerCase() === there.toLowerCase()
    const ways = [
      ...(name.includes('\\') ? ['with / between folders'] : []),
      ...(parts.length === expected.length ? [] : [`relative to ${root}`]),
      ...(sameLetters && written !== there ? ['in capital and small letters as on the disk'] : []),
      ...(sameLetters ? [] : ['with the endings on the disk']),
    ]
    return `${quoted(name)} is found as ${quoted(file)}: write names ${ways.join(', ')}`
  }

  #find(name: string): string | undefined {
    for (const key of keysOf(name.replaceAll('\\', '/'))) {
      const parts = key.split('/')
      for (let i = 0; i < parts.length; i++) {
        const found = this.#byPath.get(parts.slice(i).join('/'))
        if (found !== undefined) return found
      }
    }
    const [key] = keysOf(name.replaceAll('\\', '/'))
    const [base, ...above] = key!.split('/').reverse()
    // Folders that the file does not have say that it is another one.
    const found = this.#byName.get(base!)
    return found !== undefined && (above.length === 0 || keysOf(found)[0]!.endsWith(`/${key}`)) ? found : undefined
  }
}

/** Endings of pictures, which may have been converted since. */
const ENDING = /\.(jpe?g|png|webp|tiff?|avif|gif|bmp)$/

/** The name in small letters, and without the ending of a picture. */
function keysOf(file: string): string[] {
  const key = file.normalize('NFC').toLowerCase()
  const stem = key.replace(ENDING, '')
  return stem === key ? [key] : [key, stem]
}

function note(index: Map<string, string | undefined>, key: string, file: string): void {
  index.set(key, index.has(key) && index.get(key) !== file ? undefined : file)
}
