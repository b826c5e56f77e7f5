/** What the columns of a table mean, as all its rows together say: one label column, or one column of weights per class. */
import { type SparseLabel, sparseLabel } from '../core/softLabel.js'
import type { Classes } from './labels.js'
import { quoted } from './problems.js'
import { SPLIT_WORDS } from './splitWords.js'

/** How the cells of a column are written, one bit for each way. */
const WHOLE = 1
const POINT = 2
const TRUTH = 4
const FRACTION = 8
const NUMBER = 16
const OTHER = 32

/** What the cells of a class column can be: 0, 1, 0.0, 1.0, False, True or something between. */
const WEIGHTS = WHOLE | POINT | TRUTH | FRACTION

/** How far a weight or a sum may be above 1. */
const TOLERANCE = 1e-3

const BOOLEAN = /^(true|false)$/i

/** Columns that say which part of the data a row is in. */
const SPLIT_COLUMN = new RegExp(`^(split|subset|set|partition|phase|usage|fold|(is_)?${SPLIT_WORDS})$`, 'i')
const SPLIT = new RegExp(`^${SPLIT_WORDS}$`, 'i')

/** Whether a column says by its name which part of the data a row is in. */
export function isSplitColumn(name: string): boolean {
  return SPLIT_COLUMN.test(name)
}

/** Values of a split column that are kept. */
const KEPT_VALUES = 10

/** A column beside that of the file names, and what has been seen in it. */
export class Column {
  readonly name: string
  #kinds = 0
  /** How many rows have a cell of it. */
  cells = 0

  readonly #values: Set<string> | undefined

  constructor(name: string) {
    this.name = name
    this.#values = isSplitColumn(name) ? new Set() : undefined
  }

  /** Whether its name is that of a split, so that its cells are worth seeing where they are no numbers. */
  get isSplit(): boolean {
    return this.#values !== undefined
  }

