/** Quantised models in real numbers, beside what onnxruntime makes of them: as near as their grids are fine. */
import { expect, test } from 'vitest'
import { dequantize } from '../../src/onnx/dequantize.js'
import { writeModel } from '../../src/onnx/model.js'
import { type Attributes, makeNode, type NodeProto, operatorOf } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { gradientModel } from '../../src/saliency/gradientModel.js'
import { inspectModel } from '../../src/saliency/inspectModel.js'
import { float32, modelOf, runModel, type Weight } from '../helpers/onnx.js'

const n = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  Object.assign(makeNode(op, inputs, [output], attributes), {
    domain: /^Q(Linear(?!Conv|MatMul)|Gemm)|ToFloat|QuantizeMatMul|NBits/.test(op) ? 'com.microsoft' : '',
  })
const scalar = (value: number): Weight => ({ dims: [], values: [value] })
const integers = (dims: number[], low: number, high: number, dtype = DataType.UINT8): Weight => ({
  dims,
  dtype,
  values: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) =>
    Math.round(low + ((high - low) * (1 + Math.sin(2.7 * i))) / 2),
  ),
})

const WEIGHTS: Record<string, Weight> = {
  xs: scalar(0.02),
  xz: { dims: [], values: [120], dtype: DataType.UINT8 },
  ys: scalar(0.05),
  wide: scalar(0.4),
  yz: { dims: [], values: [130], dtype: DataType.UINT8 },
  relu: { dims: [], values: [0], dtype: DataType.UINT8 },
  small: scalar(1 / 255),
  ws: scalar(0.01),
  wz: { dims: [], values: [3], dtype: DataType.INT8 },
  w: integers([4, 4, 3, 3], -127, 127, DataType.INT8),
  each: { dims: [4], values: [0.01, 0.02, 0.005, 0.015] },
  eachZero: { dims: [4], values: [0, 0, 0, 0], dtype: DataType.INT8 },
  offset: integers([4], -2000, 2000, DataType.INT32),
  m: integers([6, 5], -127, 127, DataType.INT8),
  m5: { dims: [5], values: [0.01, 0.02, 0.005, 0.015, 0.03] },
  m5z: { dims: [5], values: [1, 20, 3, -40, 50], dtype: DataType.INT8 },
  m5offset: integers([5], -2000, 2000, DataType.INT32),
  m5bias: { dims: [5], values: [1, -1, 2, 0.5, 3] },
  u: integers([6, 5], 0, 255),
  uz: { dims: [], values: [128], dtype: DataType.UINT8 },
  wu: integers([4, 4, 3, 3], 0, 255),
  blocks: { dims: [3, 5], values: Array.from({ length: 15 }, (_, i) => 0.001 * (i + 1)) },
  blockZeros: integers([3, 5], -4, 4, DataType.INT8),
  four: integers([5, 3, 16], 0, 255),
  fourZeros: integers([10], 0, 255),
  eight: integers([5, 3, 32], 0, 255),
  eightZeros: integers([15], 100, 140),
  scales: { dims: [15], values: Array.from({ length: 15 }, (_, i) => 0.001 * (i + 1)) },
  realZeros: { dims: [15], values: Array.from({ length: 15 }, (_, i) => 7.3 + 0.1 * i) },
  flat: { dims: [2], values: [-1, 96], dtype: DataType.INT64 },
}

const PICTURE = ['N', 4, 4, 6]
const quantised = n('QuantizeLinear', ['x', 'xs', 'xz'], 'q')
const back = (value = 'r') => n('DequantizeLinear', [value, 'ys', 'yz'], 'y')
const fused = (op: string, inputs: string[], attributes: Attributes = {}) => [
  quantised,
  n(op, inputs, 'r', attributes),
  back(),
]
const own = ['q', 'xs', 'xz', 'ys', 'yz']
const pool = { kernel_shape: [2, 2], strides: [2, 2] }

/** A product with weights [5, 96] in blocks of 32. */
const packed = (bits: number, weights: string, zeros: string, ...more: string[]) => [
  n('Reshape', ['x', 'flat'], 'long'),
  n('MatMulNBits', ['long', weights, 'scales', zeros, ...more], 'y', { K: 96, N: 5, bits, block_size: 32 }),
]

