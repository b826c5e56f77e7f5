import type { Command } from 'commander'
import { flagOf } from '../core/flag.js'
import { describedParameters, type MethodName, methods } from '../mix/index.js'
import { numeric } from './options.js'

/** Every parameter of any method by its name, with the methods that take it and their defaults. */
export const methodParameters: ReadonlyMap<
  string,
  { readonly description: string; readonly takers: readonly string[] }
> = collected()

function collected() {
  const found = new Map<string, { description: string; takers: string[] }>()
  for (const method of Object.keys(methods) as MethodName[]) {
    for (const [name, parameter] of Object.entries(describedParameters(method))) {
      const known = found.get(name) ?? { description: parameter.description, takers: [] }
      known.takers.push(`${method}: ${parameter.default}`)
      found.set(name, known)
    }
  }
  return found
}

/** Gives the command an option for every parameter of any method. */
export function addMethodParameters(command: Command): void {
  command.optionsGroup('Parameters of the method:')
  for (const [name, { description, takers }] of methodParameters) {
    command.option(`${flagOf(name)} <value>`, `${description} (${takers.join(', ')})`, numeric)
  }
}
