/** What values are computed from. */
import type { Graph } from './model.js'
import { type NodeProto, readsOf } from './node.js'

/** Nodes in order, and tensors by name. */
type Body = Pick<Graph, 'nodes' | 'initializers'>

const NONE: ReadonlySet<string> = new Set()

/** `values`, and all that they are computed from; those in `known` are computed from nothing. */
export function ancestors(nodes: readonly NodeProto[], values: Iterable<string>, known = NONE): Set<string> {
  const found = new Set(values)
  for (const node of nodes.toReversed()) {
    if (!makes(node, found, known)) continue
    for (const value of readsOf(node)) found.add(value)
  }
  return found
}

/** The nodes and initializers that `values` are computed from, and no others; those in `known` are computed from nothing. */
export function upTo({ nodes, initializers }: Body, values: Iterable<string>, known = NONE) {
  const needed = ancestors(nodes, values, known)
  return {
    nodes: nodes.filter((node) => makes(node, needed, known)),
    initializers: new Map([...initializers].filter(([name]) => needed.has(name))),
  }
}

function makes(node: NodeProto, values: ReadonlySet<string>, known: ReadonlySet<string>): boolean {
  return node.output.some((value) => values.has(value) && !known.has(value))
}
