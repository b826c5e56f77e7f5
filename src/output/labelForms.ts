/** The table of labels.csv as JSON lines and as Parquet, made of the rows of metadata.jsonl. */
import type { ByteWriter } from 'hyparquet-writer'
import type { LabelsFormat } from '../core/labelsFormats.js'
import { formatFloat, type MetadataRow } from './rows.js'

/** Cells of one row group, which is what is held in memory: 64 MiB of float64. Small groups make a large footer. */
const GROUP_CELLS = 2 ** 23

/** `{"file_name": "...", "<class 1>": 0.6125, ..., "<class K>": 0.0}`, one line per picture. */
async function* labelsJsonl(
  metadata: AsyncIterable<{ row: MetadataRow }>,
  classes: readonly string[],
): AsyncGenerator<Uint8Array> {
  const keys = classes.map((name) => JSON.stringify(name))
  for await (const { row } of metadata) {
    const { file_name: file, soft_label: label } = row
    const weights = label.map((weight, k) => `${keys[k]}: ${formatFloat(weight)}`)
    yield Buffer.from(`{${[`"file_name": ${JSON.stringify(file)}`, ...weights].join(', ')}}\n`)
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

type LabelWriter = (
  metadata: AsyncIterable<{ row: MetadataRow }>,
  classes: readonly string[],
) => AsyncIterable<Uint8Array>

/** THE TABLE of formats: the bytes of labels.<format>. */
export const LABEL_WRITERS: Readonly<Record<Exclude<LabelsFormat, 'csv'>, LabelWriter>> = {
  jsonl: labelsJsonl,
  parquet: labelsParquet,
}
