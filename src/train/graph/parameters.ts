/** Which of a model's constants are weights that training may change. */
import type { Types, Value } from '../../autodiff/builder.js'
import type { Graph, Model } from '../../onnx/model.js'
import { intAttribute, isStandard, type NodeProto } from '../../onnx/node.js'
import { DataType } from '../../onnx/tensor.js'

export type Role =
  /** A matrix or filter that is multiplied with what comes in. */
  | 'filter'
  | 'bias'
  /** The factor of a normalisation, 1 in a network that has learnt nothing. */
  | 'scale'
  /** Of PRelu. */
  | 'slope'
  /** Any other tensor that takes part: position embeddings, class tokens, layer scales, tables. */
  | 'table'

export interface Parameter {
  readonly name: Value
  readonly role: Role
  /** The fan-in: how many input elements one output element sums up; 1 except for filters. */
  readonly fanIn: number
}

/** The inputs at which operators take weights, whatever these are. */
const WEIGHT_INPUTS: Readonly<Record<string, Readonly<Record<number, Role>> | undefined>> = {
  Conv: { 1: 'filter', 2: 'bias' },
  ConvTranspose: { 1: 'filter', 2: 'bias' },
  Gemm: { 0: 'filter', 1: 'filter', 2: 'bias' },
  MatMul: { 0: 'filter', 1: 'filter' },
  Einsum: { 0: 'filter', 1: 'filter' },
  BatchNormalization: { 1: 'scale', 2: 'bias' },
  InstanceNormalization: { 1: 'scale', 2: 'bias' },
  LayerNormalization: { 1: 'scale', 2: 'bias' },
  GroupNormalization: { 1: 'scale', 2: 'bias' },
  RMSNormalization: { 1: 'scale' },
  PRelu: { 1: 'slope' },
}

/** Operators that pass on, combine or map elementwise tensors that may be weights, and at how many of their first inputs. */
const OTHER_INPUTS: Readonly<Record<string, number | undefined>> = {
  Abs: 1,
  Add: 2,
  Clip: 1,
  Concat: Number.POSITIVE_INFINITY,
  Div: 2,
  Exp: 1,
  Expand: 1,
  Flatten: 1,
  Gather: 1,
  Identity: 1,
  Max: Number.POSITIVE_INFINITY,
  Min: Number.POSITIVE_INFINITY,
  Mul: 2,
  Neg: 1,
  Pad: 1,
  Relu: 1,
  Reshape: 1,
  ScatterElements: 1,
  ScatterND: 1,
  Sigmoid: 1,
  Slice: 1,
  Softmax: 1,
  Softplus: 1,
  Split: 1,
  Sqrt: 1,
  Squeeze: 1,
  Sub: 2,
  Sum: Number.POSITIVE_INFINITY,
  Tanh: 1,
  Tile: 1,
  Transpose: 1,
  Unsqueeze: 1,
}

const volume = (dims: readonly bigint[]) => dims.reduce((product, dim) => product * Number(dim), 1)

/**
 * Values that are the picture itself, only rescaled or rearranged: the constants they meet prepare it, such as a mean and a
 * deviation, and are no weights.
 */
function rawValues({ nodes, inputs }: Graph): Set<Value> {
  const raw = new Set(inputs.map((info) => info.name))
  for (const node of nodes) {
    const passes = OTHER_INPUTS[node.opType] !== undefined || node.opType === 'Cast'
    if (passes && node.input.some((v) => raw.has(v))) for (const output of node.output) raw.add(output)
  }
  return raw
}

/** How many elements a filter sums over, at input `position` of `node`. */
function fanInOf(node: NodeProto, position: number, dims: readonly number[]): number {
  const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1)
  if (node.opType === 'Conv') return product(dims.slice(1))
  if (node.opType === 'ConvTranspose') return (dims[0]! / intAttribute(node, 'group', 1)) * product(dims.slice(2))
  const flips = node.opType === 'Gemm' && intAttribute(node, position === 0 ? 'transA' : 'transB', 0) === 1
  // A left operand is summed over its last axis, a right one over the one before.
  const axis = (position === 0) === flips ? dims.length - 2 : dims.length - 1
  return dims[Math.max(axis, 0)] ?? 1
}

/** The role of the constant `name` at an input of a node, or null where it is no weight. */
function roleAt(
  node: NodeProto,
  position: number,
  constants: ReadonlySet<Value>,
  raw: ReadonlySet<Value>,
): Role | null {
  if (!isStandard(node)) return null
  const fixed = WEIGHT_INPUTS[node.opType]
  if (fixed) {
    // What a constant is multiplied by a constant for, such as a table of coordinates, is data.
    const isData = position === 0 && constants.has(node.input[1]!)
    return isData ? null : (fixed[position] ?? null)
  }
  const open = OTHER_INPUTS[node.opType]
  return open === undefined || position >= open || node.input.some((v) => raw.has(v)) ? null : 'table'
}

/** A constant that one operator adds along the channels is a bias. */
function refined(node: NodeProto, role: Role, name: Value, types: Types): Role {
  if (role !== 'table' || node.opType !== 'Add') return role
  return types.get(name)!.dims.filter((dim) => dim !== 1).length <= 1 ? 'bias' : role
}

/**
 * The float32 constants of a model that are weights, in the order of their use: those at the weight inputs of operators, and
 * other tensors of several elements that take part behind the first layer, but none of `computed`, which the graph itself
 * made from numbers (masks, grids).
 */
export function findParameters({ graph }: Model, types: Types, computed: ReadonlySet<Value>): Parameter[] {
  const constants = new Set(graph.initializers.keys())
  const raw = rawValues(graph)
  const found = new Map<Value, Parameter>()
  for (const node of graph.nodes) {
    for (const [position, name] of node.input.entries()) {
      const tensor = graph.initializers.get(name)
      if (!tensor || tensor.dataType !== DataType.FLOAT || found.has(name)) continue
      const role = roleAt(node, position, constants, raw)
      if (role === null || (role === 'table' && (volume(tensor.dims) < 2 || computed.has(name)))) continue
      const fanIn = role === 'filter' ? fanInOf(node, position, tensor.dims.map(Number)) : 1
      found.set(name, { name, role: refined(node, role, name, types), fanIn })
    }
  }
  return [...found.values()]
}
