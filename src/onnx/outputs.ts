/** Which output of a classifier its classes are in, and the model without all others. */
import { AugmentError } from '../core/errors.js'
import type { Model } from './model.js'

/** The name of the output `wanted`, or of the first one. Throws a usage error that lists the names there are. */
export function chooseOutput({ name, graph }: Model, wanted?: string): string {
  const names = graph.outputs.map((info) => info.name)
  const chosen = wanted ?? names[0]!
  if (names.includes(chosen)) return chosen
  throw new AugmentError('usage', `${name}: no output "${chosen}", it has ${names.join(', ')}`)
}

/** The model with one output and what that depends on; all its inputs stay. */
export function withOutput(model: Model, output: string): Model {
  const { graph } = model
  const needed = new Set([output])
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.output.some((value) => needed.has(value))) return false
    for (const value of node.input) needed.add(value)
    return true
  })
  const initializers = new Map([...graph.initializers].filter(([value]) => needed.has(value)))
  const outputs = graph.outputs.filter(({ name }) => name === output)
  return { ...model, graph: { ...graph, nodes: nodes.reverse(), initializers, outputs } }
}
