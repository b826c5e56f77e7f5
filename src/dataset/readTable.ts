import path from 'node:path'
import { readCsvTable } from './csvTable.js'
import { FileNames } from './fileNames.js'
import { jsonLines } from './json.js'
import { jsonArray, readJsonTable } from './jsonTable.js'
import type { Classes } from './labels.js'
import type { Problems } from './problems.js'
import type { SplitChoice } from './splits.js'
import { NO_ROWS, type Table } from './table.js'
import { textOf } from './text.js'

/**
 * Reads a manifest of any size by its extension: .csv, .json (an array of rows) or .jsonl. `name` stands for it in
 * messages, `classes` are those that the user named, `files` those of the folder. What is wrong with single rows goes to
 * `problems`; throws AugmentError `usage` if the file cannot be read.
 */
export async function readTable(
  file: string,
  name: string,
  classes: Classes | undefined,
  problems: Problems,
  choice: SplitChoice = {},
  files: FileNames = FileNames.of([]),
): Promise<Table> {
  const extension = path.extname(file).toLowerCase()
  const placeOf = (position: number) => (extension === '.json' ? `${name}[${position}]` : `${name}:${position}`)
  const reading = { name, classes, problems, choice, files, placeOf }
  if (extension === '.csv') return readCsvTable(textOf(file), reading)
  if (extension === '.json') return readJsonTable(jsonArray(textOf(file), reading), reading)
  if (extension === '.jsonl') return readJsonTable(jsonLines(file, name, problems), reading)
  const found = extension === '' ? 'a name without extension' : `a file named *${extension}`
  problems.add(name, `found ${found}, expected a .csv, .json or .jsonl manifest`)
  return { rows: NO_ROWS, placeOf }
}
