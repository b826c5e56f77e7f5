import type { Value } from '../../autodiff/builder.js'
import type { Head } from '../../autodiff/head.js'
import { AugmentError } from '../../core/errors.js'
import type { Model } from '../../onnx/model.js'
import { intAttribute, type NodeProto } from '../../onnx/node.js'
import { DataType, rawTensor } from '../../onnx/tensor.js'
import { declaredType, makeValueInfo } from '../../onnx/valueInfo.js'

/** The axis of the filter of a Conv, Gemm or MatMul along which its outputs lie. */
function outputAxis(node: NodeProto, rank: number): number {
  if (node.opType === 'Conv') return 0
  return node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1 ? 0 : rank - 1
}

/**
 * The model with a last layer of zeros for `classes` classes; `names` are that layer's weights (see headOf). Throws AugmentError
 * 'model' where it does not end in a Gemm, MatMul or Conv with one output per class.
 */
export function withNewHead(model: Model, head: Head, names: readonly Value[], classes: number): Model {
  const { graph } = model
  const initializers = new Map(graph.initializers)
  for (const name of names) {
    const dims = graph.initializers.get(name)!.dims.map(Number)
    const reader = graph.nodes.find((node) => node.input.includes(name))!
    const isFilter = dims.length >= 2 && /^(Conv|Gemm|MatMul)$/.test(reader.opType) && reader.input[1] === name
    const axis = isFilter ? outputAxis(reader, dims.length) : dims.lastIndexOf(head.classes)
    if (dims[axis] !== head.classes) throw noHead(model, classes)
    const sizes = dims.with(axis, classes)
    const size = sizes.reduce((a, b) => a * b, 1)
    initializers.set(name, rawTensor(name, DataType.FLOAT, sizes, new Float32Array(size)))
  }
  if (names.length === 0) throw noHead(model, classes)
  const outputs = graph.outputs.map((info) => makeValueInfo(info.name, declaredType(info)?.dtype ?? DataType.FLOAT))
  return { ...model, graph: { ...graph, initializers, outputs } }
}

export function noHead({ name }: Model, classes: number, cause?: unknown): AugmentError {
  return new AugmentError('model', `${name}: its last layer cannot be given ${classes} classes`, {
    hint: 'a classifier must end in a fully connected layer or a convolution with one output per class',
    cause,
  })
}
