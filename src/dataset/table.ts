import path from 'node:path'
import { parseCsvTable } from './csvTable.js'
import { parseJsonTable } from './jsonTable.js'
import type { WrittenLabel } from './labels.js'
import type { Problems } from './problems.js'
import { readText } from './text.js'

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

/**
 * Reads a manifest by its extension: .csv, .json (an array of rows) or .jsonl. `name` stands for it in messages. What is
 * wrong with single rows goes to `problems`; throws AugmentError `usage` if the file cannot be read.
 */
export async function readTable(file: string, name: string, problems: Problems): Promise<Table> {
  const extension = path.extname(file).toLowerCase()
  if (extension === '.csv') return parseCsvTable(await readText(file), name, problems)
  if (extension === '.json' || extension === '.jsonl') {
    return parseJsonTable(await readText(file), extension === '.jsonl', name, problems)
  }
  problems.add(name, `found a file named *${extension}, expected a .csv, .json or .jsonl manifest`)
  return { rows: [], placeOf: () => name }
}
