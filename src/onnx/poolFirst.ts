import type { Graph, Model } from './model.js'
import { isStandard, type NodeProto } from './node.js'
import { revise } from './revise.js'

/** How often each value is read, as an output of the graph, too. */
function readers(graph: Graph): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of [...graph.nodes.flatMap((node) => node.input), ...graph.outputs.map((v) => v.name)])
    counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/**
 * MaxPool(Relu(x)) as Relu(MaxPool(x)), which is the same: a rectified maximum is rectified, and differentiated, where there
 * are fewest pixels. The value between the two keeps its name.
 */
export function poolFirst(model: Model): Model {
  const { graph } = model
  const counts = readers(graph)
  const nodes: NodeProto[] = [...graph.nodes]
  const rectified = new Map<string, number>()
  for (const [i, node] of graph.nodes.entries()) {
    if (!isStandard(node)) continue
    if (node.opType === 'Relu') rectified.set(node.output[0]!, i)
    const [between] = node.input
    const at = rectified.get(between ?? '')
    if (node.opType !== 'MaxPool' || at === undefined || counts.get(between!) !== 1 || node.output.length > 1) continue
    const relu = graph.nodes[at]!
    nodes[at] = revise(node, { input: relu.input, output: relu.output })
    nodes[i] = revise(relu, { input: relu.output, output: node.output })
  }
  return { ...model, graph: { ...graph, nodes } }
}
