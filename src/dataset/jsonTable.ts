import type { SparseLabel } from '../core/softLabel.js'
import { Column, isSplitColumn, RowReader } from './columns.js'
import { Drafts } from './drafts.js'
import { type Entry, EXPECTED_LABEL, JsonLabels, parseJson } from './json.js'
import { ArraySplitter } from './jsonArray.js'
import { quoted } from './problems.js'
import { type BadCell, type Columns, labelled, settle } from './settle.js'
import { FILE_KEYS, LABEL_KEYS, type Reading, type Rows, type Table } from './table.js'
import { refuseEndless } from './text.js'

const EXAMPLE = '{"file_name": "a.jpg", "label": "cat"}'

/** Reads a manifest of JSON rows. A `soft_label` wins over a label; else all rows together say what their keys mean. */
export async function readJsonTable(entries: AsyncIterable<readonly Entry[]>, reading: Reading): Promise<Table> {
  const keys = new Keys(reading)
  for await (const group of entries) for (const { position, value } of group) keys.read(value, position)
  return { ...keys.settle(), placeOf: reading.placeOf }
}

/** The elements of a JSON array, some at a time. Other text goes to the problems. */
export async function* jsonArray(
  pieces: AsyncIterable<string>,
  { name, problems }: Reading,
): AsyncGenerator<Entry[], void> {
  const array = new ArraySplitter()
  let position = 0
  for await (const piece of pieces) {
    const entries: Entry[] = []
    for (const text of array.push(piece)) {
      const parsed = parseJson(text, `${name}[${position}]`, problems)
      // Behind the first mistake the next element cannot be found.
      if (!parsed) return
      entries.push({ position: position++, value: parsed.value })
    }
    yield entries
    refuseEndless(array.waiting, `${name}[${position}]`)
    if (array.found === 'no array') break
  }
  if (array.found === 'no array') problems.add(name, `expected an array of rows like ${EXAMPLE}`)
  else if (array.found !== 'array')
    problems.add(name, 'found text that is not JSON (the array has no end, or text behind it)')
}

/** The keys of all rows, and what has been seen in them. */
class Keys {
  readonly #reading: Reading
  readonly #labels = new JsonLabels()
  readonly #columns: Column[] = []
  readonly #index = new Map<string, number>()
  readonly #row = new RowReader()
  readonly #badCells: BadCell[] = []
  readonly #splitSets = new Map<string, Readonly<Record<string, string>>>()
  readonly #drafts = new Drafts()
  /** Rows whose labels are weights in one value, which leave nothing to decide. */
  readonly #weighted = new Drafts()
  #label = -1
  readonly #labelKeys = new Set<string>()

  constructor(reading: Reading) {
    this.#reading = reading
  }

  read(value: unknown, position: number): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#fail(position, `expected a row like ${EXAMPLE}`)
      return
    }
    const row = value as Readonly<Record<string, unknown>>
    const fileKey = FILE_KEYS.find((key) => Object.hasOwn(row, key))
    const file = fileKey === undefined ? undefined : row[fileKey]
    if (typeof file !== 'string') {
      this.#fail(position, `found no file name, expected the key ${FILE_KEYS.join(' or ')}`)
      return
    }
    // A number is the weight of a class of that name.
    const { soft_label: weights } = row
    const key =
      weights !== undefined && typeof weights !== 'number'
        ? 'soft_label'
        : LABEL_KEYS.find((candidate) => Object.hasOwn(row, candidate))
    const label = key === undefined ? undefined : this.#labels.read(row[key])
    const wrong = `key ${quoted(key ?? '')}: found ${quoted(JSON.stringify(row[key ?? '']) ?? '')}, ${EXPECTED_LABEL}`
    if (typeof label === 'object') this.#weighted.add({ position, file, label })
    else if (key === 'soft_label') this.#fail(position, wrong)
    else {
      const numbers = this.#weights(row, fileKey!, position)
      if (key !== undefined) {
        this.#label = this.#place(key)
        this.#labelKeys.add(key)
      }
      const splits = this.#splitsIn(row)
      this.#drafts.add({ position, file, label, weights: numbers, splits, ...(key !== undefined && { wrong }) })
    }
  }

  settle(): Omit<Table, 'placeOf'> {
    const { name } = this.#reading
    const seen: Columns = { place: name, columns: this.#columns, label: this.#label, badCells: this.#badCells }
    const classes = this.#label >= 0 || this.#columns.some((column) => column.hasNumbers)
    if (this.#weighted.length === 0 && classes) {
      const settled = settle(seen, this.#drafts, this.#reading, 'key')
      const isMixed = this.#labelKeys.size > 1 && settled.columns === undefined
      return isMixed ? { ...settled, meaning: `keys ${[...this.#labelKeys].sort().join(', ')}` } : settled
    }
    return { rows: joined(labelled(this.#weighted, this.#reading), labelled(this.#drafts, this.#reading)) }
  }

  #fail(position: number, problem: string): void {
    this.#reading.problems.add(this.#reading.placeOf(position), problem)
  }

  #weights(row: Readonly<Record<string, unknown>>, fileKey: string, position: number): SparseLabel {
    for (const [key, value] of Object.entries(row)) {
      if (key === fileKey) continue
      const place = this.#place(key)
      const column = this.#columns[place]!
      column.see(value)
      const number = column.isSplit && typeof value === 'string' ? Number.NaN : column.note(value)
      if (Number.isNaN(number) && !column.holdsSplits)
        this.#badCells.push({ position, column, text: JSON.stringify(value) })
      else this.#row.add(place, number)
    }
    return this.#row.take(this.#columns.length)
  }

  /** One copy of each choice of splits, since there are few. */
  #splitsIn(row: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> | undefined {
    const entries = Object.entries(row).filter(([key]) => isSplitColumn(key))
    if (entries.length === 0) return undefined
    const made = Object.fromEntries(entries.map(([key, value]) => [key, String(value)]))
    const text = JSON.stringify(made)
    const known = this.#splitSets.get(text) ?? made
    this.#splitSets.set(text, known)
    return known
  }

  #place(key: string): number {
    const known = this.#index.get(key)
    if (known !== undefined) return known
    this.#index.set(key, this.#columns.length)
    return this.#columns.push(new Column(key)) - 1
  }
}

/** The rows of both, by their positions. */
function joined(some: Rows, others: Rows): Rows {
  const positions = [...some.positions, ...others.positions]
  const [files, labels] = [
    [...some.files, ...others.files],
    [...some.labels, ...others.labels],
  ]
  const order = [...positions.keys()].sort((i, j) => positions[i]! - positions[j]!)
  return {
    positions: order.map((i) => positions[i]!),
    files: order.map((i) => files[i]!),
    labels: order.map((i) => labels[i]!),
  }
}
