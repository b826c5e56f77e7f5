import type { FileId, FileNames } from './fileNames.js'
import type { Classes, WrittenLabel } from './labels.js'
import type { Problems } from './problems.js'
import type { SplitChoice } from './splits.js'

/** Tables of labels that are looked for in a folder of pictures, the first one being taken. */
export const FOUND_NAMES = ['labels.csv', 'metadata.csv', 'metadata.jsonl', 'labels.json'] as const

/** The column or key of a file's name, in the order they are looked for. */
export const FILE_KEYS = ['file_name', 'filename', 'image', 'path', 'id'] as const

/** The column or key of a hard label, in the order they are looked for. */
export const LABEL_KEYS = ['label', 'class', 'target'] as const

/** The rows of a manifest as written, in columns: an object for each of millions would take longer to make than the file to read. */
export interface Rows {
  /** Each row's line in the file, or its index in a JSON array. */
  readonly positions: readonly number[]
  /** Its file, by the place among those of the folder or as written. */
  readonly files: readonly FileId[]
  readonly labels: readonly WrittenLabel[]
}

export const NO_ROWS: Rows = { positions: [], files: [], labels: [] }

/** A manifest as written. */
export interface Table {
  readonly rows: Rows
  /** The class columns of soft labels, in their order. */
  readonly columns?: readonly string[]
  /** How the table was understood: "column class", "3 classes"; undefined where each row says it. */
  readonly meaning?: string
  /** Rows that are in another split. */
  readonly others?: number
  /** What is to be known of it, one sentence each. */
  readonly notices?: readonly string[]
  /** Where a row stands, as in "labels.csv:14" or "labels.json[3]". */
  placeOf(position: number): string
}

/** With what a table is read. */
export interface Reading {
  /** What stands for the file in messages. */
  readonly name: string
  readonly problems: Problems
  /** The classes that the user named. */
  readonly classes: Classes | undefined
  /** Which rows are taken where a column says their split. */
  readonly choice: SplitChoice
  /** The files of the folder. */
  readonly files: FileNames
  placeOf(position: number): string
}
