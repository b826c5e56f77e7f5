import { stringify } from 'csv-stringify/sync'
import { heaviest, type SoftLabel } from '../core/softLabel.js'

/** One finished output, as the label files tell it. */
export interface Row {
  readonly index: number
  /** Relative to the output folder, posix separators. */
  readonly file: string
  readonly label: SoftLabel
  readonly lambda: number
  /** Paths of the sources relative to the image folder; the second is missing for an original. */
  readonly sources: readonly [string, ...string[]]
  readonly provenance: Readonly<Record<string, unknown>>
}

/**
 * A number that every reader takes for a float: `1.0`, `0.6125`, `1.0e-7`. Integers without a point make type-guessing
 * loaders fix a column to integers and fail on the first fraction.
 */
export function formatFloat(x: number): string {
  const text = String(x)
  if (text.includes('.')) return text
  return text.includes('e') ? text.replace('e', '.0e') : `${text}.0`
}

/** The header of labels.csv; classes are named as in every other file, also where a spreadsheet sees a formula in that. */
export function labelsHeader(classes: readonly string[]): string {
  return stringify([['file_name', ...classes]])
}

/** One line of labels.csv: file name (numeric, hence unquoted) and K floats. */
export function labelsLine(row: Row): string {
  return `${row.file},${Array.from(row.label, formatFloat).join(',')}\n`
}

/** One line of metadata.jsonl, the form Hugging Face `imagefolder` reads. `label` is the heaviest class. */
export function metadataLine(row: Row, classes: readonly string[]): string {
  const fields = [
    `"file_name": ${JSON.stringify(row.file)}`,
    `"label": ${JSON.stringify(classes[heaviest(row.label)])}`,
    `"soft_label": [${Array.from(row.label, formatFloat).join(', ')}]`,
    `"lambda": ${formatFloat(row.lambda)}`,
    `"source_a": ${JSON.stringify(row.sources[0])}`,
    // A string in every row: a loader that sees only nulls at first would fix the column to null.
    `"source_b": ${JSON.stringify(row.sources[1] ?? row.sources[0])}`,
  ]
  return `{${fields.join(', ')}}\n`
}

/** One line of provenance.jsonl: all that is needed to make the output again. */
export function provenanceLine(row: Row): string {
  return `${JSON.stringify({ index: row.index, file_name: row.file, ...row.provenance })}\n`
}
