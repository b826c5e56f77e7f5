import { counted } from '../core/counted.js'
import type { SparseLabel } from '../core/softLabel.js'
import { Column, RowReader } from './columns.js'
import { type CsvRecord, CsvSyntaxError, csvRecords } from './csv.js'
import { type Draft, Drafts } from './drafts.js'
import type { FileNames } from './fileNames.js'
import { quoted } from './problems.js'
import { type BadCell, type Columns, settle } from './settle.js'
import { FILE_KEYS, LABEL_KEYS, NO_ROWS, type Reading, type Table } from './table.js'
import { detached } from './text.js'

/**
 * Reads a manifest in CSV: a header with a file column and either a label column, other columns being ignored, or one
 * numeric column per class. All rows together say which.
 */
export async function readCsvTable(pieces: AsyncIterable<string>, reading: Reading): Promise<Table> {
  const { name, problems, placeOf } = reading
  const drafts = new Drafts()
  let header: Header | undefined
  try {
    for await (const records of csvRecords(pieces, name)) {
      for (const record of records) {
        if (header === undefined) {
          header = new Header(record, reading)
          continue
        }
        const draft = header.read(record, (problem) => problems.add(placeOf(record.line), problem))
        if (draft) drafts.add(draft)
      }
    }
  } catch (cause) {
    if (!(cause instanceof CsvSyntaxError)) throw cause
    problems.add(placeOf(cause.line), cause.message)
    return { rows: NO_ROWS, placeOf }
  }
  const settled =
    header && drafts.length + header.badCells.length > 0 ? settle(header, drafts, reading, 'column') : { rows: NO_ROWS }
  return { ...settled, placeOf }
}

/** Which cells of a record matter, and what has been seen in them. */
class Header implements Columns {
  readonly place: string
  readonly columns: readonly Column[]
  readonly label: number
  readonly badCells: BadCell[] = []
  readonly #width: number
  readonly #file: number
  /** The place of each column in a record. */
  readonly #cells: readonly number[]
  /** Columns of splits, by their place in a record. */
  readonly #splits: readonly (readonly [cell: number, column: Column])[]
  readonly #texts = new Map<string, string>()
  readonly #splitSets = new Map<string, Readonly<Record<string, string>>>()
  readonly #row = new RowReader()

  readonly #files: FileNames

  constructor({ line, cells }: CsvRecord, { placeOf, files }: Reading) {
    const names = cells.map((cell) => cell.toLowerCase())
    const columnOf = (keys: readonly string[]) => names.indexOf(keys.find((key) => names.includes(key)) ?? '\0')
    this.place = placeOf(line)
    this.#files = files
    this.#width = cells.length
    this.#file = columnOf(FILE_KEYS)
    if (this.#file < 0) {
      const separated = cells.length === 1 && /[;\t|]/.test(cells[0]!)
      const expected = separated
        ? 'commas between the cells'
        : `a column file_name (or ${FILE_KEYS.slice(1).join(', ')})`
      throw new CsvSyntaxError(line, `found the header ${quoted(cells.join(','))}, expected ${expected}`)
    }
    this.#cells = cells.flatMap((name, cell) => (cell === this.#file || name === '' ? [] : [cell]))
    this.columns = this.#cells.map((cell) => new Column(detached(cells[cell]!)))
    this.#splits = this.columns.flatMap((column, k) => (column.isSplit ? [[this.#cells[k]!, column] as const] : []))
    this.label = this.#cells.indexOf(columnOf(LABEL_KEYS))
  }

  /** A row, unless it goes to `fail` or the bad cells. */
  read({ line, cells }: CsvRecord, fail: (problem: string) => void): Draft | undefined {
    if (cells.length !== this.#width) {
      fail(`found ${counted(cells.length, 'cell')}, expected ${this.#width} as in the header`)
      return undefined
    }
    for (const [cell, column] of this.#splits) column.see(detached(cells[cell]!))
    const splits = this.#splitsIn(cells)
    const name = cells[this.#file]!
    const place = this.#files.placeOf(name)
    const file = place < 0 ? detached(name) : place
    const weights = this.#weights(cells, line)
    if (this.label >= 0)
      return { position: line, file, label: this.#text(cells[this.#cells[this.label]!]!), weights, splits }
    return weights && { position: line, file, label: undefined, weights, splits }
  }

  /** The numbers of a record; undefined where there is a label column that can be no class, or a cell without a number. */
  #weights(cells: readonly string[], line: number): SparseLabel | undefined {
    const { columns, label } = this
    const own = columns[label]
    if (own && !own.mayBeWeights) return undefined
    let bad = -1
    for (let k = 0; k < columns.length; k++) {
      if (label < 0 && columns[k]!.isSplit && isWord(cells[this.#cells[k]!]!)) continue
      const value = columns[k]!.note(cells[this.#cells[k]!])
      if (Number.isNaN(value)) bad = bad < 0 ? k : bad
      else if (label < 0 || columns[k]!.mayBeWeights) this.#row.add(k, value)
    }
    const weights = this.#row.take(columns.length)
    if (own || bad < 0) return weights
    this.badCells.push({ position: line, column: columns[bad]!, text: detached(cells[this.#cells[bad]!]!) })
    return undefined
  }

  /** One copy of each choice of splits, since there are few. */
  #splitsIn(cells: readonly string[]): Readonly<Record<string, string>> | undefined {
    if (this.#splits.length === 0) return undefined
    const key = this.#splits.map(([cell]) => cells[cell]).join('\0')
    const known = this.#splitSets.get(key)
    if (known !== undefined) return known
    const made = Object.fromEntries(this.#splits.map(([cell, { name }]) => [name, detached(cells[cell]!)]))
    this.#splitSets.set(detached(key), made)
    return made
  }

  /** One copy of each label, since there are few. */
  #text(cell: string): string {
    const known = this.#texts.get(cell)
    if (known !== undefined) return known
    const text = detached(cell)
    this.#texts.set(text, text)
    return text
  }
}

function isWord(cell: string): boolean {
  return cell !== '' && Number.isNaN(Number(cell))
}
