import { clone } from '@bufbuild/protobuf'
import { type AttributeProto, type ValueInfoProto, ValueInfoProtoSchema } from 'onnx-buf'
import type { Graph, Model } from './model.js'
import { revise } from './revise.js'
import { DataType, isHalf, toFloat32 } from './tensor.js'
import { declaredType, inferDtypes } from './valueInfo.js'

/** Attributes that name an element type. */
const TYPE_ATTRIBUTES = new Set(['to', 'dtype'])

/** Whether something is computed in half precision, not only stored in it and cast. */
function computesInHalf(graph: Graph): boolean {
  const dtypes = inferDtypes(graph)
  const takesHalf = (names: readonly string[]) => names.some((name) => isHalf(dtypes.get(name) ?? DataType.UNDEFINED))
  return graph.nodes.some((node) => node.opType !== 'Cast' && takesHalf(node.input))
}

function wideAttribute(attribute: AttributeProto): AttributeProto {
  if (attribute.t && isHalf(attribute.t.dataType)) return revise(attribute, { t: toFloat32(attribute.t) })
  const isType = TYPE_ATTRIBUTES.has(attribute.name) && isHalf(Number(attribute.i))
  return isType ? revise(attribute, { i: BigInt(DataType.FLOAT) }) : attribute
}

function widePort(info: ValueInfoProto): ValueInfoProto {
  if (!isHalf(declaredType(info)?.dtype ?? DataType.UNDEFINED)) return info
  const copy = clone(ValueInfoProtoSchema, info)
  if (copy.type?.value.case === 'tensorType') copy.type.value.value.elemType = DataType.FLOAT
  return copy
}

/**
 * A model that computes in float16 or bfloat16, computing in float32, its inputs and outputs included: gradients underflow
 * in half precision, and onnxruntime's CPU provider has few kernels for it. Other models stay as they are.
 */
export function widen(model: Model): Model {
  const { graph } = model
  if (!computesInHalf(graph)) return model
  const nodes = graph.nodes.map((node) => revise(node, { attribute: node.attribute.map(wideAttribute) }))
  const weights = [...graph.initializers].map(
    ([name, tensor]) => [name, isHalf(tensor.dataType) ? toFloat32(tensor) : tensor] as const,
  )
  const ports = { inputs: graph.inputs.map(widePort), outputs: graph.outputs.map(widePort) }
  return { ...model, graph: { ...ports, nodes, initializers: new Map(weights) } }
}
