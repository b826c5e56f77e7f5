/** A model of one picture at a time made one of any number. */
import type { Graph, Model } from '../onnx/model.js'
import {
  attributesWithout,
  intAttribute,
  intsAttribute,
  makeNode,
  type NodeProto,
  tensorAttribute,
} from '../onnx/node.js'
import { revise } from '../onnx/revise.js'
import { DataType, makeTensor, numbers } from '../onnx/tensor.js'
import { type Dim, declaredType, makeValueInfo } from '../onnx/valueInfo.js'
import { batchPlaces } from './batchAxis.js'
import type { Sizes } from './inferSizes.js'

/** The model with its picture input, the first one, declared as `dims`. */
export function withInput(model: Model, dtype: DataType, dims: readonly Dim[]): Model {
  const [first, ...others] = model.graph.inputs
  const named = dims.map((dim, axis) => dim ?? (axis === 0 ? 'N' : `d${axis}`))
  return { ...model, graph: { ...model.graph, inputs: [makeValueInfo(first!.name, dtype, named), ...others] } }
}

/** A constant shape of a value with its batch left open, `from` and `made` for one picture; null if it cannot be. */
type Opening = (shape: readonly number[], axis: number, from: Sizes, made: Sizes) => number[] | null

/** The axis of the batch is left open, where that of 1 may be merged with windows; another one that was is taken from `made`. */
const openReshape: Opening = (shape, axis, from, made) => {
  if (shape.length < 2 || shape[axis]! < 1) return null
  if (axis === 0 && shape[0] === 1 && from[0] === 1 && shape.includes(-1)) return [0, ...shape.slice(1)]
  const sizes = shape.map((value, i) => (i === axis ? -1 : value === -1 ? made[i] : value))
  return sizes.every((size) => typeof size === 'number') ? sizes : null
}

/** A size that it does not change is left to what is expanded. */
const openExpand: Opening = (shape, axis, from) =>
  shape.length === from.length && shape[axis] === from[axis] ? shape.map((size, i) => (i === axis ? 1 : size)) : null

const SHAPING: Readonly<Record<string, Opening | undefined>> = { Reshape: openReshape, Expand: openExpand }

/** The elements of an initializer or of what a Constant node makes, if it is a short list of numbers. */
function listOf(value: string, { initializers }: Graph, constants: ReadonlyMap<string, NodeProto>) {
  const node = constants.get(value)
  const tensor = node ? tensorAttribute(node, 'value') : initializers.get(value)
  return tensor ? numbers(tensor) : node && intsAttribute(node, 'value_ints')
}

/** The open shape of a view of all elements of one picture, as PyTorch writes as_strided: indices 0, 1, ... in some shape. */
function wholeView(node: NodeProto, { initializers }: Graph): number[] | null {
  const indices = initializers.get(node.input[1]!)
  const dims = indices?.dims.map(Number) ?? []
  if (dims[0] !== 1 || dims.length < 2 || intAttribute(node, 'axis', 0) !== 0) return null
  return numbers(indices!)?.every((value, i) => value === i) ? [-1, ...dims.slice(1)] : null
}

/**
 * The model with its batch declared dynamic, constant shapes opened, and what each picture gets repeated.
 * `sizes` are those of its values for one picture.
 */
export function opened(model: Model, sizes: ReadonlyMap<string, Sizes>): Model {
  const { graph } = model
  const { dtype, dims } = declaredType(graph.inputs[0]!)!
  const initializers = new Map(graph.initializers)
  const constants = new Map(
    graph.nodes.filter(({ opType }) => opType === 'Constant').map((node) => [node.output[0]!, node] as const),
  )
  const list = (name: string, values: readonly number[]) => {
    initializers.set(name, makeTensor(name, DataType.INT64, [values.length], values))
    return name
  }
  const constant = (value: string) => listOf(value, graph, constants)
  const places = batchPlaces(graph, graph.inputs[0]!.name, { sizes, list: constant })
  const nodes = graph.nodes.flatMap((node) => {
    if (node.opType === 'Concat' && intAttribute(node, 'axis', 0) !== 0) return joined(node, graph, list)
    const target = node.opType === 'Resize' ? constant(node.input[3] ?? '') : undefined
    if (target?.[0] === 1) return resized(node, list(`${node.output[0]}/rest`, target.slice(1)))
    const view = node.opType === 'Gather' ? wholeView(node, graph) : null
    if (view) return [makeNode('Reshape', [node.input[0]!, list(`${node.output[0]}/open`, view)], node.output)]
    const shaping = SHAPING[node.opType]
    const given = shaping && constant(node.input[1]!)
    if (!given) return [node]
    const [from, made] = [node.input[0]!, node.output[0]!].map((value) => sizes.get(value) ?? []) as [Sizes, Sizes]
    const shape = shaping(given, places.get(node.output[0]!)?.axis ?? 0, from, made)
    if (!shape) return [node]
    const input = [node.input[0]!, list(`${node.output[0]}/open`, shape)]
    return [revise(node, { input, attribute: attributesWithout(node, ['allowzero']) })]
  })
  const batch = makeNode('Shape', [graph.inputs[0]!.name], [BATCH], { start: 0, end: 1 })
  const outputs = graph.outputs.map((v) => makeValueInfo(v.name, declaredType(v)?.dtype ?? DataType.FLOAT))
  const freed = { ...model, graph: { ...graph, nodes: [batch, ...nodes], initializers, outputs } }
  return withInput(freed, dtype, [null, ...dims.slice(1)])
}

/** The batch, as int64 [1], in an opened model. */
const BATCH = 'batch/open'

/** A Resize to constant sizes, of which `rest` are those behind the batch. */
function resized(node: NodeProto, rest: string): NodeProto[] {
  const sizes = `${node.output[0]}/sizes`
  const input = [...node.input.slice(0, 3), sizes]
  return [makeNode('Concat', [BATCH, rest], [sizes], { axis: 0 }), revise(node, { input })]
}

/** A Concat of which constants [1, ...], such as a class token, are repeated for every picture. */
function joined(node: NodeProto, { initializers }: Graph, list: (name: string, values: readonly number[]) => string) {
  const before: NodeProto[] = []
  const input = node.input.map((value, i) => {
    const dims = initializers.get(value)?.dims.map(Number) ?? []
    if (dims[0] !== 1 || dims.length < 2) return value
    const [shape, repeated] = [`${node.output[0]}/shape${i}`, `${node.output[0]}/open${i}`]
    before.push(makeNode('Concat', [BATCH, list(`${shape}/rest`, dims.slice(1))], [shape], { axis: 0 }))
    before.push(makeNode('Expand', [value, shape], [repeated]))
    return repeated
  })
  return [...before, revise(node, { input })]
}
