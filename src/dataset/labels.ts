/** Labels as they are written, the classes they speak of, and what they become. */
import { counted } from '../core/counted.js'
import { didYouMean } from '../core/nearest.js'
import { type Label, type SparseLabel, sparseLabel } from '../core/softLabel.js'
import { type Problems, quoted } from './problems.js'

/** A label as written: a class name, a class index, weights in class order, or weights by class name. */
export type WrittenLabel = string | number | SparseLabel | NamedLabel

/** Weights by class name: those of `weights` are indices into `names`, a list that many labels share and that may grow. */
export interface NamedLabel {
  readonly names: readonly string[]
  readonly weights: SparseLabel
}

/** How far a soft label's sum may be from 1; within that it is divided by its sum. */
const SUM_TOLERANCE = 1e-3

const INTEGER = /^\d+$/

/** The problem of weights in class order where nothing says what the classes are. */
export const UNNAMED_WEIGHTS = 'found soft labels without class names, expected --classes with one name per line'

/** Class names and their indices, which are their places in `names`. */
export class Classes {
  readonly names: readonly string[]
  readonly #index: ReadonlyMap<string, number>
  /** An integer is a class index unless classes have integers for names. */
  readonly #takesIndices: boolean
  /** Class indices of the names of labels, by list; -1 for an unknown one. */
  readonly #places = new Map<readonly string[], number[]>()

  constructor(names: readonly string[]) {
    this.names = names
    this.#index = new Map(names.map((name, i) => [name, i]))
    this.#takesIndices = !names.some((name) => INTEGER.test(name))
  }

  /** The class of that name (in any Unicode normal form), or undefined. */
  indexOf(name: string): number | undefined {
    return this.#index.get(name) ?? this.#index.get(name.normalize('NFC'))
  }

  /**
   * The class index, or for a label with more than one class its distribution, which sums to 1. What is wrong with it
   * goes to `fail`, and the result is undefined.
   */
  read(label: WrittenLabel, fail: (problem: string) => void): Label | undefined {
    if (typeof label === 'string' || typeof label === 'number') return this.#hard(String(label), fail)
    if ('names' in label) return this.#named(label, fail)
    if (label.size === this.names.length) return normalised(label, this.names, fail)
    fail(`found a soft label of ${counted(label.size, 'weight')}, expected ${this.names.length}, one per class`)
    return undefined
  }

  /**
   * The same where a picture may show several classes, or none: as `cat|dog`, weights of 0 and 1, or whatever is between, which
   * need not sum to 1.
   */
  readSeveral(label: WrittenLabel, fail: (problem: string) => void): Label | undefined {
    if (typeof label === 'object' && !('names' in label)) {
      if (label.size === this.names.length) return bounded(label, this.names, fail)
      fail(`found ${counted(label.size, 'weight')}, expected ${this.names.length}, one per class`)
      return undefined
    }
    const written = typeof label === 'object' ? label : severalOf(String(label))
    const collected = this.#collected(written, fail)
    return collected && bounded(collected, this.names, fail)
  }

  #hard(name: string, fail: (problem: string) => void): number | undefined {
    const index = this.#indexFor(name)
    if (index === undefined) fail(name === '' ? 'found an empty label, expected a class' : unknownClass(name, this))
    return index
  }

  #indexFor(name: string): number | undefined {
    const index = this.indexOf(name)
    if (index !== undefined) return index
    return this.#takesIndices && INTEGER.test(name) && Number(name) < this.names.length ? Number(name) : undefined
  }

  #named(label: NamedLabel, fail: (problem: string) => void): Label | undefined {
    const collected = this.#collected(label, fail)
    return collected && normalised(collected, this.names, fail)
  }

  /** The weights of a label by class index, rising. */
  #collected({ names, weights }: NamedLabel, fail: (problem: string) => void): SparseLabel | undefined {
    const places = this.#placesOf(names)
    const unknown = weights.classes.find((k) => places[k] === -1)
    if (unknown !== undefined) {
      fail(unknownClass(names[unknown]!, this))
      return undefined
    }
    const sums = new Map<number, number>()
    weights.classes.forEach((k, i) => {
      sums.set(places[k]!, (sums.get(places[k]!) ?? 0) + weights.weights[i]!)
    })
    const classes = [...sums.keys()].sort((a, b) => a - b)
    return sparseLabel(
      this.names.length,
      classes,
      classes.map((k) => sums.get(k)!),
    )
  }

  #placesOf(names: readonly string[]): readonly number[] {
    const places = this.#places.get(names) ?? []
    this.#places.set(names, places)
    while (places.length < names.length) places.push(this.#indexFor(names[places.length]!) ?? -1)
    return places
  }
}

