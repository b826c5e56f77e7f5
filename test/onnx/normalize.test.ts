import { expect, test } from 'vitest'
import { type Attributes, makeNode } from '../../src/onnx/node.js'
import { normalize } from '../../src/onnx/normalize.js'
import { DataType } from '../../src/onnx/tensor.js'
import { float32, modelOf, runModel, type Weight } from '../helpers/onnx.js'

interface OldForm {
  readonly op: string
  readonly opset: number
  readonly attributes?: Attributes
  readonly sizes?: readonly number[]
  readonly weights?: Record<string, Weight>
  readonly outputs?: number
}

const float = (value: number) => ({ float: value })
const floats = (...values: number[]): Weight => ({ dims: [values.length], values })

/** Forms that later opsets replaced; onnxruntime still runs them as they are. */
const OLD_FORMS: readonly OldForm[] = [
  { op: 'Squeeze', opset: 9, attributes: { axes: [1] }, sizes: [2, 1, 3] },
  { op: 'Squeeze', opset: 9, sizes: [2, 1, 3] },
  { op: 'Unsqueeze', opset: 11, attributes: { axes: [0, 2] } },
  { op: 'ReduceSum', opset: 11, attributes: { axes: [1], keepdims: 0 } },
  { op: 'ReduceSum', opset: 8 },
  { op: 'Split', opset: 11, attributes: { axis: 1, split: [1, 2, 1] }, outputs: 3 },
  { op: 'Split', opset: 11, attributes: { axis: 1 }, outputs: 2 },
  { op: 'Softmax', opset: 11, sizes: [2, 3, 4] },
  { op: 'Softmax', opset: 7, attributes: { axis: 2 }, sizes: [2, 3, 4] },
  { op: 'LogSoftmax', opset: 12, attributes: { axis: 0 }, sizes: [2, 3, 4] },
  { op: 'Hardmax', opset: 11, sizes: [2, 3, 2] },
  { op: 'Clip', opset: 7, attributes: { min: float(-0.5), max: float(0.25) } },
  { op: 'Clip', opset: 10, attributes: { max: float(0.25) } },
  { op: 'Pad', opset: 10, attributes: { pads: [0, 1, 2, 0], value: float(3) } },
  { op: 'Pad', opset: 7, attributes: { mode: 'reflect', pads: [0, 2, 1, 0] } },
  { op: 'Slice', opset: 9, attributes: { starts: [0, 1], ends: [2, -1] } },
  { op: 'Slice', opset: 9, attributes: { starts: [1], ends: [3], axes: [1] } },
  { op: 'Dropout', opset: 7, attributes: { ratio: float(0.3) } },
  { op: 'TopK', opset: 9, attributes: { k: 2 }, outputs: 1 },
  { op: 'Upsample', opset: 7, attributes: { mode: 'nearest', scales: [1, 2] }, sizes: [3, 4] },
  {
    op: 'Upsample',
    opset: 9,
    attributes: { mode: 'linear' },
    sizes: [1, 2, 3, 4],
    weights: { scales: floats(1, 1, 2, 1.5) },
  },
  {
    op: 'Resize',
    opset: 10,
    attributes: { mode: 'nearest' },
    sizes: [1, 2, 3, 4],
    weights: { scales: floats(1, 1, 2, 1.5) },
  },
  ...[floats(1, 1, 0.5, 0.6), floats(1, 1, 0.7, 2), floats(1, 1, 1, 0.3)].flatMap((scales) =>
    ['nearest', 'linear'].map((mode) => ({
      op: 'Resize',
      opset: 10,
      attributes: { mode },
      sizes: [1, 2, 6, 7],
      weights: { scales },
    })),
  ),
  ...['tf_half_pixel_for_nn', 'pytorch_half_pixel', 'asymmetric'].map((coordinates) => ({
    op: 'Resize',
    opset: 11,
    attributes: { mode: 'nearest', coordinate_transformation_mode: coordinates },
    sizes: [1, 2, 6, 7],
    weights: { roi: floats(), scales: floats(1, 1, 0.5, 1.6) },
  })),
  {
    op: 'Scatter',
    opset: 10,
    attributes: { axis: 1 },
    weights: {
      indices: { dims: [3, 1], values: [0, 3, 1], dtype: DataType.INT64 },
      updates: { dims: [3, 1], values: [7, 8, 9] },
    },
  },
  {
    op: 'BatchNormalization',
    opset: 7,
    sizes: [2, 3, 2, 2],
    attributes: { spatial: 1 },
    weights: {
      scale: floats(1, 2, 3),
      bias: floats(0, 1, 2),
      mean: floats(0.1, 0.2, 0.3),
      variance: floats(1, 0.5, 2),
    },
  },
]

test.each(OLD_FORMS.map((form) => [`${form.op} of opset ${form.opset}`, form] as const))(
  '%s means the same after normalising',
  async (_, form) => {
    const { op, opset, attributes = {}, sizes = [3, 4], weights = {}, outputs = 1 } = form
    const names = Array.from({ length: outputs }, (_, i) => `y${i}`)
    const all = op === 'TopK' ? [...names, 'indices'] : names
    // Old scale lists are floats, which only Upsample has.
    const nodes = [makeNode(op, ['x', ...Object.keys(weights)], all, attributes)]
    if (op === 'Upsample' && opset < 9) {
      const scales = nodes[0]!.attribute.find((a) => a.name === 'scales')!
      Object.assign(scales, { type: 6, floats: scales.ints.map(Number), ints: [] })
    }
    const old = modelOf({ nodes, inputs: { x: sizes }, outputs: names, weights, opset })
    const raised = normalize(old)
    expect(raised.opset).toBe(17)
    const size = sizes.reduce((a, b) => a * b)
    const x = float32(
      sizes,
      Array.from({ length: size }, (_, i) => Math.sin(3 * i)),
    )
    const [before, after] = [await runModel(old, { x }), await runModel(raised, { x })]
    for (const name of names) {
      expect(after[name]!.dims).toEqual(before[name]!.dims)
      expect(Array.from(after[name]!.data as Float32Array)).toEqual(Array.from(before[name]!.data as Float32Array))
    }
  },
)

test('a model of opset 17 or newer stays as it is', () => {
  const model = modelOf({ nodes: [makeNode('Relu', ['x'], ['y'])], inputs: { x: [1] }, outputs: ['y'], opset: 18 })
  expect(normalize(model)).toBe(model)
})

test('opsets below 7 are refused', () => {
  const model = modelOf({ nodes: [makeNode('Relu', ['x'], ['y'])], inputs: { x: [1] }, outputs: ['y'], opset: 6 })
  expect(() => normalize(model)).toThrow('test.onnx: opset 6, expected 7 or newer')
})
