import type { Graph } from './model.js'
import { revise } from './revise.js'

/** The graph with every value called `rename(name)`; `rename` must be injective. */
export function renameValues(graph: Graph, rename: (name: string) => string): Graph {
  const each = (names: readonly string[]) => names.map((name) => (name === '' ? '' : rename(name)))
  return {
    nodes: graph.nodes.map((n) => revise(n, { input: each(n.input), output: each(n.output) })),
    initializers: new Map(
      [...graph.initializers].map(([name, t]) => [rename(name), revise(t, { name: rename(name) })]),
    ),
    inputs: graph.inputs.map((v) => revise(v, { name: rename(v.name) })),
    outputs: graph.outputs.map((v) => revise(v, { name: rename(v.name) })),
  }
}
