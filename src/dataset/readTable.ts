import path from 'node:path'
import { parseCsvTable } from './csvTable.js'
import { parseJsonTable } from './jsonTable.js'
import type { Problems } from './problems.js'
import type { Table } from './table.js'
import { readText } from './text.js'

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
  problems.add(
    name,
    `found ${extension === '' ? 'a name without extension' : `a file named *${extension}`}, expected a .csv, .json or .jsonl manifest`,
  )
  return { rows: [], placeOf: () => name }
}
