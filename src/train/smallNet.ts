/** A small network for small pictures, built here: what a trial trains from scratch. */
import { create } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { type Model, writeModel } from '../onnx/model.js'
import { makeNode, type NodeProto } from '../onnx/node.js'
import { DataType, makeTensor, type TensorProto } from '../onnx/tensor.js'
import { makeValueInfo } from '../onnx/valueInfo.js'

/** Channels behind each convolution. */
const WIDTHS = [32, 64, 128] as const

/** Cells a side, about, that the last layer looks at. */
const CELLS = 4

/** The least side: each convolution is followed by a halving. */
export const LEAST_SIDE = 2 ** WIDTHS.length

/**
 * Three 3 x 3 convolutions (32, 64, 128 channels), each with instance normalisation, ReLU and a max pooling of 2 x 2, then
 * means over squares that leave 4 to 7 cells a side (fewer of a smaller picture) and a linear layer of them all: 114,000 weights
 * for 10 classes and 32 x 32. Of a mean over all positions little would be left: an instance normalisation takes each channel's own
 * mean away before it. Its input is `pixels` float32 [N, 3, height, width]; every weight is a constant (scales 1, the rest 0)
 * that a training replaces.
 */
export function smallNet(width: number, height: number, classes: number): Uint8Array<ArrayBuffer> {
  const nodes: NodeProto[] = []
  const initializers = new Map<string, TensorProto>()
  const weight = (name: string, dims: readonly number[], value = 0) => {
    const size = dims.reduce((a, b) => a * b, 1)
    initializers.set(name, makeTensor(name, DataType.FLOAT, dims, Array<number>(size).fill(value)))
    return name
  }
  let [value, before] = ['pixels', 3]
  for (const [i, channels] of WIDTHS.entries()) {
    const [conv, norm, relu, pool] = ['conv', 'norm', 'relu', 'pool'].map((kind) => `${kind}${i + 1}`) as [
      string,
      string,
      string,
      string,
    ]
    const filter = [weight(`${conv}.weight`, [channels, before, 3, 3]), weight(`${conv}.bias`, [channels])]
    const scale = [weight(`${norm}.weight`, [channels], 1), weight(`${norm}.bias`, [channels])]
    nodes.push(
      makeNode('Conv', [value, ...filter], [conv], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
      makeNode('InstanceNormalization', [conv, ...scale], [norm]),
      makeNode('Relu', [norm], [relu]),
      makeNode('MaxPool', [relu], [pool], { kernel_shape: [2, 2], strides: [2, 2] }),
    )
    value = pool
    before = channels
  }
  const cells = [height, width].map((side) => Math.floor(side / 2 ** WIDTHS.length))
  const kernel = cells.map((count) => Math.max(1, Math.floor(count / CELLS)))
  const features = cells.reduce((product, count, i) => product * Math.floor(count / kernel[i]!), before)
  const head = [weight('head.weight', [classes, features]), weight('head.bias', [classes])]
  if (kernel.some((side) => side > 1)) {
    nodes.push(makeNode('AveragePool', [value], ['means'], { kernel_shape: kernel, strides: kernel }))
    value = 'means'
  }
  nodes.push(
    makeNode('Flatten', [value], ['features']),
    makeNode('Gemm', ['features', ...head], ['logits'], { transB: 1 }),
  )
  const model: Model = {
    name: 'small',
    opset: 17,
    proto: create(ModelProtoSchema, { irVersion: 8n }),
    graph: {
      nodes,
      initializers,
      inputs: [makeValueInfo('pixels', DataType.FLOAT, ['N', 3, height, width])],
      outputs: [makeValueInfo('logits', DataType.FLOAT, ['N', classes])],
    },
  }
  return writeModel(model)
}
