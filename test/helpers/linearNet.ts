import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { modelOf } from './onnx.js'

/** A classifier of ten classes that is linear in the pixels of 14 x 14 grey pictures: one step takes a moment. */
export const linearNet = {
  bytes: writeModel(
    modelOf({
      nodes: [makeNode('Flatten', ['x'], ['f']), makeNode('Gemm', ['f', 'w', 'b'], ['y'])],
      inputs: { x: ['N', 1, 14, 14] },
      outputs: ['y'],
      weights: { w: { dims: [196, 10], values: Array(1960).fill(0) }, b: { dims: [10], values: Array(10).fill(0) } },
    }),
  ),
  json: JSON.stringify({ mean: [0.3], std: [0.35], layout: 'nchw' }),
}
