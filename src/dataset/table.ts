import type { WrittenLabel } from './labels.js'

/** The column or key of a file's name, in the order they are looked for. */
export const FILE_KEYS = ['file_name', 'filename', 'image', 'path', 'id'] as const

/** The column or key of a hard label, in the order they are looked for. */
export const LABEL_KEYS = ['label', 'class', 'target'] as const

/** A row of a manifest as written. */
export interface Row {
  /** The row's line in the file, or its index in a JSON array. */
  readonly position: number
  readonly file: string
  readonly label: WrittenLabel
}

/** A manifest as written. */
export interface Table {
  readonly rows: readonly Row[]
  /** The class columns of a soft CSV, in their order. */
  readonly columns?: readonly string[]
  /** Where a row stands, as in "labels.csv:14" or "labels.json[3]". */
  placeOf(position: number): string
}
