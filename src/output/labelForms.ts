/** The table of labels.csv as JSON lines, as Parquet and sparse, made of the rows of metadata.jsonl. */
import { stringify } from 'csv-stringify/sync'
import type { ByteWriter } from 'hyparquet-writer'
import type { LabelsFormat } from '../core/labelsFormats.js'
import { formatFloat, type MetadataRow } from './rows.js'

/** Cells of one row group, which is what is held in memory: 64 MiB of float64. Small groups make a large footer. */
const GROUP_CELLS = 2 ** 23

/** `{"file_name": "...", "<class 1>": 0.6125, ..., "<class K>": 0.0}`, one line per picture. */
async function* labelsJsonl(
  metadata: () => AsyncIterable<{ row: MetadataRow }>,
  classes: readonly string[],
): AsyncGenerator<Uint8Array> {
  const keys = classes.map((name) => JSON.stringify(name))
  for await (const { row } of metadata()) {
    const { file_name: file, soft_label: label } = row
    const weights = label.map((weight, k) => `${keys[k]}: ${formatFloat(weight)}`)
    yield Buffer.from(`{${[`"file_name": ${JSON.stringify(file)}`, ...weights].join(', ')}}\n`)
  }
}

/**
 * The classes of some weight alone, for data sets of many: `file_name,label_a,label_b,lambda,index_1,weight_1,index_2,weight_2`.
 * The heaviest class comes first; lambda is its weight, and `label_b` the next one (or the same, where it is alone), so that
 * lambda loss(label_a) + (1 - lambda) loss(label_b) is the loss of a mix of two classes. There are as many indices and weights
 * as any row needs, at least two; index 0 of weight 0 fills up.
 */
async function* labelsSparse(
  metadata: () => AsyncIterable<{ row: MetadataRow }>,
  classes: readonly string[],
): AsyncGenerator<Uint8Array> {
  let most = 2
  for await (const { row } of metadata()) most = Math.max(most, row.soft_label.filter((weight) => weight > 0).length)
  const pairs = Array.from({ length: most }, (_, i) => [`index_${i + 1}`, `weight_${i + 1}`])
  yield Buffer.from(stringify([['file_name', 'label_a', 'label_b', 'lambda', ...pairs.flat()]]))
  for await (const { row } of metadata()) {
    const { file_name: file, soft_label: label } = row
    const held = [...label.keys()].filter((k) => label[k]! > 0).sort((a, b) => label[b]! - label[a]! || a - b)
    const [a = -1, b = a] = held
    const weights = pairs.flatMap((_, i) => [held[i] ?? 0, formatFloat(label[held[i] ?? -1] ?? 0)])
    yield Buffer.from(stringify([[file, classes[a] ?? '', classes[b] ?? '', formatFloat(label[a] ?? 0), ...weights]]))
  }
}

/** The same columns: `file_name` a string, a double for every class, none of them nullable. */
export async function* labelsParquet(
  metadata: AsyncIterable<{ row: MetadataRow }>,
  classes: readonly string[],
  groupCells = GROUP_CELLS,
): AsyncGenerator<Uint8Array> {
  // Most runs write none.
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import('hyparquet-writer')
  const writer = new ByteWriter()
  const schema = schemaFromColumnData({ columnData: columns([], classes) })
  const parquet = new ParquetWriter({ writer, schema })
  const size = Math.ceil(groupCells / (classes.length + 1))
  for await (const rows of groups(metadata, size)) {
    await parquet.write({ columnData: columns(rows, classes), rowGroupSize: size })
    yield taken(writer)
  }
  await parquet.finish()
  yield taken(writer)
}

function columns(rows: readonly MetadataRow[], classes: readonly string[]) {
  return [
    { name: 'file_name', data: rows.map((row) => row.file_name), type: 'STRING' as const, nullable: false },
    ...classes.map((name, k) => ({
      name,
      data: Float64Array.from(rows, (row) => row.soft_label[k]!),
      type: 'DOUBLE' as const,
      nullable: false,
    })),
  ]
}

async function* groups(metadata: AsyncIterable<{ row: MetadataRow }>, size: number): AsyncGenerator<MetadataRow[]> {
  let rows: MetadataRow[] = []
  for await (const { row } of metadata) {
    rows.push(row)
    if (rows.length < size) continue
    yield rows
    rows = []
  }
  if (rows.length > 0) yield rows
}

/** What has been written since the last time; the writer goes on counting its offset. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = writer.getBytes().slice()
  writer.index = 0
  return bytes
}

/** `metadata` reads the rows from the first on, each time that it is called. */
type LabelWriter = (
  metadata: () => AsyncIterable<{ row: MetadataRow }>,
  classes: readonly string[],
) => AsyncIterable<Uint8Array>

/** THE TABLE of formats: the bytes of their files. */
export const LABEL_WRITERS: Readonly<Record<Exclude<LabelsFormat, 'csv'>, LabelWriter>> = {
  jsonl: labelsJsonl,
  parquet: (metadata, classes) => labelsParquet(metadata(), classes),
  sparse: labelsSparse,
}
