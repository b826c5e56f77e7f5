import type { Command } from 'commander'
import { flagOf } from '../core/flag.js'
import { describedParameters, type MethodName, methods } from '../mix/index.js'
import { numeric } from './options.js'

/** Every parameter of any method by its name, with its help: what each method takes it for, and the default. */
export const methodParameters: ReadonlyMap<string, string> = new Map(
  Array.from(collected(), ([name, uses]) => [
    name,
    Array.from(uses, ([description, takers]) => `${description} (${takers.join(', ')})`).join('; '),
  ]),
)

/** By parameter and by description the methods that take it so. */
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

/** Gives the command an option for every parameter of any method. */
export function addMethodParameters(command: Command): void {
  command.optionsGroup('Parameters of the method:')
  for (const [name, help] of methodParameters) command.option(`${flagOf(name)} <value>`, help, numeric)
}