/** Nodes from x to y, and how far apart results may be: some steps of the output. */
const CASES: Record<string, { nodes: NodeProto[]; step: number; opset?: number }> = {
  'QDQ around a Conv with a ReLU in its grid': {
    nodes: [
      quantised,
      n('DequantizeLinear', ['q', 'xs', 'xz'], 'f'),
      n('DequantizeLinear', ['w', 'each', 'eachZero'], 'wf', { axis: 0 }),
      n('Conv', ['f', 'wf'], 'c'),
      n('QuantizeLinear', ['c', 'ys', 'relu'], 'r'),
      n('MaxPool', ['r'], 'p', { kernel_shape: [2, 2] }),
      n('DequantizeLinear', ['p', 'ys', 'relu'], 'y'),
    ],
    step: 0.05,
  },
  'integers read on another grid': { nodes: [quantised, n('Reshape', ['q', 'flat'], 'r'), back()], step: 0.05 },
  'weights in blocks': {
    nodes: [
      n('DequantizeLinear', ['m', 'blocks', 'blockZeros'], 'wf', { axis: 0, block_size: 2 }),
      n('MatMul', ['x', 'wf'], 'y'),
    ],
    step: 1e-5,
    opset: 21,
  },
  QLinearConv: {
    nodes: fused('QLinearConv', ['q', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz', 'offset'], { pads: [1, 1, 1, 1] }),
    step: 0.05,
  },
  'QLinearConv with a scale a channel': {
    nodes: fused('QLinearConv', ['q', 'xs', 'xz', 'w', 'each', 'eachZero', 'ys', 'yz', 'offset']),
    // Rounding x to 0.02 alone moves sums of 36 such products by 0.1 and more.
    step: 0.1,
  },
  QLinearMatMul: {
    nodes: [
      quantised,
      n('QLinearMatMul', ['q', 'xs', 'xz', 'm', 'm5', 'm5z', 'wide', 'yz'], 'r'),
      n('DequantizeLinear', ['r', 'wide', 'yz'], 'y'),
    ],
    step: 0.4,
  },
  QGemm: {
    nodes: [
      quantised,
      n('Reshape', ['q', 'rows'], 'q2'),
      n('QGemm', ['q2', 'xs', 'xz', 'm', 'ws', 'wz', 'm5offset'], 'y'),
    ],
    step: 0.02,
  },
  QLinearAdd: { nodes: fused('QLinearAdd', ['q', 'xs', 'xz', 'q', 'xs', 'xz', 'ys', 'yz']), step: 0.05 },
  QLinearMul: { nodes: fused('QLinearMul', ['q', 'xs', 'xz', 'q', 'xs', 'xz', 'ys', 'yz']), step: 0.05 },
  QLinearSigmoid: { nodes: fused('QLinearSigmoid', own), step: 0.05 },
  QLinearLeakyRelu: { nodes: fused('QLinearLeakyRelu', own, { alpha: { float: 0.3 } }), step: 0.05 },
  QLinearGlobalAveragePool: {
    nodes: [
      quantised,
      n('QLinearGlobalAveragePool', ['q', 'xs', 'xz', 'small', 'yz'], 'r'),
      n('DequantizeLinear', ['r', 'small', 'yz'], 'y'),
    ],
    step: 1 / 255,
  },
  QLinearAveragePool: { nodes: fused('QLinearAveragePool', own, pool), step: 0.05 },
  QLinearSoftmax: {
    nodes: [
      quantised,
      n('QLinearSoftmax', ['q', 'xs', 'xz', 'small', 'relu'], 'r', { axis: -1, opset: 13 }),
      n('DequantizeLinear', ['r', 'small', 'relu'], 'y'),
    ],
    step: 1 / 255,
  },
  QLinearConcat: {
    nodes: [quantised, n('QLinearConcat', ['ys', 'yz', 'q', 'xs', 'xz', 'q', 'xs', 'xz'], 'r', { axis: 1 }), back()],
    step: 0.05,
  },
  'dynamic MatMulInteger': {
    nodes: [
      makeNode('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']),
      n('MatMulInteger', ['q', 'u', 'z', 'uz'], 'i'),
      n('Cast', ['i'], 'f', { to: DataType.FLOAT }),
      n('Mul', ['s', 'ws'], 'scale'),
      n('Mul', ['f', 'scale'], 'y'),
    ],
    step: 0.03,
  },
  'dynamic MatMulInteger with a scale and a zero point a column': {
    nodes: [
      makeNode('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']),
      n('MatMulInteger', ['q', 'm', 'z', 'm5z'], 'i'),
      n('Cast', ['i'], 'f', { to: DataType.FLOAT }),
      n('Mul', ['s', 'm5'], 'scale'),
      n('Mul', ['f', 'scale'], 'y'),
    ],
    step: 0.03,
  },
  'dynamic ConvInteger': {
    nodes: [
      makeNode('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']),
      n('ConvInteger', ['q', 'wu', 'z', 'uz'], 'i'),
      n('Cast', ['i'], 'f', { to: DataType.FLOAT }),
      n('Mul', ['s', 'ws'], 'scale'),
      n('Mul', ['f', 'scale'], 'y'),
    ],
    step: 0.03,
  },
  MatMulIntegerToFloat: {
    nodes: [
      makeNode('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']),
      n('MatMulIntegerToFloat', ['q', 'u', 's', 'ws', 'z', 'uz', 'm5bias'], 'y'),
    ],
    step: 0.03,
  },
  'weights of four bits, without zero points': { nodes: packed(4, 'four', ''), step: 1e-5 },
  'weights of four bits, their zero points packed': { nodes: packed(4, 'four', 'fourZeros'), step: 1e-5 },
  'weights of four bits, real zero points, a bias': { nodes: packed(4, 'four', 'realZeros', '', 'm5bias'), step: 1e-5 },
  'weights of eight bits in blocks': { nodes: packed(8, 'eight', 'eightZeros'), step: 1e-4 },
  DynamicQuantizeMatMul: { nodes: [n('DynamicQuantizeMatMul', ['x', 'u', 'ws', 'uz', 'm5bias'], 'y')], step: 0.03 },
}

