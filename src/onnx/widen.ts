import type { AttributeProto, ValueInfoProto } from 'onnx-buf'
import type { Graph, Model } from './model.js'
import { revise } from './revise.js'
import { DataType, isHalf, toFloat32 } from './tensor.js'
import { declaredType, inferDtypes, withElementType } from './valueInfo.js'

/** Attributes that name an element type. */
const TYPE_ATTRIBUTES = new Set(['to', 'dtype'])

/** The float types in which onnxruntime's CPU provider cannot compute this model, or gradients underflow. */
function unsuitable(graph: Graph): Set<DataType> {
  const dtypes = inferDtypes(graph)
  const takes = (names: readonly string[], is: (dtype: DataType) => boolean) =>
    names.some((name) => is(dtypes.get(name) ?? DataType.UNDEFINED))
  const found = new Set<DataType>()
  // Halves may be stored and cast, which is no computation, but an input of them is fed as float32 throughout.
  const isHalfway = graph.nodes.some(({ opType, input }) => opType !== 'Cast' && takes(input, isHalf))
  if (
    isHalfway ||
    takes(
      Array.from(graph.inputs, ({ name }) => name),
      isHalf,
    )
  )
    found.add(DataType.FLOAT16).add(DataType.BFLOAT16)
  const isDouble = (dtype: DataType) => dtype === DataType.DOUBLE
  if (graph.nodes.some(({ opType, input }) => opType.startsWith('Conv') && takes(input, isDouble)))
    found.add(DataType.DOUBLE)
  return found
}

/**
 * A model that computes in float16 or bfloat16, or convolves in double, computing in float32, its inputs and outputs
 * included: gradients underflow in half precision, for which onnxruntime's CPU provider has few kernels, as it has none for
 * convolutions of doubles. Other models stay as they are.
 */
export function widen(model: Model): Model {
  const { graph } = model
  const types = unsuitable(graph)
  if (types.size === 0) return model
  const attributeOf = (attribute: AttributeProto): AttributeProto => {
    if (attribute.t && types.has(attribute.t.dataType)) return revise(attribute, { t: toFloat32(attribute.t) })
    const isType = TYPE_ATTRIBUTES.has(attribute.name) && types.has(Number(attribute.i))
    return isType ? revise(attribute, { i: BigInt(DataType.FLOAT) }) : attribute
  }
  const portOf = (info: ValueInfoProto) =>
    types.has(declaredType(info)?.dtype ?? DataType.UNDEFINED) ? withElementType(info, DataType.FLOAT) : info
  const nodes = graph.nodes.map((node) => revise(node, { attribute: node.attribute.map(attributeOf) }))
  const weights = [...graph.initializers].map(
    ([name, tensor]) => [name, types.has(tensor.dataType) ? toFloat32(tensor) : tensor] as const,
  )
  const ports = { inputs: graph.inputs.map(portOf), outputs: graph.outputs.map(portOf) }
  return { ...model, graph: { ...ports, nodes, initializers: new Map(weights) } }
}
