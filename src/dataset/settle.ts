import { counted } from '../core/counted.js'
import { type SparseLabel, sparseLabel } from '../core/softLabel.js'
import { type Column, listedNames, meaningOf } from './columns.js'
import type { Drafts } from './drafts.js'
import type { WrittenLabel } from './labels.js'
import { quoted } from './problems.js'
import { splitIn, splitOfCell, takeSplit } from './splits.js'
import { LABEL_KEYS, NO_ROWS, type Reading, type Rows, type Table } from './table.js'

/** A cell of a class column that holds no number. */
export interface BadCell {
  readonly position: number
  readonly column: Column
  readonly text: string
}

/** The columns of a table beside that of the file names, once all rows have been seen. */
export interface Columns {
  readonly place: string
  readonly columns: readonly Column[]
  /** The label column among them, -1 for none. */
  readonly label: number
  readonly badCells: readonly BadCell[]
}

type Settled = Pick<Table, 'rows' | 'columns' | 'meaning' | 'notices' | 'others'>

/** The rows of a table, read as its columns mean them. What is wrong goes to the problems, and no rows come back. */
export function settle(seen: Columns, all: Drafts, reading: Reading, noun: 'column' | 'key'): Settled {
  const { drafts, notice } = ofSplit(seen.columns, all, reading)
  const settled = settleSome(seen, drafts, reading, noun)
  const notices = [...(notice === undefined ? [] : [`${noun} ${notice}`]), ...(settled.notices ?? [])]
  return { ...settled, notices, others: all.length - drafts.length }
}

/** The rows of the split that is taken, where a column says which row is in which. */
function ofSplit(columns: readonly Column[], drafts: Drafts, { choice, name: place, files }: Reading) {
  const { name } =
    columns.find(({ parts }) => parts.length > 1) ??
    columns.find(({ isSplit }) => isSplit && choice.split !== undefined) ??
    {}
  if (name === undefined && choice.split === undefined) return { drafts, notice: undefined }
  const splits = drafts.files.map((file, row) =>
    name === undefined ? splitIn(files.nameOf(file)) : splitOfCell(name, drafts.splits[row]?.[name] ?? ''),
  )
  const { taken, notice } = takeSplit(splits, choice, place)
  return {
    drafts: drafts.filter((row) => taken.has(splits[row])),
    notice: notice && `${quoted(name!)}: ${notice}`,
  }
}

function settleSome(seen: Columns, drafts: Drafts, reading: Reading, noun: 'column' | 'key'): Settled {
  if (seen.label < 0) return softOnly(seen, drafts, reading, noun)
  const { weights, length: count } = drafts
  const meaning = meaningOf(seen.columns, seen.label, { weights, count }, reading.classes)
  if (meaning.kind === 'weights') return soft(seen, meaning.columns, drafts, reading)
  if (meaning.kind === 'label') {
    const { name } = seen.columns[seen.label]!
    if (seen.columns.filter((column) => column.name.toLowerCase() === name.toLowerCase()).length > 1) {
      reading.problems.add(seen.place, `${noun} ${quoted(name)} appears twice, expected one with the labels`)
      return { rows: NO_ROWS }
    }
    const rows = wholeNumbers(labelled(drafts, reading))
    return { rows, meaning: `${noun} ${name}` }
  }
  reading.problems.add(seen.place, meaning.problem)
  reading.problems.hint(meaning.hint)
  return { rows: NO_ROWS }
}

/** The rows that have a label; the others go to the problems. */
export function labelled(drafts: Drafts, { problems, placeOf }: Reading): Rows {
  for (const [row, label] of drafts.labels.entries())
    if (label === undefined) problems.add(placeOf(drafts.positions[row]!), drafts.wrong[row] ?? NO_LABEL)
  const { positions, files, labels } = drafts.labels.includes(undefined)
    ? drafts.filter((row) => drafts.labels[row] !== undefined)
    : drafts
  return { positions, files, labels: labels as WrittenLabel[] }
}

const NO_LABEL = `found no label, expected the key ${LABEL_KEYS.join(' or ')} with a class, or soft_label`

