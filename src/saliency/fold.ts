/** Shapes, indices and masks that a model computes from sizes alone, computed once. */
import { upTo } from '../onnx/ancestors.js'
import type { Graph, Model } from '../onnx/model.js'
import { hasSubgraph, isStandard, makeNode, type NodeProto } from '../onnx/node.js'
import { DataType, makeTensor, type TensorProto } from '../onnx/tensor.js'
import { isWhole, type ValueType } from '../onnx/valueInfo.js'

/** What a run of a model tells: its types, and those values made from sizes alone that were always the same. */
export interface Probed {
  readonly types: ReadonlyMap<string, ValueType>
  readonly constants: ReadonlyMap<string, TensorProto>
}

const RANDOM = /^(Random|Bernoulli|Multinomial|Dropout)/
const WHOLE: ReadonlySet<number> = new Set([DataType.INT64, DataType.INT32, DataType.BOOL])

/** Neither a weight that may be trained, nor one that is packed. */
const isPlain = ({ dataType, dims }: TensorProto) => WHOLE.has(dataType) || dims.every((dim) => dim === 1n)

/** The values that nodes make of nothing but sizes, whole numbers and scalars. */
export function sizeValues({ nodes, initializers }: Graph): Set<string> {
  const known = new Set([...initializers].filter(([, tensor]) => isPlain(tensor)).map(([name]) => name))
  const found = new Set<string>()
  for (const node of nodes) {
    const isSize = node.opType === 'Shape' || node.opType === 'Size'
    const isPure = isStandard(node) && !hasSubgraph(node) && !RANDOM.test(node.opType)
    const isMade = isSize || (node.input.length > 0 && node.input.every((v) => v === '' || known.has(v)))
    if (!isPure || !isMade) continue
    for (const output of node.output.filter((v) => v !== '')) found.add(output) && known.add(output)
  }
  return found
}

/** Whether a Gather takes every element of a list: a view, as PyTorch writes as_strided. */
const isView = ({ opType, input }: NodeProto, types: Probed['types']): boolean =>
  opType === 'Gather' && isWhole(types.get(input[0]!), types.get(input[1] ?? ''))

/** A Reshape in which at most one size is open, or a view, told by a constant shape; other nodes stay. */
function settledShape(node: NodeProto, { types }: Probed, weights: Map<string, TensorProto>): NodeProto {
  const [x, shape] = node.input as [string, string]
  const [y] = node.output as [string]
  const dims = types.get(y)?.dims
  const isOpen = isStandard(node) && ((node.opType === 'Reshape' && !weights.has(shape)) || isView(node, types))
  if (!isOpen || !dims || dims.includes(0) || dims.filter((dim) => dim === null).length > 1) return node
  const name = `${y}/shape`
  if (types.has(name)) return node
  const sizes = dims.map((dim) => dim ?? -1)
  weights.set(name, makeTensor(name, DataType.INT64, [sizes.length], sizes))
  return Object.assign(makeNode('Reshape', [x, name], [y]), { name: node.name })
}

/** The model with `constants` in place of the nodes that make them, and without what nothing needs any more. */
export function folded(model: Model, probed: Probed): Model {
  const { graph } = model
  const { constants } = probed
  const initializers = new Map([...graph.initializers, ...constants])
  const nodes = graph.nodes.map((node) => settledShape(node, probed, initializers))
  const outputs = graph.outputs.map(({ name }) => name)
  return { ...model, graph: { ...graph, ...upTo({ nodes, initializers }, outputs, new Set(constants.keys())) } }
}
