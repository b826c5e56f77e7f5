/** The pages of one column of a Parquet file, found by their headers and decoded one at a time. */
import {
  type AsyncBuffer,
  type ColumnChunk,
  type FileMetaData,
  parquetReadObjects,
  type SchemaElement,
} from 'hyparquet'
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js'
import { LRUCache } from 'lru-cache'
import type { Bytes } from './bytes.js'
import { ContainerError } from './containerError.js'

export const BROKEN = 'found a damaged or truncated Parquet file, expected a complete one'

/** A larger page is damage or a bomb. */
const LARGEST_PAGE = 2 ** 30

/** Decoded pages that were used last, of all files together. */
const pages = new LRUCache<string, Page>({ maxSize: 96 * 2 ** 20, sizeCalculation: ({ size }) => size + 1 })

interface Page {
  readonly values: readonly (Uint8Array | null | undefined)[]
  readonly size: number
}

/** Where a page of a column is. */
interface Place {
  /** The first of its rows in the file, and how many there are. */
  readonly row: number
  readonly rows: number
  readonly at: number
  readonly length: number
  readonly size: number
  readonly chunk: ColumnChunk
  /** Where its column's dictionary is; a length of 0 for none. */
  readonly dictionary: { readonly at: number; readonly length: number }
}

/** A column whose values are read one by one. */
export interface PagedColumn {
  /** The bytes in a row, null where there are none. Throws ContainerError for damage and rows that are not there. */
  value(row: number): Promise<Uint8Array | null>
}

let opened = 0

/** The column at the end of a path in the schema, none of whose parts is repeated. */
export async function pagedColumn(bytes: Bytes, metadata: FileMetaData, leaf: readonly string[]): Promise<PagedColumn> {
  const places = await placesOf(bytes, metadata, leaf)
  const name = opened++
  return {
    async value(row) {
      const place = placeOf(places, row)
      if (place === undefined) throw new ContainerError(`found no row ${row}, expected ${metadata.num_rows} rows`)
      const key = `${name} ${place.row}`
      let page = pages.get(key)
      if (page === undefined) {
        page = await readPage(bytes, metadata, place, leaf)
        pages.set(key, page)
      }
      return page.values[row - place.row] ?? null
    },
  }
}

/** What is thrown by code that met damaged bytes becomes a ContainerError; errors of the system stay as they are. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (cause instanceof ContainerError || (code !== undefined && !code.startsWith('ERR_'))) throw cause
    throw new ContainerError(`${BROKEN} (${(cause as Error).message})`)
  }
}

/** As hyparquet reads it. */
export function fileOf({ size, read }: Bytes): AsyncBuffer {
  return {
    byteLength: size,
    async slice(start, end = size) {
      return arrayOf(await read(start, end - start))
    },
  }
}

function arrayOf({ buffer, byteOffset, byteLength }: Buffer): ArrayBuffer {
  const whole = buffer as ArrayBuffer
  return byteLength === whole.byteLength ? whole : whole.slice(byteOffset, byteOffset + byteLength)
}

/** The chunk of a column in a row group. */
export function chunkOf(columns: readonly ColumnChunk[], leaf: readonly string[]): ColumnChunk {
  const chunk = columns.find(({ meta_data: meta }) => meta?.path_in_schema.join('\0') === leaf.join('\0'))
  if (chunk?.meta_data === undefined) throw new ContainerError(BROKEN)
  return chunk
}

/** The pages of a column without repetition, found by their headers. */
async function placesOf(bytes: Bytes, metadata: FileMetaData, leaf: readonly string[]): Promise<readonly Place[]> {
  const found: Place[] = []
  let row = 0
  for (const group of metadata.row_groups) {
    const chunk = chunkOf(group.columns, leaf)
    const { dictionary_page_offset: first, data_page_offset: data, total_compressed_size: length } = chunk.meta_data!
    const end = row + Number(group.num_rows)
    let at = Number(first || data)
    const last = at + Number(length)
    let dictionary = { at, length: 0 }
    while (row < end && at < last) {
      const header = await pageHeader(bytes, at)
      const whole = header.start + header.length
      if (whole > last - at + 1024 || header.size > LARGEST_PAGE) throw new ContainerError(BROKEN)
      if (header.isDictionary) dictionary = { at, length: whole }
      else if (header.rows > 0) {
        found.push({ row, rows: header.rows, at, length: whole, size: header.size, chunk, dictionary })
        row += header.rows
      }
      at += whole
    }
    if (row !== end) throw new ContainerError(BROKEN)
  }
  return found
}

