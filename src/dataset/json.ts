import { z } from 'zod'
import { reasonOf } from '../core/systemError.js'
import type { Problems } from './problems.js'
import { linesOf } from './text.js'

/** A JSON value and its position: its 1-based line in JSON lines, its index in an array. */
export interface Entry {
  readonly position: number
  readonly value: unknown
}

/** A label in JSON: a class name, a class index, weights in class order or weights by class name. */
export const jsonLabel = z.union(
  [
    z.string().trim(),
    z.int().nonnegative(),
    z.array(z.number()).transform((weights) => Float64Array.from(weights)),
    z.record(z.string(), z.number()),
  ],
  'expected a class, or weights as [0.25, 0.75] or {"cat": 0.25, "dog": 0.75}',
)

/** JSON.parse; undefined if `text` is not JSON, which goes to `problems`. */
export function parseJson(text: string, place: string, problems: Problems): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch (cause) {
    problems.add(place, `found text that is not JSON (${reasonOf(cause)})`)
    return undefined
  }
}

/** The values of JSON lines. Lines that are not JSON go to `problems`. */
export function* jsonLines(text: string, name: string, problems: Problems): Iterable<Entry> {
  for (const { line, content } of linesOf(text)) {
    const parsed = parseJson(content, `${name}:${line}`, problems)
    if (parsed) yield { position: line, value: parsed.value }
  }
}
