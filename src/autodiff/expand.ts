import type { Model } from '../onnx/model.js'
import { operatorOf } from '../onnx/node.js'
import { inferDtypes } from '../onnx/valueInfo.js'
import { GraphBuilder, type Types } from './builder.js'
import { type Expansions, PLAIN_EXPANSIONS, SIZED_EXPANSIONS } from './expansions/index.js'

/** The model with the operators written out that need no sizes for it; the model itself where there is none. */
export function expandPlain(model: Model): Model {
  const dtypes = [...inferDtypes(model.graph)].map(([name, dtype]) => [name, { dtype, dims: [] }] as const)
  return written(model, new Map(dtypes), PLAIN_EXPANSIONS)
}

/** The same for the operators whose sizes `types` tells; it holds nothing about the values between the new ones. */
export function expandSized(model: Model, types: Types): Model {
  return written(model, types, SIZED_EXPANSIONS)
}

function written(model: Model, types: Types, expansions: Expansions): Model {
  const { graph } = model
  if (!graph.nodes.some((node) => expansions[operatorOf(node)])) return model
  const names = [...graph.nodes.flatMap((node) => node.output), ...graph.inputs.map((v) => v.name)]
  const g = new GraphBuilder(model.opset, types, names, 'written')
  g.include({ ...graph, nodes: [] })
  let isChanged = false
  for (const node of graph.nodes) {
    const values = expansions[operatorOf(node)]?.(g, node)
    isChanged ||= values !== undefined
    if (!values) {
      g.include({ nodes: [node], initializers: new Map(), inputs: [], outputs: [] })
      continue
    }
    for (const [i, output] of node.output.entries())
      if (output !== '' && values[i]) g.emit('Identity', [values[i]], {}, output)
  }
  return isChanged ? { ...model, graph: g.finish(graph.inputs, graph.outputs) } : model
}
