import type { Label } from '../core/softLabel.js'

/** A picture and its label. */
export interface Source {
  /** Posix path relative to the manifest's root; in a file that holds many, that path, # and what it is called there. */
  readonly file: string
  /** A class index, or a distribution over the classes if it is not one-hot. */
  readonly label: Label
}

/** Order of UTF-16 code units. */
export function byFile(a: { readonly file: string }, b: { readonly file: string }): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : 0
}
