/** Parquet shards with the schema of Hugging Face Datasets, so that `load_dataset` gives pictures, classes and soft labels. */
import type { ByteWriter, ColumnSource, ParquetWriter } from 'hyparquet-writer'
import { PARQUET_FOLDER } from './layout.js'
import { metadataRow, metadataText, parseRow } from './rows.js'
import type { Sample, ShardForm } from './shardForm.js'

/** Samples of a row group, which is what is in memory at once, here and in what reads it. */
const GROUP = 100

/** Columns `image` (bytes and path), `label` (ClassLabel), `soft_label`, `lambda`, `source_a`, `source_b` and `epoch`. */
export const parquet: ShardForm = {
  folder: PARQUET_FOLDER,
  ending: '.parquet',
  async *encode(samples, classes) {
    // Few runs write it.
    const { ByteWriter, ParquetWriter } = await import('hyparquet-writer')
    const writer = new ByteWriter()
    const kvMetadata = [{ key: 'huggingface', value: JSON.stringify({ info: { features: features(classes) } }) }]
    const file = new ParquetWriter({ writer, schema: SCHEMA, statistics: false, kvMetadata })
    const indices = new Map(classes.map((name, k) => [name, k]))
    for await (const group of groups(samples)) {
      await file.write({ columnData: columnsOf(group, indices), rowGroupSize: GROUP })
      yield taken(writer)
    }
    await file.finish()
    yield taken(writer)
  },
  async *decode(path) {
    const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import('hyparquet')
    const file = await asyncBufferFromFile(path)
    const metadata = await parquetMetadataAsync(file)
    const known = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value ?? '{}'
    const names: string[] = JSON.parse(known).info.features.label.names
    const rows = Number(metadata.num_rows)
    for (let rowStart = 0; rowStart < rows; rowStart += GROUP) {
      const rowEnd = Math.min(rows, rowStart + GROUP)
      const group = await parquetReadObjects({ file, metadata, rowStart, rowEnd, utf8: false })
      for (const row of group) yield sampleOf(row as unknown as Columns, names)
    }
  },
}

/** A row as it is read back. */
interface Columns {
  readonly image: { readonly bytes: Uint8Array; readonly path: string }
  readonly label: bigint
  readonly soft_label: readonly number[]
  readonly lambda: number
  readonly source_a: string
  readonly source_b: string
  readonly epoch?: bigint | null
}

function sampleOf(row: Columns, names: readonly string[]): Sample {
  const { image, label, soft_label: weights, lambda, source_a: a, source_b: b, epoch } = row
  const told = {
    file_name: image.path,
    label: names[Number(label)] ?? '',
    soft_label: [...weights],
    lambda,
    source_a: a,
    source_b: b,
    ...(epoch != null && { epoch: Number(epoch) }),
  }
  return { file: image.path, picture: image.bytes, row: Buffer.from(metadataText(told)) }
}

/** As Datasets names the types of its columns. */
function features(classes: readonly string[]): Readonly<Record<string, object>> {
  const value = (dtype: string) => ({ dtype, _type: 'Value' })
  return {
    image: { _type: 'Image' },
    label: { names: classes, _type: 'ClassLabel' },
    soft_label: { feature: value('float64'), _type: 'Sequence' },
    lambda: value('float64'),
    source_a: value('string'),
    source_b: value('string'),
    epoch: value('int64'),
  }
}

const OPTIONAL = { repetition_type: 'OPTIONAL' } as const
const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', ...OPTIONAL } as const

const SCHEMA: ConstructorParameters<typeof ParquetWriter>[0]['schema'] = [
  { name: 'schema', num_children: 7 },
  { name: 'image', num_children: 2, ...OPTIONAL },
  { name: 'bytes', type: 'BYTE_ARRAY', ...OPTIONAL },
  { name: 'path', ...TEXT },
  { name: 'label', type: 'INT64', ...OPTIONAL },
  { name: 'soft_label', num_children: 1, converted_type: 'LIST', ...OPTIONAL },
  { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
  { name: 'element', type: 'DOUBLE', ...OPTIONAL },
  { name: 'lambda', type: 'DOUBLE', ...OPTIONAL },
  { name: 'source_a', ...TEXT },
  { name: 'source_b', ...TEXT },
  { name: 'epoch', type: 'INT64', ...OPTIONAL },
]

function columnsOf(samples: readonly Sample[], indices: ReadonlyMap<string, number>): ColumnSource[] {
  const rows = samples.map(({ row }) => parseRow(metadataRow, Buffer.from(row)))
  const epochs = rows.map(({ epoch }) => (typeof epoch === 'number' ? BigInt(epoch) : null))
  return [
    // Pictures are compressed already, and no two are alike.
    {
      name: 'image',
      data: samples.map(({ file, picture }) => ({ bytes: picture, path: file })),
      codec: 'UNCOMPRESSED',
      encoding: 'PLAIN',
    },
    { name: 'label', data: rows.map(({ label }) => BigInt(indices.get(label) ?? -1)) },
    { name: 'soft_label', data: rows.map((row) => row.soft_label) },
    { name: 'lambda', data: rows.map(({ lambda }) => lambda) },
    { name: 'source_a', data: rows.map((row) => row.source_a) },
    { name: 'source_b', data: rows.map((row) => row.source_b) },
    { name: 'epoch', data: epochs },
  ]
}

async function* groups(samples: AsyncIterable<Sample>): AsyncGenerator<Sample[]> {
  let group: Sample[] = []
  for await (const sample of samples) {
    if (group.push(sample) < GROUP) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}

/** What has been written since the last time; the writer goes on counting its offset. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = writer.getBytes().slice()
  writer.index = 0
  return bytes
}