/** The classes in a cell of several, as `cat|dog`; none in an empty one. */
export function severalOf(cell: string): NamedLabel {
  const names = cell
    .split('|')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const unique = [...new Set(names)]
  return {
    names: unique,
    weights: sparseLabel(
      unique.length,
      Array.from(unique.keys()),
      unique.map(() => 1),
    ),
  }
}

/** Whether all weights are between 0 and 1. */
function isBounded(
  { classes, weights }: SparseLabel,
  names: readonly string[],
  fail: (problem: string) => void,
): boolean {
  // Written so that NaN fails too.
  const wrong = weights.findIndex((weight) => !(weight >= 0 && weight <= 1 + SUM_TOLERANCE))
  if (wrong < 0) return true
  fail(`found a weight of ${weights[wrong]} for ${quoted(names[classes[wrong]!]!)}, expected a number between 0 and 1`)
  return false
}

/** The label of several classes in place, no weight above 1, or the index of its only class. */
function bounded(label: SparseLabel, names: readonly string[], fail: (problem: string) => void): Label | undefined {
  if (!isBounded(label, names, fail)) return undefined
  const { classes, weights } = label
  for (const [i, weight] of weights.entries()) weights[i] = Math.min(1, weight)
  return weights.length === 1 && weights[0] === 1 ? classes[0]! : label
}

/** The label in place, its sum made exactly 1, or the index of its only class. */
function normalised(label: SparseLabel, names: readonly string[], fail: (problem: string) => void): Label | undefined {
  if (!isBounded(label, names, fail)) return undefined
  const { classes, weights } = label
  const sum = weights.reduce((total, weight) => total + weight, 0)
  if (!(Math.abs(sum - 1) <= SUM_TOLERANCE)) {
    fail(`weights sum to ${Number(sum.toPrecision(6))}, expected 1`)
    return undefined
  }
  const certain = weights.indexOf(sum)
  if (certain >= 0) return classes[certain]!
  for (let i = 0; i < weights.length; i++) weights[i]! /= sum
  return label
}

/** The problem with a class that is not in the list. */
export function unknownClass(name: string, classes: Classes): string {
  const question = didYouMean(name, classes.names)
  return `class ${quoted(name)} is not among the ${counted(classes.names.length, 'class', 'classes')} of the manifest${question}`
}

/** Adds a problem for every class name that no reader would give back from labels.csv or classes.txt. */
export function checkNames(names: readonly string[], placeOf: (name: string) => string, problems: Problems): void {
  for (const name of names) {
    const problem = nameProblem(name)
    if (problem === undefined) continue
    problems.add(placeOf(name), `class ${quoted(name)} ${problem}`)
    problems.hint('rename the class: labels.csv and classes.txt cannot hold this name')
  }
}

function nameProblem(name: string): string | undefined {
  // Python's splitlines ends lines at U+2028 and U+2029, which are no control characters.
  if (/[\p{Cc}\u2028\u2029]/u.test(name)) return 'has a line break or control character'
  if (/\p{Surrogate}/u.test(name)) return 'has half a character, which UTF-8 cannot hold'
  if (name.trim() !== name) return 'begins or ends with a space'
  return name.toLowerCase() === 'file_name' ? 'has the name of the column of file names' : undefined
}

/** The class names that labels, of `several` classes or of one, speak of, by code point; but integers in numeric order if all are. */
export function classNames(labels: Iterable<WrittenLabel>, several = false): string[] {
  const names = new Set<string>()
  const lists = new Set<readonly string[]>()
  for (const label of labels) {
    if (typeof label === 'string' || typeof label === 'number') {
      for (const name of several ? severalOf(String(label)).names : [String(label)]) names.add(name)
    } else if ('names' in label) lists.add(label.names)
  }
  for (const list of lists) for (const name of list) names.add(name)
  names.delete('')
  const sorted = sortedClasses(names)
  return sorted.every((name) => INTEGER.test(name)) ? sorted.sort((a, b) => Number(a) - Number(b)) : sorted
}

/** Class names in Unicode normal form C, each once, in the order of their code points. */
export function sortedClasses(names: Iterable<string>): string[] {
  return [...new Set(Array.from(names, (name) => name.normalize('NFC')))].sort(byCodePoint)
}

/** Order by Unicode code point, as Python sorts; plain `<` puts U+FF00 after the surrogates of U+1F600. */
function byCodePoint(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)]
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!
    if (difference !== 0) return difference
  }
  return left.length - right.length
}
