/** Rows of Parquet files as Hugging Face, pandas, polars and DuckDB write them. */
import path from 'node:path'
import { openContainer } from '../containers/container.js'
import { ContainerError } from '../containers/containerError.js'
import type { ParquetFile } from '../containers/parquet.js'
import { counted } from '../core/counted.js'
import { JsonLabels } from './json.js'
import { Classes, type WrittenLabel } from './labels.js'
import { type Contained, opening } from './opening.js'
import { type Problems, quoted } from './problems.js'
import { type SplitChoice, takeSplit } from './splits.js'
import { LABEL_KEYS } from './table.js'

/** The column of the labels, in the order they are looked for: soft ones first. */
const COLUMNS = ['soft_label', 'soft_labels', ...LABEL_KEYS, 'labels', 'fine_label', 'cls', 'category'] as const

interface Labels {
  readonly column: string
  /** Names by index, where the file knows them. */
  readonly names: readonly string[] | undefined
}

/** The rows of files with the same columns, in their order. Problems of single rows go to `problems`. */
export async function parquetRows(
  root: string,
  files: readonly string[],
  problems: Problems,
  choice: SplitChoice,
): Promise<Contained> {
  const rows: { file: string; label: WrittenLabel; split: string | undefined }[] = []
  let first: { readonly file: string; readonly labels: Labels; readonly schema: string } | undefined
  let areFiles = false
  for (const name of files) {
    const file = await opening(name, () => openOne(path.join(root, name)))
    const labels = await opening(name, async () => labelsOf(file))
    const schema = describe(file, labels)
    first ??= { file: name, labels, schema }
    if (schema !== first.schema) {
      problems.add(name, `found ${schema}, expected ${first.schema} as in ${first.file}`)
      continue
    }
    areFiles = file.pictures!.isPath
    await opening(name, async () => {
      const parts = [labels.column, ...(areFiles ? [file.pictures!.name] : []), ...splitColumn(file)]
      for await (const { row, values } of together(file, parts)) {
        const label = labelIn(values[0], labels, (problem) => problems.add(`${name}#${row}`, problem))
        const picture = areFiles ? pathOf(values[1], name) : `${name}#${row}`
        const split = splitColumn(file).length > 0 ? String(values.at(-1)) : undefined
        if (label !== undefined) rows.push({ file: picture, label, split })
      }
    })
  }
  const { labels } = first!
  const { taken, notice } = takeSplit(
    rows.map(({ split }) => split),
    choice,
    files[0]!,
  )
  return {
    rows: rows.filter(({ split }) => taken.has(split)),
    ...(labels.names !== undefined && { classes: new Classes(labels.names) }),
    told: `labels from ${counted(files.length, 'Parquet file')}, column ${labels.column}`,
    notices: notice === undefined ? [] : [notice],
    ...(areFiles && { areFiles }),
  }
}

async function openOne(path: string): Promise<ParquetFile> {
  const container = await openContainer(path)
  if (container.kind !== 'parquet') throw new ContainerError('found no Parquet file, expected one')
  const { file } = container
  if (file.pictures !== undefined) return file
  const columns = file.columns.map(({ name }) => name).join(', ')
  throw new ContainerError(`found no column of pictures among ${columns}, expected binary or {bytes, path}`)
}

/** `image {bytes, path}, label (3 classes)`: equal for files that belong together. */
function describe({ columns, pictures }: ParquetFile, { column, names }: Labels): string {
  const kind = columns.find(({ name }) => name === column)!.kind
  const classes =
    names === undefined ? kind : `${counted(names.length, 'class', 'classes')} ${names.slice(0, 5).join(', ')}`
  return `pictures in ${pictures!.leaf.join('.')} and labels in ${column} (${classes})`
}

function labelsOf({ columns, features }: ParquetFile): Labels {
  const there = new Map(columns.map((column) => [column.name.toLowerCase(), column.name]))
  const declared = Object.keys(features).filter((name) => features[name]!.type === 'ClassLabel')
  const known = COLUMNS.map((key) => there.get(key)).find((name) => name !== undefined)
  const column = known ?? (declared.length === 1 ? declared[0] : undefined)
  if (column === undefined) {
    const names = columns.map(({ name }) => name).join(', ')
    throw new ContainerError(`found no column of labels among ${names}, expected ${LABEL_KEYS.join(' or ')}`)
  }
  const isSoft = columns.find(({ name }) => name === column)?.kind === 'list'
  const own = features[column]?.names ?? (isSoft && declared.length === 1 ? features[declared[0]!]!.names : undefined)
  return { column, names: own }
}

const json = new JsonLabels()

function labelIn(value: unknown, { names }: Labels, fail: (problem: string) => void): WrittenLabel | undefined {
  const plain = typeof value === 'bigint' ? Number(value) : value
  if (typeof plain === 'number' && names !== undefined) {
    const name = names[plain]
    if (name === undefined) fail(`found the label ${plain}, expected 0 to ${names.length - 1}`)
    return name
  }
  const list =
    Array.isArray(plain) || ArrayBuffer.isView(plain) ? Array.from(plain as ArrayLike<number>, Number) : plain
  const label = json.read(list)
  if (label === undefined) fail(`found the label ${quoted(String(plain))}, expected a class or a list of weights`)
  return label
}

/** A column that says the split of each row. */
function splitColumn({ columns }: ParquetFile): string[] {
  return columns.flatMap(({ name, kind }) => (kind === 'text' && /^(split|subset)$/i.test(name) ? [name] : []))
}

/** The path in a cell, relative to the folder of the file that it stands in. */
function pathOf(cell: unknown, name: string): string {
  return path.posix.isAbsolute(String(cell)) ? String(cell) : path.posix.join(path.posix.dirname(name), String(cell))
}

/** The values of some columns, row by row. */
async function* together(
  file: ParquetFile,
  columns: readonly string[],
): AsyncGenerator<{ readonly row: number; readonly values: readonly unknown[] }> {
  const readers = columns.map((column) => file.values(column))
  let row = 0
  for (;;) {
    const groups = await Promise.all(readers.map((reader) => reader.next()))
    if (groups[0]!.done) return
    const values = groups.map(({ value }) => value as readonly unknown[])
    for (let i = 0; i < values[0]!.length; i++) yield { row: row++, values: values.map((column) => column[i]) }
  }
}
