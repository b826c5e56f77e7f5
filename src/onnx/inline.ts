/** Calls of a model's own functions, and branches that are always taken, put in their place; and nodes put in order. */
import type { AttributeProto, FunctionProto, GraphProto, ModelProto } from 'onnx-buf'
import { isStandard, makeNode, type NodeProto, tensorAttribute } from './node.js'
import { revise } from './revise.js'
import { DataType, numbers, type TensorProto } from './tensor.js'

/** More calls than any model nests; a function that calls itself ends here. */
const MAX_DEPTH = 32

interface Flat {
  readonly nodes: readonly NodeProto[]
  /** Weights of the branches that are taken. */
  readonly weights: readonly TensorProto[]
}

/** The nodes of a model without calls of its functions and without an If of a constant condition, in order. */
export function inlined(model: ModelProto): Flat {
  const graph = model.graph!
  const functions = new Map(model.functions.map((f) => [`${f.domain}.${f.name}.${f.overload}`, f]))
  const weights: TensorProto[] = []
  let nodes: readonly NodeProto[] = graph.node
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const constants = constantsOf(nodes, [...graph.initializer, ...weights])
    const next = nodes.flatMap((node) => {
      const called = functions.get(`${node.domain}.${node.opType}.${node.overload}`)
      if (called) return bodyOf(node, called)
      const branch = takenBranch(node, constants)
      if (!branch) return [node]
      weights.push(...branch.initializer)
      return branchNodes(node, branch)
    })
    const isDone = next.length === nodes.length && next.every((node, i) => node === nodes[i])
    nodes = next
    if (isDone) break
  }
  return { nodes: ordered(nodes, graph, weights), weights }
}

type Rename = (name: string) => string

/** The node with its values renamed, in the graphs it holds, too. */
function renamed(node: NodeProto, rename: Rename): NodeProto {
  const inGraph = (graph: GraphProto): GraphProto =>
    revise(graph, {
      node: graph.node.map((inner) => renamed(inner, rename)),
      initializer: graph.initializer.map((t) => revise(t, { name: rename(t.name) })),
      output: graph.output.map((v) => revise(v, { name: rename(v.name) })),
    })
  return revise(node, {
    input: node.input.map(rename),
    output: node.output.map(rename),
    attribute: node.attribute.map((a) => (a.g ? revise(a, { g: inGraph(a.g) }) : a)),
  })
}

/** What a function's nodes are where it is called. */
function bodyOf(call: NodeProto, { input, output, node, attributeProto }: FunctionProto): NodeProto[] {
  const names = new Map(input.map((name, i) => [name, call.input[i] ?? '']))
  const prefix = `${call.name || call.opType}/${call.output.find((name) => name !== '')}`
  for (const [i, name] of output.entries()) if (call.output[i]) names.set(name, call.output[i])
  const rename = (name: string) => (name === '' ? '' : (names.get(name) ?? `${prefix}/${name}`))
  const given = new Map([...attributeProto, ...call.attribute].map((a) => [a.name, a]))
  const settled = (a: AttributeProto): AttributeProto[] => {
    if (a.refAttrName === '') return [a]
    const value = given.get(a.refAttrName)
    return value ? [revise(value, { name: a.name })] : []
  }
  return node.map((inner) => renamed(revise(inner, { attribute: inner.attribute.flatMap(settled) }), rename))
}

/** Tensors by the value they give. */
function constantsOf(nodes: readonly NodeProto[], weights: readonly TensorProto[]): Map<string, TensorProto> {
  const constants = new Map(weights.map((tensor) => [tensor.name, tensor]))
  for (const node of nodes) {
    const tensor = node.opType === 'Constant' ? tensorAttribute(node, 'value') : undefined
    if (tensor) constants.set(node.output[0]!, tensor)
  }
  return constants
}

/** The branch of an If whose condition is a constant. */
function takenBranch(node: NodeProto, constants: ReadonlyMap<string, TensorProto>): GraphProto | undefined {
  if (node.opType !== 'If' || !isStandard(node)) return undefined
  const tensor = constants.get(node.input[0]!)
  const [condition] = tensor?.dataType === DataType.BOOL ? (numbers(tensor) ?? []) : []
  if (condition === undefined) return undefined
  return node.attribute.find((a) => a.name === (condition ? 'then_branch' : 'else_branch'))?.g
}

/** The nodes of a branch, which see the values around them, ending in the outputs of the If. */
function branchNodes(node: NodeProto, branch: GraphProto): NodeProto[] {
  const results = node.output.flatMap((wanted, i) =>
    wanted === '' ? [] : [makeNode('Identity', [branch.output[i]?.name ?? ''], [wanted])],
  )
  return [...branch.node, ...results]
}

/** The nodes in an order in which every value is made before it is used, as little changed as that takes. */
function ordered(
  nodes: readonly NodeProto[],
  graph: GraphProto,
  weights: readonly TensorProto[],
): readonly NodeProto[] {
  const makers = new Map(nodes.flatMap((node) => node.output.map((output) => [output, node] as const)))
  const given = [...graph.input, ...graph.initializer, ...weights].map(({ name }) => name)
  const made = new Set(given)
  const isSorted = nodes.every((node) => {
    const isReady = node.input.every((input) => input === '' || made.has(input))
    for (const output of node.output) made.add(output)
    return isReady
  })
  if (isSorted) return nodes
  const done = new Set<NodeProto>()
  const open = new Set<NodeProto>()
  const sorted: NodeProto[] = []
  for (const start of nodes) {
    const stack = [start]
    while (stack.length > 0) {
      const node = stack.at(-1)!
      open.add(node)
      const missing = node.input
        .map((input) => (input === '' ? undefined : makers.get(input)))
        .find((maker) => maker && !done.has(maker))
      if (missing) {
        // In a circle there is no order.
        if (open.has(missing)) return nodes
        stack.push(missing)
        continue
      }
      stack.pop()
      if (!done.has(node)) sorted.push(node)
      done.add(node)
    }
  }
  return sorted
}
