import type { Model } from './model.js'
import { isStandard, tensorAttribute } from './node.js'
import { revise } from './revise.js'

/** The model with the tensors of its Constant nodes among its weights: what runs it has fewer nodes to look at. */
export function constantsAsWeights(model: Model): Model {
  const { graph } = model
  const initializers = new Map(graph.initializers)
  const nodes = graph.nodes.filter((node) => {
    const tensor = node.opType === 'Constant' && isStandard(node) ? tensorAttribute(node, 'value') : undefined
    if (tensor) initializers.set(node.output[0]!, revise(tensor, { name: node.output[0]! }))
    return !tensor
  })
  return nodes.length === graph.nodes.length ? model : { ...model, graph: { ...graph, nodes, initializers } }
}
