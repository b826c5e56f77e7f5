import { type SparseLabel, sparseLabel } from '../core/softLabel.js'
import { reasonOf } from '../core/systemError.js'
import type { WrittenLabel } from './labels.js'
import type { Problems } from './problems.js'
import { lineGroups } from './text.js'

/** A JSON value and its position: its 1-based line in JSON lines, its index in an array. */
export interface Entry {
  readonly position: number
  readonly value: unknown
}

/** JSON.parse; undefined if `text` is not JSON, which goes to `problems`. */
export function parseJson(text: string, place: string, problems: Problems): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch (cause) {
    problems.add(place, `found text that is not JSON (${reasonOf(cause)})`)
    return undefined
  }
}

/** The values of JSON lines, some at a time. Lines that are not JSON go to `problems`. Throws where `file` cannot be read. */
export async function* jsonLines(file: string, name: string, problems: Problems): AsyncGenerator<Entry[], void> {
  for await (const lines of lineGroups(file)) {
    const entries: Entry[] = []
    for (const { line, content } of lines) {
      const parsed = parseJson(content, `${name}:${line}`, problems)
      if (parsed) entries.push({ position: line, value: parsed.value })
    }
    yield entries
  }
}

/** What is expected where a value is no label. */
export const EXPECTED_LABEL = 'expected a class, or weights as [0.25, 0.75] or {"cat": 0.25, "dog": 0.75}'

/** Reads labels written in JSON; all weights by name share one list of the names. */
export class JsonLabels {
  readonly #names: string[] = []
  readonly #index = new Map<string, number>()

  /** A class name, a class index (a truth value is a name too), weights in class order or by name, or a list of names; undefined for another value. */
  read(value: unknown): WrittenLabel | undefined {
    if (typeof value === 'string') return value.trim()
    if (typeof value === 'boolean') return String(value)
    if (typeof value === 'number') return Number.isInteger(value) ? value : undefined
    if (typeof value !== 'object' || value === null) return undefined
    if (Array.isArray(value)) return this.#list(value)
    const entries = Object.entries(value)
    if (!entries.every(([, weight]) => isNumber(weight))) return undefined
    for (const [name] of entries) this.#place(name)
    const weights = entries.map(([, weight]) => weight as number)
    return {
      names: this.#names,
      weights: this.#sparse(weights, this.#names.length, (_, i) => this.#place(entries[i]![0])),
    }
  }

  /** Weights in class order, or the names of several classes. */
  #list(values: readonly unknown[]): WrittenLabel | undefined {
    if (values.length > 0 && values.every(isNumber)) return this.#sparse(values, values.length, (_, i) => i)
    if (!values.every((value) => typeof value === 'string')) return undefined
    const names = [...new Set(values.map((name) => name.trim()))]
    for (const name of names) this.#place(name)
    const ones = names.map(() => 1)
    return { names: this.#names, weights: this.#sparse(ones, this.#names.length, (_, i) => this.#place(names[i]!)) }
  }

  #place(name: string): number {
    const known = this.#index.get(name)
    if (known !== undefined) return known
    this.#index.set(name, this.#names.length)
    return this.#names.push(name) - 1
  }

  #sparse(values: readonly number[], size: number, placeOf: (value: number, i: number) => number): SparseLabel {
    const places: number[] = []
    const weights: number[] = []
    values.forEach((value, i) => {
      if (value === 0) return
      places.push(placeOf(value, i))
      weights.push(value)
    })
    return sparseLabel(size, places, weights)
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}
