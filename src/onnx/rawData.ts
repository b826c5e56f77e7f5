/** One place for the elements of every tensor of a file, whichever of its fields a tool wrote them to: the raw bytes. */
import { clearField, create } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type SparseTensorProto,
  TensorProtoSchema,
} from 'onnx-buf'
import { DataType, ELEMENT_SIZE, numbers, type TensorProto } from './tensor.js'

/** Most bytes that sparse tensors may take when they are written out: protocol buffers cannot be larger. */
const MAX_BYTES = 2 ** 31 - 1

/** The low bytes of integers, as elements of `size` bytes; half precision is stored by its bits. */
function lowBytes(values: readonly (number | bigint)[], size: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(values.length * size))
  values.forEach((value, i) => {
    if (size === 8) view.setBigUint64(8 * i, BigInt(value), true)
    else if (size === 4) view.setUint32(4 * i, Number(value), true)
    else if (size === 2) view.setUint16(2 * i, Number(value), true)
    else view.setUint8(i, Number(value))
  })
  return new Uint8Array(view.buffer)
}

/** The elements of the typed field that belongs to the tensor's type (onnx.proto, TensorProto), as bytes. */
function typedBytes(tensor: TensorProto): Uint8Array<ArrayBuffer> {
  const { dataType: type } = tensor
  if (type === DataType.FLOAT) return new Uint8Array(Float32Array.from(tensor.floatData).buffer)
  if (type === DataType.DOUBLE) return new Uint8Array(Float64Array.from(tensor.doubleData).buffer)
  if (type === DataType.INT64) return lowBytes(tensor.int64Data, 8)
  // Elements of less than a byte come two to an entry, as they do in a byte.
  const size = Math.max(1, ELEMENT_SIZE[type] ?? 1)
  return lowBytes(type === DataType.UINT32 || type === DataType.UINT64 ? tensor.uint64Data : tensor.int32Data, size)
}

/** Moves typed elements to the raw bytes; strings, which have none, stay. */
function settle(tensor: TensorProto): void {
  if (tensor.dataType === DataType.STRING) return
  if (tensor.rawData.length === 0) tensor.rawData = typedBytes(tensor)
  tensor.floatData = []
  tensor.doubleData = []
  tensor.int32Data = []
  tensor.int64Data = []
  tensor.uint64Data = []
}

/** The tensor in full, or undefined if the sparse one is not sound or takes more than `room` bytes. Its indices are [n, rank] or, made linear, [n]. */
function dense({ values, indices, dims }: SparseTensorProto, room: number): TensorProto | undefined {
  const size = ELEMENT_SIZE[values?.dataType ?? 0] ?? 0
  const sizes = dims.map(Number)
  const bytes = sizes.reduce((a, b) => a * b, size)
  if (!values || !indices || size < 1 || sizes.some((d) => d < 0) || bytes > room) return undefined
  const list = numbers(indices) ?? []
  const width = indices.dims.length === 2 ? sizes.length : 1
  if (list.length * size !== values.rawData.length * width) return undefined
  const rawData = new Uint8Array(bytes)
  for (let i = 0; i * size < values.rawData.length; i++) {
    const tuple = list.slice(i * width, (i + 1) * width)
    const at = width === 1 ? tuple[0]! : tuple.reduce((linear, index, axis) => linear * sizes[axis]! + index, 0)
    if (!(at >= 0 && (at + 1) * size <= bytes)) return undefined
    rawData.set(values.rawData.subarray(i * size, (i + 1) * size), at * size)
  }
  return create(TensorProtoSchema, { name: values.name, dataType: values.dataType, dims, rawData })
}

/** All attributes of the nodes, those inside subgraphs included. */
function attributesOf(nodes: readonly NodeProto[]): AttributeProto[] {
  return nodes.flatMap(({ attribute }) =>
    attribute.flatMap((a) => [a, ...graphsOf(a).flatMap((graph) => attributesOf(graph.node))]),
  )
}

const graphsOf = ({ g, graphs }: AttributeProto) => (g ? [g, ...graphs] : graphs)

/** The graphs and attributes of a model, wherever they are. */
function partsOf(model: ModelProto): { graphs: GraphProto[]; attributes: AttributeProto[] } {
  const main = model.graph ? [model.graph] : []
  const attributes = attributesOf([...main, ...model.functions].flatMap(({ node }) => node))
  return { graphs: [...main, ...attributes.flatMap(graphsOf)], attributes }
}

/** Every tensor of a model: weights, constants, in subgraphs and functions, and the two that a sparse one is made of. */
export function tensorsOf(model: ModelProto): TensorProto[] {
  const { graphs, attributes } = partsOf(model)
  const sparse = [
    ...graphs.flatMap((graph) => graph.sparseInitializer),
    ...attributes.flatMap(({ sparseTensor, sparseTensors }) => [sparseTensor, ...sparseTensors]),
  ]
  const found = [
    ...graphs.flatMap((graph) => graph.initializer),
    ...attributes.flatMap(({ t, tensors }) => [t, ...tensors]),
    ...sparse.flatMap((tensor) => [tensor?.values, tensor?.indices]),
  ]
  return found.filter((tensor) => tensor !== undefined)
}

/**
 * Gives every tensor of a model that was just read its elements as raw bytes, in place: what onnx.helper.make_tensor,
 * simplifiers, quantisers and converters write to a list of their type. Sparse tensors are written out; one that is not
 * sound stays.
 */
export function settleTensors(model: ModelProto): void {
  for (const tensor of tensorsOf(model)) settle(tensor)
  const { graphs, attributes } = partsOf(model)
  let room = MAX_BYTES
  const written = (sparse: SparseTensorProto) => {
    const tensor = dense(sparse, room)
    room -= tensor?.rawData.length ?? 0
    return tensor ?? sparse
  }
  for (const graph of graphs) {
    const all = graph.sparseInitializer.map(written)
    graph.initializer.push(...all.filter((tensor) => tensor.$typeName === 'onnx.TensorProto'))
    graph.sparseInitializer = all.filter((tensor) => tensor.$typeName === 'onnx.SparseTensorProto')
  }
  for (const attribute of attributes) {
    const { name, sparseTensor } = attribute
    const t = name === 'sparse_value' && sparseTensor ? written(sparseTensor) : undefined
    if (t?.$typeName !== 'onnx.TensorProto') continue
    Object.assign(attribute, { name: 'value', type: AttributeType.TENSOR, t })
    clearField(attribute, AttributeProtoSchema.field.sparseTensor)
  }
}