test.each(Object.entries(CASES))('%s', async (_, { nodes, step, opset }) => {
  const rows = { dims: [2], values: [-1, 6], dtype: DataType.INT64 }
  const weights = { ...WEIGHTS, rows }
  const model = modelOf({ nodes, inputs: { x: PICTURE }, outputs: ['y'], weights, ...(opset && { opset }) })
  const real = dequantize(model)
  const left = new Set(real.graph.nodes.map(operatorOf))
  expect([...left].filter((op) => /Q|Integer|quantize|NBits/i.test(op) && op !== 'DynamicQuantizeLinear')).toEqual([])
  const x = float32(
    [2, 4, 4, 6],
    Array.from({ length: 192 }, (_, i) => 2.1 * Math.sin(1.1 * i)),
  )
  const [before, after] = [await runModel(model, { x }), await runModel(real, { x })]
  const [expected, found] = [before, after].map(({ y }) => Array.from(y!.data as Float32Array)) as [number[], number[]]
  expect(after.y!.dims).toEqual(before.y!.dims)
  expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(5 * step)
  for (const [i, value] of expected.entries()) expect(Math.abs(found[i]! - value)).toBeLessThan(2.5 * step)
})

test('a quantised classifier has the gradient of its real numbers, none where a ReLU in its grids cuts off', async () => {
  // x, of which the grid holds -2.4 to 2.7, then a ReLU up to 2: y = min(max(x, 0), 2) w.
  const nodes = [
    quantised,
    n('DequantizeLinear', ['q', 'xs', 'xz'], 'f'),
    n('QuantizeLinear', ['f', 'two', 'relu'], 'r'),
    n('DequantizeLinear', ['r', 'two', 'relu'], 'g'),
    n('DequantizeLinear', ['v', 'ws', 'wz'], 'vf'),
    n('MatMul', ['g', 'vf'], 'y'),
  ]
  const v = { dims: [4, 2], values: [13, 3, 23, 3, 33, 3, 43, 3], dtype: DataType.INT8 }
  const weights = { ...WEIGHTS, v, two: scalar(2 / 255) }
  const model = modelOf({ nodes, inputs: { x: ['N', 4] }, outputs: ['y'], weights })
  const gradient = await gradientModel(writeModel(model), 'int8.onnx', { loss: 'logit' })
  expect(await inspectModel(writeModel(model), 'int8.onnx')).toMatchObject({ quantised: true, problems: [] })
  const feeds = { x: float32([1, 4], [-1, 0.5, 1.999, 2.5]), target: float32([1, 2], [1, 0]) }
  const found = await runModel(gradient, feeds)
  expect(Array.from(found.gradient!.data as Float32Array, (g) => Math.round(1e5 * g) / 1e5)).toEqual([0, 0.2, 0.3, 0])
})

test('what lies beyond a grid without a ReLU passes, and what is rectified is not cut off again', async () => {
  const nodes = [
    quantised,
    n('DequantizeLinear', ['q', 'xs', 'xz'], 'f'),
    n('Relu', ['f'], 'g'),
    n('QuantizeLinear', ['g', 'two', 'relu'], 'r'),
    n('DequantizeLinear', ['r', 'two', 'relu'], 'h'),
    n('MatMul', ['h', 'v'], 'y'),
  ]
  const v = { dims: [4, 2], values: [1, 0, 2, 0, 3, 0, 4, 0] }
  const model = modelOf({
    nodes,
    inputs: { x: ['N', 4] },
    outputs: ['y'],
    weights: { ...WEIGHTS, v, two: scalar(2 / 255) },
  })
  const gradient = await gradientModel(writeModel(model), 'int8.onnx', { loss: 'logit' })
  const found = await runModel(gradient, { x: float32([1, 4], [-9, 0.5, 2.5, 9]), target: float32([1, 2], [1, 0]) })
  expect(Array.from(found.gradient!.data as Float32Array)).toEqual([0, 2, 3, 4])
})

test('a model that is not quantised stays what it is', () => {
  const model = modelOf({ nodes: [makeNode('Relu', ['x'], ['y'])], inputs: { x: ['N', 3] }, outputs: ['y'] })
  expect(dequantize(model)).toBe(model)
})
