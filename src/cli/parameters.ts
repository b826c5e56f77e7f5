/** The parameters of the methods on the command line. */
import type { Option, Table } from '../options/option.js'
import { parameterUses } from '../options/parameters.js'

/** An option for every parameter of any method: its help says what each method takes it for, and the default. */
export const methodParameters: Table = Object.fromEntries(
  Array.from(parameterUses, ([name, uses]): [string, Option] => {
    const help = Array.from(uses, ([description, takers]) => `${description} (${takers.join(', ')})`).join('; ')
    // Each method has a range of its own: see parseConfig.
    return [
      name,
      { type: 'number', low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, value: 'value', help },
    ]
  }),
)
