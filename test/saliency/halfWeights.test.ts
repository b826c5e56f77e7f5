import { expect, test } from 'vitest'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { gradientModel } from '../../src/saliency/gradientModel.js'
import { float32, modelOf, runModel } from '../helpers/onnx.js'

const CHANNELS = 16

/** Eighths, which half precision holds exactly. */
const eighths = (count: number) => Array.from({ length: count }, (_, i) => (((i * 7) % 17) - 8) / 8)

/** Conv, Relu, strided Conv, pooling and Gemm whose weights are of the given type, cast to float32 where they are not. */
function classifier(dtype: DataType): Uint8Array {
  const isHalf = dtype === DataType.FLOAT16
  const sizes = { w1: [CHANNELS, 3, 3, 3], b1: [CHANNELS], w2: [CHANNELS, CHANNELS, 3, 3], fc: [CHANNELS, 4] }
  const stored = (name: string) => (isHalf ? `${name}_half` : name)
  const weights = Object.entries(sizes).map(([name, dims]) => [
    stored(name),
    { dims, values: eighths(dims.reduce((a, b) => a * b)), dtype },
  ])
  const casts = Object.keys(sizes).map((name) => makeNode('Cast', [stored(name)], [name], { to: DataType.FLOAT }))
  const nodes = [
    ...(isHalf ? casts : []),
    makeNode('Conv', ['x', 'w1', 'b1'], ['c1'], { pads: [1, 1, 1, 1] }),
    makeNode('Relu', ['c1'], ['r1']),
    makeNode('Conv', ['r1', 'w2'], ['c2'], { strides: [2, 2], pads: [1, 1, 1, 1] }),
    makeNode('MaxPool', ['c2'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }),
    makeNode('GlobalAveragePool', ['p'], ['a']),
    makeNode('Flatten', ['a'], ['f']),
    makeNode('Gemm', ['f', 'fc'], ['y']),
  ]
  const spec = { nodes, inputs: { x: ['N', 3, 16, 16] }, outputs: ['y'], weights: Object.fromEntries(weights) }
  return writeModel(modelOf(spec))
}

test('weights stored in half precision and cast to float32 give the gradient of float32 weights', async () => {
  const feeds = {
    x: float32(
      [2, 3, 16, 16],
      Array.from({ length: 1536 }, (_, i) => Math.sin(i)),
    ),
    target: float32([2, 4], [1, 0, 0, 0, 0, 0, 1, 0]),
  }
  const [half, single] = [DataType.FLOAT16, DataType.FLOAT].map(classifier) as [Uint8Array, Uint8Array]
  const found = await runModel(await gradientModel(half, 'half.onnx'), feeds)
  const expected = await runModel(await gradientModel(single, 'single.onnx'), feeds)
  expect(Array.from(found.logits!.data as Float32Array)).toEqual(Array.from(expected.logits!.data as Float32Array))
  expect(Array.from(found.gradient!.data as Float32Array)).toEqual(Array.from(expected.gradient!.data as Float32Array))
  expect((found.gradient!.data as Float32Array).some((value) => value !== 0)).toBe(true)
})
