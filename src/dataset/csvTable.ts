import { counted } from '../core/counted.js'
import { type CsvRecord, CsvSyntaxError, csvRecords } from './csv.js'
import { type Problems, quoted } from './problems.js'
import { FILE_KEYS, LABEL_KEYS, type Row, type Table } from './table.js'

/** Which cells of a record matter: the file's and either the label's or one a class. */
interface Layout {
  readonly width: number
  readonly file: number
  readonly label: number
  readonly classes: readonly { readonly name: string; readonly cell: number }[] | undefined
}

/**
 * A manifest in CSV: a header with a file column and either a label column, other columns being ignored, or one numeric
 * column per class.
 */
export function parseCsvTable(text: string, name: string, problems: Problems): Table {
  const placeOf = (line: number) => `${name}:${line}`
  const rows: Row[] = []
  let header: CsvRecord | undefined
  let layout: Layout | undefined
  try {
    for (const record of csvRecords(text)) {
      if (!header) {
        header = record
        continue
      }
      layout ??= layoutOf(header.cells, record.cells)
      const row = readRecord(record, layout, (problem) => problems.add(placeOf(record.line), problem))
      if (row) rows.push(row)
    }
  } catch (cause) {
    if (cause instanceof CsvSyntaxError) problems.add(placeOf(cause.line), cause.message)
    else if (cause instanceof HeaderError) problems.add(placeOf(header?.line ?? 1), cause.message)
    else throw cause
  }
  return { rows, placeOf, ...(layout?.classes && { columns: layout.classes.map((column) => column.name) }) }
}

class HeaderError extends Error {}

/** The layout that a header means. `first` is the first record after it, which tells soft labels from hard ones. */
function layoutOf(header: readonly string[], first: readonly string[]): Layout {
  const names = header.map((cell) => cell.toLowerCase())
  const columnOf = (keys: readonly string[]) => names.indexOf(keys.find((key) => names.includes(key)) ?? '\0')
  const file = columnOf(FILE_KEYS)
  if (file < 0) {
    const separated = header.length === 1 && /[;\t|]/.test(header[0]!)
    const expected = separated ? 'commas between the cells' : `a column file_name (or ${FILE_KEYS.slice(1).join(', ')})`
    throw new HeaderError(`found the header ${quoted(header.join(','))}, expected ${expected}`)
  }
  const label = columnOf(LABEL_KEYS)
  const others = header.flatMap((name, cell) => (cell === file || name === '' ? [] : [{ name, cell }]))
  const values = others.map(({ cell }) => first[cell] ?? '')
  // A class may be called "label": weights are told from labels by their decimal points.
  const soft = label < 0 ? values.some(isNumber) : values.every((value) => isNumber(value) && value.includes('.'))
  if (!soft && label < 0) {
    const expected = `a column label (or ${LABEL_KEYS.slice(1).join(', ')}) or one numeric column per class`
    throw new HeaderError(`found the header ${quoted(header.join(','))}, expected ${expected}`)
  }
  const repeated = others.find(({ name }, i) => others.findIndex((other) => other.name === name) < i)
  if (soft && repeated) throw new HeaderError(`class column ${quoted(repeated.name)} appears twice`)
  return { width: header.length, file, label, classes: soft ? others : undefined }
}

function isNumber(text: string): boolean {
  return text !== '' && Number.isFinite(Number(text))
}

function readRecord({ line, cells }: CsvRecord, layout: Layout, fail: (problem: string) => void): Row | undefined {
  if (cells.length !== layout.width) {
    fail(`found ${counted(cells.length, 'cell')}, expected ${layout.width} as in the header`)
    return undefined
  }
  const file = cells[layout.file]!
  if (!layout.classes) return { position: line, file, label: cells[layout.label]! }
  const weights = new Float64Array(layout.classes.length)
  for (let k = 0; k < weights.length; k++) {
    const { name, cell } = layout.classes[k]!
    const text = cells[cell]!
    if (!isNumber(text)) {
      fail(`column ${quoted(name)}: found ${quoted(text)}, expected a number`)
      return undefined
    }
    weights[k] = Number(text)
  }
  return { position: line, file, label: weights }
}
