/** Declared inputs and outputs, and the element type of every value of a graph. */
import { clone, create } from '@bufbuild/protobuf'
import { type NodeProto, type ValueInfoProto, ValueInfoProtoSchema } from 'onnx-buf'
import type { Graph } from './model.js'
import { intAttribute, tensorAttribute } from './node.js'
import { DataType } from './tensor.js'

/** A size that is known when the model is built, or null where it depends on what is fed. */
export type Dim = number | null

/** The product of sizes, null if one is dynamic. */
export function product(dims: readonly Dim[]): Dim {
  return dims.includes(null) ? null : dims.reduce<number>((a, b) => a * b!, 1)
}

/** Whether two shapes of equally many elements have the same dynamic first axis. */
export function hasSameBatch([a, ...rest]: readonly Dim[], [b, ...others]: readonly Dim[]): boolean {
  return a === null && b === null && (product(rest) ?? 0) > 0 && product(rest) === product(others)
}

/** Element type and shape of a value. */
export interface ValueType {
  readonly dtype: DataType
  readonly dims: readonly Dim[]
  /** The elements of a small value that other nodes use as a parameter and that is the same whatever is fed. */
  readonly values?: readonly number[]
  /** Whether such a parameter counts 0, 1, 2, ... over all its elements, however many the batch makes them. */
  readonly isCount?: boolean
  /** How many elements there are with one batch and with another, where that depends on the batch. */
  readonly counts?: readonly [number, number]
}

/** Declares an input or output; a string is a named dynamic dimension, no `dims` means any shape. */
export function makeValueInfo(name: string, dtype: DataType, dims?: readonly (number | string)[]): ValueInfoProto {
  const dim = dims?.map((d) => ({
    value:
      typeof d === 'number'
        ? ({ case: 'dimValue', value: BigInt(d) } as const)
        : ({ case: 'dimParam', value: d } as const),
  }))
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: dtype, ...(dim && { shape: { dim } }) } } },
  })
}

/** The type that the model declares, dynamic dimensions as null; undefined if it is no tensor of known rank. */
export function declaredType(info: ValueInfoProto): ValueType | undefined {
  const type = info.type?.value
  if (type?.case !== 'tensorType' || !type.value.shape) return undefined
  const dims = type.value.shape.dim.map((d) =>
    d.value.case === 'dimValue' && d.value.value >= 0n ? Number(d.value.value) : null,
  )
  return { dtype: type.value.elemType, dims }
}

/** The declaration with another element type. */
export function withElementType(info: ValueInfoProto, dtype: DataType): ValueInfoProto {
  const copy = clone(ValueInfoProtoSchema, info)
  if (copy.type?.value.case === 'tensorType') copy.type.value.value.elemType = dtype
  return copy
}

/** How messages call an element type: `uint8`. */
export function typeName(dtype: DataType): string {
  return (DataType[dtype] ?? `type ${dtype}`).toLowerCase()
}

const INTEGER_RESULT = new Set(['Shape', 'Size', 'ArgMax', 'ArgMin', 'NonZero', 'NonMaxSuppression'])
const QUANTISED_SUMS = new Set(['ConvInteger', 'MatMulInteger'])
const BOOLEAN_RESULT = new Set([
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'And',
  'Or',
  'Xor',
  'Not',
  'IsNaN',
  'IsInf',
])
/** Operators whose first output has the type of an input other than the first. */
const TYPE_FROM_INPUT: Record<string, number> = {
  CastLike: 1,
  Where: 1,
  OneHot: 2,
  DequantizeLinear: 1,
  QLinearConv: 7,
  QLinearMatMul: 7,
}

/** Element type of output number `index` of a node, from those of its inputs. */
export function outputDtype(node: NodeProto, index: number, inputs: readonly DataType[]): DataType {
  const { opType } = node
  if (INTEGER_RESULT.has(opType)) return DataType.INT64
  if (BOOLEAN_RESULT.has(opType)) return DataType.BOOL
  if (index > 0 && (opType === 'MaxPool' || opType === 'TopK')) return DataType.INT64
  if (index > 0 && opType === 'Dropout') return DataType.BOOL
  if (QUANTISED_SUMS.has(opType)) return DataType.INT32
  if (opType === 'QuantizeLinear') return inputs[2] || intAttribute(node, 'output_dtype', 0) || DataType.UINT8
  if (opType === 'DynamicQuantizeLinear') return index === 1 ? DataType.FLOAT : DataType.UINT8
  if (opType === 'Cast') return intAttribute(node, 'to', DataType.FLOAT)
  if (opType === 'Constant' || opType === 'ConstantOfShape') return constantDtype(node)
  if (opType === 'EyeLike') return intAttribute(node, 'dtype', inputs[0]!)
  return inputs[TYPE_FROM_INPUT[opType] ?? 0] ?? DataType.UNDEFINED
}

function constantDtype(node: NodeProto): DataType {
  const tensor = tensorAttribute(node, 'value')
  if (tensor) return tensor.dataType
  const isInteger = node.attribute.some((a) => a.name === 'value_int' || a.name === 'value_ints')
  return isInteger ? DataType.INT64 : DataType.FLOAT
}

/** Whether `indices` name every element of a list in order, however many the batch makes them. */
export const isWhole = (list: ValueType | undefined, indices: ValueType | undefined): boolean =>
  list?.dims.length === 1 && indices?.isCount === true && list.counts?.join() === indices.counts?.join()

/** Element type of every value. */
export function inferDtypes(graph: Graph): Map<string, DataType> {
  const types = new Map<string, DataType>()
  for (const [name, tensor] of graph.initializers) types.set(name, tensor.dataType)
  for (const input of graph.inputs) types.set(input.name, declaredType(input)?.dtype ?? DataType.FLOAT)
  for (const node of graph.nodes) {
    const inputs = node.input.map((v) => types.get(v) ?? DataType.UNDEFINED)
    for (const [i, output] of node.output.entries()) if (output !== '') types.set(output, outputDtype(node, i, inputs))
  }
  return types
}
