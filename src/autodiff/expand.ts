import type { Model } from '../onnx/model.js'
import { operatorOf } from '../onnx/node.js'
import { GraphBuilder, type Types } from './builder.js'
import { EXPANSIONS } from './expansions/index.js'

/**
 * The model with every operator that has an expansion written out; the model itself where there is none. `types` must cover
 * the values around those operators, and holds nothing about the new ones.
 */
export function expand(model: Model, types: Types): Model {
  const { graph } = model
  if (!graph.nodes.some((node) => EXPANSIONS[operatorOf(node)])) return model
  const names = [...graph.nodes.flatMap((node) => node.output), ...graph.inputs.map((v) => v.name)]
  const g = new GraphBuilder(model.opset, types, names, 'expanded')
  g.include({ ...graph, nodes: [] })
  for (const node of graph.nodes) {
    const values = EXPANSIONS[operatorOf(node)]?.(g, node)
    if (!values) {
      g.include({ nodes: [node], initializers: new Map(), inputs: [], outputs: [] })
      continue
    }
    for (const [i, output] of node.output.entries())
      if (output !== '' && values[i]) g.emit('Identity', [values[i]], {}, output)
  }
  return { ...model, graph: g.finish(graph.inputs, graph.outputs) }
}