  /** Keeps a cell of a split column. */
  see(cell: unknown): void {
    if (this.#values !== undefined && this.#values.size < KEPT_VALUES) this.#values.add(String(cell))
  }

  /** The parts of the data that its cells name, sorted: fewer than two where it is no split. */
  get parts(): string[] {
    const values = [...(this.#values ?? [])].sort()
    return values.some((value) => SPLIT.test(value)) || values.every((value) => BOOLEAN.test(value)) ? values : []
  }

  /** Whether it holds the names of splits and no weights. */
  get holdsSplits(): boolean {
    return this.#values !== undefined && this.cells === 0
  }

  /** The number in a cell, True being 1 and False 0; NaN for anything else. */
  note(cell: unknown): number {
    this.cells++
    // Most cells of a wide table.
    if (cell === '0.0') {
      this.#kinds |= POINT
      return 0
    }
    const value = numberIn(cell)
    this.#kinds |= kindOf(cell, value)
    return value
  }

  /** Whether all cells are numbers or truth values that a class column can have. */
  get mayBeWeights(): boolean {
    return (this.#kinds & ~WEIGHTS) === 0
  }

  get hasNumbers(): boolean {
    return (this.#kinds & ~OTHER) !== 0
  }

  /** Whether a cell is a number that no weight can be. */
  get hasOtherNumbers(): boolean {
    return (this.#kinds & NUMBER) !== 0
  }

  get hasFractions(): boolean {
    return (this.#kinds & FRACTION) !== 0
  }

  /** Whether all cells are 0 and 1, or all are False and True. */
  get isFlag(): boolean {
    return this.#kinds === WHOLE || this.#kinds === TRUTH
  }

  get hasPoints(): boolean {
    return (this.#kinds & ~(POINT | FRACTION)) === 0
  }
}

function numberIn(cell: unknown): number {
  if (typeof cell === 'number') return cell
  if (typeof cell === 'boolean') return Number(cell)
  if (typeof cell !== 'string' || cell === '') return Number.NaN
  const value = Number(cell)
  if (Number.isFinite(value)) return value
  return BOOLEAN.test(cell) ? Number(cell.length === 4) : Number.NaN
}

function kindOf(cell: unknown, value: number): number {
  if (Number.isNaN(value)) return OTHER
  if (typeof cell === 'boolean' || (typeof cell === 'string' && /^[tf]/i.test(cell))) return TRUTH
  if (value === 0 || value === 1) return typeof cell === 'string' && cell.includes('.') ? POINT : WHOLE
  return value > 0 && value <= 1 + TOLERANCE ? FRACTION : NUMBER
}

/** The numbers of one row after another. */
export class RowReader {
  // Of one row, to be copied: most of its weights are 0.
  readonly #places: number[] = []
  readonly #weights: number[] = []
  #count = 0

  add(place: number, weight: number): void {
    if (weight === 0) return
    this.#places[this.#count] = place
    this.#weights[this.#count++] = weight
  }

  /** What was added since the last call. */
  take(size: number): SparseLabel {
    const row = sparseLabel(size, this.#places, this.#weights, this.#count)
    this.#count = 0
    return row
  }
}

interface Weights {
  readonly weights: readonly (SparseLabel | undefined)[]
  readonly count: number
}

/** `columns` are the indices of the class columns. */
export type Meaning =
  | { readonly kind: 'label' }
  | { readonly kind: 'weights'; readonly columns: readonly number[] }
  | { readonly kind: 'unclear'; readonly problem: string; readonly hint: string }

/**
 * What a table with a column called label, class or target means: that the labels are in it, or that it is one class of
 * one-hot or soft labels. `weights` are the numbers of the first of `count` rows by column, undefined where they could
 * not be weights, as they could not in the others; `classes` those that the user named.
 */
export function meaningOf(
  columns: readonly Column[],
  label: number,
  rows: Weights,
  classes: Classes | undefined,
): Meaning {
  const own = columns[label]!
  const possible = columns.map((column) => column.mayBeWeights && column.cells === own.cells)
  const chosen = columns.flatMap((_, k) => (possible[k] ? [k] : []))
  const known = chosen.filter((k) => classes?.indexOf(columns[k]!.name) !== undefined)
  if (possible[label] && known.length === classes?.names.length) return { kind: 'weights', columns: known }
  if (!possible[label] || chosen.length < 2) return { kind: 'label' }
  if (classes !== undefined) {
    if (known.length === 0) return { kind: 'label' }
    if (known.includes(label) && known.length > 1) return { kind: 'weights', columns: known }
  }
  const share = shareOfDistributions(rows, possible)
  const alone = chosen.length === columns.length
  // Two columns of 0 and 1 say the same either way, only the names of the classes differ.
  const plain = chosen.length > 2 || chosen.every((k) => columns[k]!.hasPoints)
  if (alone && (own.hasFractions || (share === 1 && plain))) return { kind: 'weights', columns: chosen }
  const flags = chosen.length > 2 && chosen.every((k) => columns[k]!.isFlag)
  return share > 2 / 3 || own.hasFractions || flags ? unclear(columns, chosen, own) : { kind: 'label' }
}

/** The share of rows in which the `possible` columns sum to 1. */
function shareOfDistributions({ weights, count }: Weights, possible: readonly boolean[]): number {
  let distributions = 0
  for (const row of weights) {
    let sum = 0
    row?.classes.forEach((k, i) => {
      if (possible[k]) sum += row.weights[i]!
    })
    if (Math.abs(sum - 1) <= TOLERANCE) distributions++
  }
  return distributions / count
}

/** The names of columns for a message, five at most. */
export function listedNames(columns: readonly Column[]): string {
  return [...columns.slice(0, 5).map(({ name }) => quoted(name)), ...(columns.length > 5 ? ['...'] : [])].join(', ')
}

function unclear(columns: readonly Column[], chosen: readonly number[], own: Column): Meaning {
  const [name, classes] = [quoted(own.name), listedNames(chosen.map((k) => columns[k]!))]
  return {
    kind: 'unclear',
    problem: `found numbers in the columns ${classes}: unclear whether ${name} holds the labels or each column is a class`,
    hint: `if ${name} holds the labels, leave out ${listedNames(columns.filter((column) => column !== own))}; if they are classes, leave out all other columns and list the classes, one per line, in --classes`,
  }
}