const [DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2] = [0, 2, 3]

/** What a page's header says (parquet.thrift, PageHeader): where its bytes start behind it, and how many there are. */
async function pageHeader(bytes: Bytes, at: number) {
  // It may hold the least and the largest picture of the page.
  for (let room = 2 ** 10; ; room *= 16) {
    const found = await bytes.read(at, room)
    const reader = { view: new DataView(found.buffer, found.byteOffset, found.byteLength), offset: 0 }
    try {
      const header = deserializeTCompactProtocol(reader)
      const [type, rows] = [header.field_1 as number, (header.field_8 ?? header.field_5)?.field_1 as number | undefined]
      const isData = type === DATA_PAGE || type === DATA_PAGE_V2
      const sizes = { size: header.field_2 as number, length: header.field_3 as number }
      if (!(sizes.length >= 0) || (isData && !(rows! >= 0))) throw new ContainerError(BROKEN)
      return { start: reader.offset, ...sizes, rows: isData ? rows! : 0, isDictionary: type === DICTIONARY_PAGE }
    } catch (cause) {
      if (found.length < room || room >= 2 ** 26) throw new ContainerError(BROKEN)
      if (cause instanceof ContainerError) throw cause
    }
  }
}

function placeOf(places: readonly Place[], row: number): Place | undefined {
  let [low, high] = [0, places.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (places[middle]!.row <= row) low = middle
    else high = middle - 1
  }
  const place = places[low]
  return place !== undefined && row >= place.row && row < place.row + place.rows ? place : undefined
}

/** Decodes a page as a file of its own: the dictionary of its column, then the page, under a schema of this column alone. */
async function readPage(
  bytes: Bytes,
  metadata: FileMetaData,
  { at, length, rows, size, chunk, dictionary }: Place,
  leaf: readonly string[],
): Promise<Page> {
  const before = dictionary.length > 0 ? await bytes.read(dictionary.at, dictionary.length) : Buffer.alloc(0)
  const page = await bytes.read(at, length)
  const content = arrayOf(before.length > 0 ? Buffer.concat([before, page]) : page)
  const meta = { ...chunk.meta_data!, num_values: BigInt(rows), total_compressed_size: BigInt(content.byteLength) }
  delete meta.statistics
  // An offset of 0 would count as missing.
  const shift = 1
  const offsets = {
    data_page_offset: BigInt(before.length + shift),
    dictionary_page_offset: before.length > 0 ? BigInt(shift) : undefined,
  }
  const own: FileMetaData = {
    ...metadata,
    schema: schemaOf(metadata, leaf),
    num_rows: BigInt(rows),
    row_groups: [
      {
        columns: [{ file_offset: 0n, meta_data: { ...meta, ...offsets } as typeof meta }],
        total_byte_size: BigInt(content.byteLength),
        num_rows: BigInt(rows),
      },
    ],
  }
  const file: AsyncBuffer = {
    byteLength: content.byteLength + shift,
    slice: (start, end) => content.slice(start - shift, end === undefined ? undefined : end - shift),
  }
  // Loaded here: with a limit of address space there may be no room for it.
  const { compressors } = await import('hyparquet-compressors')
  const found = await guarded(() => parquetReadObjects({ file, metadata: own, compressors, utf8: false }))
  if (found.length !== rows) throw new ContainerError(BROKEN)
  const values = found.map((value) => leaf.reduce<unknown>((inner, name) => (inner as never)?.[name], value))
  return { values: values as Page['values'], size: size + before.length }
}

/** The elements of the schema from the root to a leaf, each with one child. */
function schemaOf({ schema }: FileMetaData, leaf: readonly string[]): SchemaElement[] {
  const elements: SchemaElement[] = [{ ...schema[0]!, num_children: 1 }]
  let at = 1
  for (const [depth, name] of leaf.entries()) {
    while (schema[at]!.name !== name) at += sizeOf(schema, at)
    const element = { ...schema[at]! }
    elements.push(depth + 1 < leaf.length ? { ...element, num_children: 1 } : element)
    at++
  }
  return elements
}

/** How many elements an element and all below it are. */
function sizeOf(schema: readonly SchemaElement[], at: number): number {
  let next = at + 1
  for (let i = 0; i < (schema[at]!.num_children ?? 0); i++) next += sizeOf(schema, next)
  return next - at
}