/** Without a label column the others are classes, but not a single one: its weights could only all be 1. */
function softOnly(all: Columns, drafts: Drafts, reading: Reading, noun: 'column' | 'key'): Settled {
  const { place, badCells } = all
  const places = [...all.columns.keys()].filter((k) => !all.columns[k]!.holdsSplits)
  const columns = places.map((k) => all.columns[k]!)
  const { problems, classes } = reading
  const listed = columns.map(({ name }) => quoted(name)).join(', ')
  const expected = `expected a ${noun} ${LABEL_KEYS[0]} (or ${LABEL_KEYS.slice(1).join(', ')}) or one numeric ${noun} per class`
  const single = columns.length === 1 && !(classes?.names.length === 1 && classes.indexOf(columns[0]!.name) === 0)
  if (single || !columns.some((column) => column.hasNumbers)) {
    const found = columns.length === 0 ? `no ${noun} besides the file name` : `only ${listed} besides the file name`
    problems.add(place, `found ${columns.length > 5 ? 'words in all columns' : found}, ${expected}`)
    if (single) problems.hint(`if ${listed} holds the labels, call it label`)
    return { rows: NO_ROWS }
  }
  const wordy = columns.filter((column) => column.cells > 0 && !column.hasNumbers)
  for (const column of wordy) {
    const { text } = badCells.find((cell) => cell.column === column) ?? { text: '' }
    problems.add(
      place,
      `${noun} ${quoted(column.name)}: found ${quoted(text)}, expected numbers as in the other columns`,
    )
    problems.hint(`leave out ${quoted(column.name)} if it is not a class; if it holds the labels, call it label`)
  }
  for (const { position, column, text } of badCells) {
    if (wordy.includes(column)) continue
    problems.add(reading.placeOf(position), `${noun} ${quoted(column.name)}: found ${quoted(text)}, expected a number`)
  }
  const beyond = columns.filter((column) => column.hasOtherNumbers)
  if (beyond.length > 0 && beyond.length < columns.length) {
    problems.hint(`leave out ${listedNames(beyond)} if that is not a class: a weight is between 0 and 1`)
  }
  return soft(all, places, drafts, reading)
}

function soft(seen: Columns, chosen: readonly number[], drafts: Drafts, reading: Reading): Settled {
  const names = chosen.map((k) => seen.columns[k]!.name)
  const repeated = names.length - new Set(names).size > 0 && names.find((name, i) => names.indexOf(name) < i)
  if (repeated !== false) {
    reading.problems.add(seen.place, `class column ${quoted(repeated ?? '')} appears twice`)
    return { rows: NO_ROWS }
  }
  const { positions, files, weights } = drafts.filter((row) => drafts.weights[row] !== undefined)
  const labels = weights.map((own) => ({ names, weights: projected(own!, chosen) }))
  return { rows: { positions, files, labels }, columns: names, meaning: counted(names.length, 'class', 'classes') }
}

/** The weights of the chosen columns only, numbered as they are chosen. */
function projected(weights: SparseLabel, chosen: readonly number[]): SparseLabel {
  if (chosen.length === weights.size) return weights
  const place = new Map(chosen.map((column, k) => [column, k]))
  const kept = Array.from(weights.classes.keys()).filter((i) => place.has(weights.classes[i]!))
  return sparseLabel(
    chosen.length,
    kept.map((i) => place.get(weights.classes[i]!)!),
    kept.map((i) => weights.weights[i]!),
  )
}

const WHOLE = /^-?\d+(\.0+)?$/

/** Where all labels are whole numbers, 1.0 means 1: pandas writes a column so once a cell is empty. */
function wholeNumbers(rows: Rows): Rows {
  const labels = [...new Set(rows.labels)]
  const pointed = labels.some((label) => typeof label === 'string' && /\.0+$/.test(label))
  if (!pointed || !labels.every((label) => label === '' || (typeof label === 'string' && WHOLE.test(label))))
    return rows
  return { ...rows, labels: rows.labels.map((label) => (label as string).replace(/\.0+$/, '')) }
}
