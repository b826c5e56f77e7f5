/** Parquet files with a column of pictures, of which a page at a time is read. */
import {
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaElement,
  type SchemaTree,
} from 'hyparquet'
import type { Bytes } from './bytes.js'
import { ContainerError } from './containerError.js'
import { BROKEN, chunkOf, fileOf, guarded, type PagedColumn, pagedColumn } from './parquetPages.js'

/** The column of pictures: where their bytes are, or the names of their files. */
interface PictureColumn {
  readonly name: string
  /** The schema down to the bytes, or to the path where all bytes are missing. */
  readonly leaf: readonly string[]
  readonly isPath: boolean
}

export interface ParquetFile {
  readonly rows: number
  /** The columns at the top, with what they hold: "binary", "text", "whole", "number", "list", "struct" or another type. */
  readonly columns: readonly { readonly name: string; readonly kind: string }[]
  /** What the Hugging Face library says of each column; empty where it did not write the file. */
  readonly features: Readonly<Record<string, Feature>>
  readonly pictures: PictureColumn | undefined
  /** All values of a column, some rows at a time. */
  values(column: string): AsyncGenerator<readonly unknown[]>
  /** The bytes of the picture in a row, null where there is none. */
  read(row: number): Promise<Uint8Array | null>
}

interface Feature {
  readonly type: string
  /** Of a ClassLabel. */
  readonly names?: readonly string[]
}

/** Throws ContainerError for what is no Parquet file, or a damaged one. */
export async function openParquet(bytes: Bytes): Promise<ParquetFile> {
  const metadata = await readMetadata(bytes)
  const tree = parquetSchema(metadata)
  const features = featuresIn(metadata)
  const pictures = pictureColumn(tree, features, metadata)
  let column: Promise<PagedColumn> | undefined
  return {
    rows: Number(metadata.num_rows),
    columns: tree.children.map((child) => ({ name: child.element.name, kind: kindOf(child) })),
    features,
    pictures,
    values: (column) => valuesOf(bytes, metadata, column),
    async read(row) {
      if (pictures === undefined) throw new ContainerError('found no column of pictures, expected one')
      column ??= pagedColumn(bytes, metadata, pictures.leaf)
      return (await column).value(row)
    },
  }
}

async function readMetadata(bytes: Bytes): Promise<FileMetaData> {
  const ends = [await bytes.read(0, 4), await bytes.read(Math.max(0, bytes.size - 4), 4)]
  if (ends[0]!.toString('latin1') !== 'PAR1') throw new ContainerError('found no Parquet file, expected one')
  if (ends[1]!.toString('latin1') !== 'PAR1' || bytes.size < 12) throw new ContainerError(BROKEN)
  return guarded(() => parquetMetadataAsync(fileOf(bytes), { geoparquet: false }))
}

function kindOf({ element, children }: SchemaTree): string {
  if (children.length > 0) {
    const isList = element.converted_type === 'LIST' || element.logical_type?.type === 'LIST'
    return isList ? 'list' : 'struct'
  }
  if (isText(element)) return 'text'
  if (element.type === 'BYTE_ARRAY') return 'binary'
  if (element.type === 'INT32' || element.type === 'INT64') return 'whole'
  if (element.type === 'FLOAT' || element.type === 'DOUBLE') return 'number'
  return String(element.type ?? 'unknown').toLowerCase()
}

function isText({ type, converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  return type === 'BYTE_ARRAY' && (converted === 'UTF8' || converted === 'ENUM' || logical?.type === 'STRING')
}

/** `{"info": {"features": {"label": {"names": [...], "_type": "ClassLabel"}}}}` in the metadata of the file. */
function featuresIn({ key_value_metadata: entries }: FileMetaData): Readonly<Record<string, Feature>> {
  const text = entries?.find(({ key }) => key === 'huggingface')?.value
  if (text === undefined) return {}
  try {
    const { features } = (JSON.parse(text) as { info?: { features?: Record<string, unknown> } }).info ?? {}
    return Object.fromEntries(Object.entries(features ?? {}).map(([name, feature]) => [name, featureOf(feature)]))
  } catch {
    return {}
  }
}

function featureOf(value: unknown): Feature {
  const { _type: type, names } = (value ?? {}) as { _type?: unknown; names?: unknown }
  return { type: String(type), ...(Array.isArray(names) && { names: names.map(String) }) }
}

const PICTURE_NAME = /^(image|img|picture|photo|jpg|jpeg|png|webp|pixels|bytes|image_bytes|content|data)$/i
const PATH_NAME = /^(file_name|filename|image|img|path|file|image_path|filepath)$/i

/** The column of pictures; undefined where there is none. Throws where there are several. */
function pictureColumn(
  tree: SchemaTree,
  features: Readonly<Record<string, Feature>>,
  metadata: FileMetaData,
): PictureColumn | undefined {
  const leaves = tree.children.flatMap((child) => {
    const leaf = pictureLeaf(child, metadata)
    return leaf === undefined ? [] : [leaf]
  })
  const declared = leaves.filter(({ name }) => features[name]?.type === 'Image')
  const structs = leaves.filter(({ leaf }) => leaf.length > 1)
  const named = leaves.filter(({ name }) => PICTURE_NAME.test(name))
  for (const found of [declared, structs, named, leaves]) {
    if (found.length === 1) return found[0]
    if (found.length > 1) {
      const names = found.map(({ name }) => name).join(', ')
      throw new ContainerError(`found several columns of pictures (${names}), expected one`, 'keep the one to augment')
    }
  }
  const paths = tree.children.filter(({ element }) => isText(element) && PATH_NAME.test(element.name))
  const [path] = paths
  return path && { name: path.element.name, leaf: [path.element.name], isPath: true }
}

function pictureLeaf({ element, children }: SchemaTree, metadata: FileMetaData): PictureColumn | undefined {
  const { name } = element
  if (children.length === 0) {
    return kindOf({ element, children } as unknown as SchemaTree) === 'binary'
      ? { name, leaf: [name], isPath: false }
      : undefined
  }
  const parts = new Map(children.map((child) => [child.element.name, child]))
  const [bytes, path] = [parts.get('bytes'), parts.get('path')]
  if (bytes === undefined || bytes.element.type !== 'BYTE_ARRAY' || bytes.children.length > 0) return undefined
  const isPath = path !== undefined && isEmpty(metadata, [name, 'bytes'])
  return { name, leaf: [name, isPath ? 'path' : 'bytes'], isPath }
}

/** Whether a column holds nothing but nulls, as far as its statistics say. */
function isEmpty({ row_groups: groups }: FileMetaData, leaf: readonly string[]): boolean {
  return groups.every((group) => {
    const { meta_data: meta } = chunkOf(group.columns, leaf)
    return meta !== undefined && meta.statistics?.null_count === meta.num_values
  })
}

async function* valuesOf(bytes: Bytes, metadata: FileMetaData, column: string): AsyncGenerator<readonly unknown[]> {
  const file = fileOf(bytes)
  let row = 0
  for (const { num_rows: count } of metadata.row_groups) {
    const range = { rowStart: row, rowEnd: row + Number(count) }
    // Loaded here: with a limit of address space there may be no room for it.
    const { compressors } = await import('hyparquet-compressors')
    const rows = await guarded(() => parquetReadObjects({ file, metadata, columns: [column], compressors, ...range }))
    yield rows.map((values) => values[column])
    row = range.rowEnd
  }
}
