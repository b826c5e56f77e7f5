/** The rows of a run's tables: what each holds, how it is written, and how it is read back. */
import { isUtf8 } from 'node:buffer'
import { stringify } from 'csv-stringify/sync'
import { z } from 'zod'
import { heaviestName, type SoftLabel } from '../core/softLabel.js'
import { reasonOf } from '../core/systemError.js'
import { PICTURE_NAME } from './layout.js'

const PICTURE = 'expected images/<number>.jpg or .png'
const HASH = 'expected 64 hexadecimal digits'
const INDEX = 'expected a whole number from 0 on'
const SHARE = 'expected a number between 0 and 1'
const PAIR = 'expected two whole numbers'

const pictureName = z.string(PICTURE).regex(PICTURE_NAME, PICTURE)
const hash = z.string(HASH).regex(/^[0-9a-f]{64}$/, HASH)
const index = z.int(INDEX).min(0, INDEX)
const share = z.number(SHARE).min(0, SHARE).max(1, SHARE)
const pair = z.tuple([z.int(PAIR), z.int(PAIR)], PAIR)
const fileName = z.string('expected a file name')

const done = z.literal(true, 'expected true').exactOptional()
const values = z.tuple([z.number(), z.number()], 'expected two numbers').readonly().exactOptional()

/** What decoding a source did that plain loaders do not do. */
const reading = z.object({
  turned: done,
  profile: done,
  alpha: done,
  depth: done,
  bands: z.int().exactOptional(),
  values,
  range: values,
  levels: z.int().exactOptional(),
})
export type Reading = z.infer<typeof reading>

/** A source as a row tells it; its label only where a pair fixed one. */
export const madeFrom = z.looseObject({
  file: fileName,
  sha256: hash,
  label: z
    .union([z.string(), z.record(z.string(), z.number())], 'expected a class, or weights as {"cat": 0.25, "dog": 0.75}')
    .exactOptional(),
  read: reading.exactOptional(),
})

/** A row of provenance.jsonl: all that is needed to make the output again. Methods add entries of their own. */
export const provenanceRow = z.looseObject({
  index,
  /** The pass over the pictures that the output belongs to; explicit pairs have none. */
  epoch: index.exactOptional(),
  file_name: pictureName,
  /** Of the picture's file. */
  sha256: hash,
  method: z.string('expected the name of a method'),
  /** Sample first; a single one for an original. */
  sources: z.array(madeFrom, 'expected the sources').min(1, 'expected at least one source'),
  canvas: pair,
  lambda: share,
  alpha: share.exactOptional(),
  /** In pixels of the canvas; in cells of the grid where there is an `offset`, as 0.1.0 has it. */
  shift: pair.exactOptional(),
  /** The shift in pixels of the canvas, in rows of 0.1.0. */
  offset: pair.exactOptional(),
  grid: pair.exactOptional(),
  total_saliency: z.number().exactOptional(),
  total_saliency_unshifted: z.number().exactOptional(),
})
export type ProvenanceRow = z.infer<typeof provenanceRow>

// One function for all weights: an array schema takes three times as long for a thousand classes.
const weights = z.custom<number[]>(
  (value) => Array.isArray(value) && value.every((weight) => typeof weight === 'number'),
  'expected a list of numbers',
)

/** A row of metadata.jsonl, the form Hugging Face `imagefolder` reads. */
export const metadataRow = z.looseObject({
  file_name: pictureName,
  /** The heaviest class; '' for a picture that shows none of several. */
  label: z.string('expected the name of a class'),
  soft_label: weights,
  lambda: share,
  source_a: fileName,
  source_b: fileName,
  epoch: index.exactOptional(),
})
export type MetadataRow = z.infer<typeof metadataRow>

/** A row of failures.jsonl: an output for which a source could not be used. */
export const failureRow = z.looseObject({
  index,
  sources: z.array(fileName, 'expected the sources'),
  message: z.string('expected what was wrong'),
})
export type Failure = z.infer<typeof failureRow>

/** One finished output; its rows in all tables follow from it. */
export interface Row {
  readonly label: SoftLabel
  readonly made: ProvenanceRow
}

/** A row's text as the value that it holds, unchanged, after a check; throws an Error "found ..., expected ...". */
export function parseRow<T>(schema: z.ZodType<T>, bytes: Buffer): T {
  if (!isUtf8(bytes)) throw new Error('found bytes that are not UTF-8, expected a row')
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new Error(`found text that is not JSON (${reasonOf(cause)}), expected a row`)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return value as T
  const [{ path: keys, message }] = parsed.error.issues as [z.core.$ZodIssue]
  throw new Error(keys.length === 0 ? 'expected a row in { }' : `${keys.join('.')}: ${message}`)
}

/** File name and weights of a line of labels.csv below its header; a file name never holds a comma. */
export function parseLabelsLine(bytes: Buffer): { file: string; label: SoftLabel } {
  const [file, ...cells] = bytes.toString('utf8').split(',') as [string, ...string[]]
  return { file, label: Float64Array.from(cells, (cell) => (cell.trim() === '' ? Number.NaN : Number(cell))) }
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

/** The weights of a label as labels.csv has them. To write them is most of the time that a row of many classes takes. */
export function weightsText(label: SoftLabel): string {
  return Array.from(label, formatFloat).join(',')
}

/** One line of labels.csv: file name (numeric, hence unquoted) and K floats. */
export function labelsLine({ label, made }: Row, weights = weightsText(label)): string {
  return `${made.file_name},${weights}\n`
}

/** One line of metadata.jsonl. */
export function metadataLine(
  { label, made: { file_name: file, lambda, sources, epoch } }: Row,
  classes: readonly string[],
  weights = weightsText(label),
): string {
  // A string in every row: a loader that sees only nulls at first would fix the column to null.
  const [a, b = a] = sources.map((source) => source.file) as [string, string?]
  const told = { file_name: file, label: heaviestName(label, classes), lambda, source_a: a, source_b: b }
  return `${metadataText({ ...told, ...(epoch !== undefined && { epoch }) }, weights)}\n`
}

/** What a row of metadata.jsonl says beside the weights. */
interface Told {
  readonly file_name: string
  readonly label: string
  readonly lambda: number
  readonly source_a: string
  readonly source_b: string
  readonly epoch?: number
}

/** The same without its line feed, of a row as it is read; `weights` as labels.csv has them. */
export function metadataText(
  row: Told & { readonly soft_label?: readonly number[] },
  weights = row.soft_label!.map((weight) => formatFloat(weight)).join(','),
): string {
  const fields = [
    `"file_name": ${JSON.stringify(row.file_name)}`,
    `"label": ${JSON.stringify(row.label)}`,
    `"soft_label": [${weights.replaceAll(',', ', ')}]`,
    `"lambda": ${formatFloat(row.lambda)}`,
    `"source_a": ${JSON.stringify(row.source_a)}`,
    `"source_b": ${JSON.stringify(row.source_b)}`,
    ...(row.epoch === undefined ? [] : [`"epoch": ${row.epoch}`]),
  ]
  return `{${fields.join(', ')}}`
}

/** A value as a line of JSON: a row of provenance.jsonl or failures.jsonl. */
export function jsonLine(value: ProvenanceRow | Failure): string {
  return `${JSON.stringify(value)}\n`
}
