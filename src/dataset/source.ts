import type { Label } from '../core/softLabel.js'
import type { FileId, FileNames } from './fileNames.js'

/** A picture and its label. */
export interface Source {
  /** Posix path relative to the manifest's root; in a file that holds many, that path, # and what it is called there. */
  readonly file: string
  /** A class index, or a distribution over the classes if it is not one-hot. */
  readonly label: Label
}

/** Sources that need not be objects all at once, as millions of them would take longer to make than to read. An array is such a list. */
export interface Sources<T = Source> extends Iterable<T> {
  readonly length: number
  at(place: number): T | undefined
}

/** Where the pictures lie, one at a time. */
export function* filesOf(sources: Sources): Generator<string> {
  for (const { file } of sources) yield file
}

/** Order of UTF-16 code units. */
export function byFile(a: { readonly file: string }, b: { readonly file: string }): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : 0
}

/** Sources in columns: files that `names` mostly has, and their labels. */
export class ListedSources implements Sources {
  readonly #names: FileNames
  readonly #files: readonly FileId[]
  readonly #labels: readonly Label[]

  constructor(names: FileNames, files: readonly FileId[], labels: readonly Label[]) {
    this.#names = names
    this.#files = files
    this.#labels = labels
  }

  get length(): number {
    return this.#files.length
  }

  at(place: number): Source | undefined {
    const file = this.#files[place]
    return file === undefined ? undefined : { file: this.#names.nameOf(file), label: this.#labels[place]! }
  }

  *[Symbol.iterator](): Generator<Source> {
    for (let place = 0; place < this.length; place++) yield this.at(place)!
  }
}
