import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { modelOf } from './onnx.js'

/** A classifier that is linear in the pixels of 14 x 14 pictures, its weights zero: one step takes a moment. */
export function linearModel(channels: number, classes: number) {
  const features = channels * 196
  const zeros = (n: number) => Array<number>(n).fill(0)
  return writeModel(
    modelOf({
      nodes: [makeNode('Flatten', ['x'], ['f']), makeNode('Gemm', ['f', 'w', 'b'], ['y'])],
      inputs: { x: ['N', channels, 14, 14] },
      outputs: ['y'],
      weights: {
        w: { dims: [features, classes], values: zeros(features * classes) },
        b: { dims: [classes], values: zeros(classes) },
      },
    }),
  )
}

/** One of grey pictures and ten classes. */
export const linearNet = {
  bytes: linearModel(1, 10),
  json: JSON.stringify({ mean: [0.3], std: [0.35], layout: 'nchw' }),
}
