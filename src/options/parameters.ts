/** The parameters of the methods, as options: they are defined with the methods. */
import { describedParameters, type MethodName, methods } from '../mix/index.js'
import type { Option, Table } from './option.js'

/** The parameters of one method. */
export function parametersOf(method: MethodName): Table {
  const described = Object.entries(describedParameters(method))
  return Object.fromEntries(
    described.map(([name, parameter]): [string, Option] => {
      const common = { help: parameter.description, value: 'value', rare: true } as const
      if ('choices' in parameter) {
        const { choices, default: usual } = parameter
        return [name, { ...common, type: 'choice', choices, default: usual }]
      }
      const { low, high, default: usual, whole } = parameter
      return [name, { ...common, type: whole ? 'integer' : 'number', low, high, default: usual }]
    }),
  )
}

/** By parameter of any method, and by what it is for, the methods that take it so with their defaults: `sage: 1`. */
export const parameterUses: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> = collected()

function collected(): Map<string, Map<string, string[]>> {
  const found = new Map<string, Map<string, string[]>>()
  for (const method of Object.keys(methods) as MethodName[]) {
    for (const [name, { description, default: value }] of Object.entries(describedParameters(method))) {
      const uses = found.get(name) ?? new Map<string, string[]>()
      uses.set(description, [...(uses.get(description) ?? []), `${method}: ${value}`])
      found.set(name, uses)
    }
  }
  return found
}
