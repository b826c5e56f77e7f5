/** Whether pictures in one batch influence each other, found out by running. */
import { expect, test } from 'vitest'
import { type Attributes, makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { settleBatch } from '../../src/saliency/batch.js'
import { prepare } from '../../src/saliency/prepare.js'
import { type GraphSpec, modelOf } from '../helpers/onnx.js'

const n = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  makeNode(op, inputs, [output], attributes)
const wave = (dims: number[]) => ({
  dims,
  values: Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(1.7 * i)),
})
const scalar = (value: number) => ({ dims: [], values: [value] })

type Batch = number | string

/** Conv, what `between` makes of c as d, average, linear. */
const net = (batch: Batch, between: ReturnType<typeof n>[], weights: GraphSpec['weights'] = {}): GraphSpec => ({
  nodes: [
    n('Conv', ['x', 'w'], 'c', { pads: [1, 1, 1, 1] }),
    ...between,
    n('GlobalAveragePool', ['d'], 'p'),
    n('Flatten', ['p'], 'f'),
    n('MatMul', ['f', 'fc'], 'y'),
  ],
  inputs: { x: [batch, 3, 9, 7] },
  outputs: ['y'],
  weights: { w: wave([8, 3, 3, 3]), fc: wave([8, 4]), ...weights },
})

/** Things that a row gets from the others. */
const COUPLINGS: Record<string, (batch: Batch) => GraphSpec> = {
  'statistics of the batch': (batch) =>
    net(batch, [n('ReduceMean', ['c'], 'm', { axes: [0, 2, 3] }), n('Sub', ['c', 'm'], 's'), n('Relu', ['s'], 'd')]),
  'a trace of the batch mean': (batch) =>
    net(batch, [n('ReduceMean', ['c'], 'm', { axes: [0] }), n('Mul', ['m', 'small'], 't'), n('Add', ['c', 't'], 'd')], {
      small: scalar(1e-5),
    }),
  'the largest value of the batch': (batch) =>
    net(batch, [n('ReduceMax', ['c'], 'm', { keepdims: 0 }), n('Div', ['c', 'm'], 's'), n('Relu', ['s'], 'd')]),
  'sums along the batch, of the rows before': (batch) =>
    net(batch, [n('CumSum', ['c', 'axis'], 's'), n('Relu', ['s'], 'd')], {
      axis: { dims: [], values: [0], dtype: DataType.INT64 },
    }),
}

const settle = (spec: GraphSpec) => settleBatch(modelOf(spec), 'y')
const batchOf = async (spec: GraphSpec) => {
  const { fixedBatch, coupled } = await prepare(modelOf(spec), ({ dims }) => dims)
  return { fixedBatch, coupled }
}

test.each(Object.keys(COUPLINGS))('%s: one picture at a time, or refused', async (name) => {
  const spec = COUPLINGS[name]!
  expect(await batchOf(spec('N'))).toEqual({ fixedBatch: 1, coupled: true })
  expect(await batchOf(spec(1))).toEqual({ fixedBatch: 1, coupled: false })
  await expect(settle(spec(4))).rejects.toMatchObject({
    code: 'model',
    message: 'test.onnx: the 4 pictures of its fixed batch influence each other, expected independent ones',
  })
})

test('a result that depends on the number of pictures only is taken one at a time', async () => {
  const nodes = [
    n('Shape', ['x'], 's'),
    n('Gather', ['s', 'zero'], 'rows'),
    n('Cast', ['rows'], 'count', { to: DataType.FLOAT }),
    n('Div', ['c', 'count'], 'd'),
  ]
  const zero = { dims: [], values: [0], dtype: DataType.INT64 }
  expect(await batchOf(net('N', nodes, { zero }))).toEqual({ fixedBatch: 1, coupled: true })
})

test('statistics of each picture by itself leave the batch alone', async () => {
  const own = (batch: Batch) =>
    net(batch, [n('ReduceMean', ['c'], 'm', { axes: [1, 2, 3] }), n('Sub', ['c', 'm'], 's'), n('Relu', ['s'], 'd')])
  expect(await batchOf(own('N'))).toEqual({ fixedBatch: null, coupled: false })
  expect(await batchOf(own(1))).toEqual({ fixedBatch: null, coupled: false })
  expect(await batchOf(own(4))).toEqual({ fixedBatch: 4, coupled: false })
})

test('a batch that is open by its declaration only is taken one at a time, and not called coupled', async () => {
  const spec = net('N', [n('Relu', ['c'], 'd')])
  const shape = { dims: [2], values: [1, 8], dtype: DataType.INT64 }
  const nodes = spec.nodes.map((node) => (node.opType === 'Flatten' ? n('Reshape', ['p', 'shape'], 'f') : node))
  expect(await batchOf({ ...spec, nodes, weights: { ...spec.weights, shape } })).toEqual({
    fixedBatch: 1,
    coupled: false,
  })
})

test('windows are freed: heads left to be counted, shapes shared, lengths expanded', async () => {
  // As PyTorch exports Swin of both versions with a batch of 1: [windows, places, q k v, heads, -1], and -1 of a table.
  const ints = (...values: number[]) => ({ dims: [values.length], values, dtype: DataType.INT64 })
  const nodes = [
    n('Transpose', ['c'], 'last', { perm: [0, 2, 3, 1] }),
    n('Reshape', ['last', 'split'], 'halves'),
    n('Transpose', ['halves'], 'apart', { perm: [0, 1, 3, 2, 4, 5] }),
    n('Reshape', ['apart', 'places'], 'windows'),
    n('ReduceL2', ['windows'], 'length', { axes: [2] }),
    n('Expand', ['length', 'places'], 'lengths'),
    n('Div', ['windows', 'lengths'], 'unit'),
    n('MatMul', ['unit', 'wide'], 'qkv'),
    n('Reshape', ['qkv', 'heads'], 'headed'),
    n('ReduceMean', ['headed'], 'mixed', { axes: [1, 2, 3], keepdims: 0 }),
    n('Reshape', ['table', 'shared'], 'bias'),
    n('Reshape', ['small', 'shared'], 'other'),
    n('Add', ['bias', 'other'], 'both'),
    n('ReduceMean', ['both'], 'row', { axes: [0] }),
    n('Add', ['mixed', 'row'], 'moved'),
    n('Reshape', ['moved', 'back'], 'flat'),
    n('MatMul', ['flat', 'fc'], 'y'),
  ]
  const weights = {
    ...{ w: wave([8, 3, 3, 3]), wide: wave([8, 24]), fc: wave([24, 4]), table: wave([4, 6]), small: wave([4, 1]) },
    ...{ split: ints(1, 2, 4, 2, 3, 8), places: ints(4, 12, 8), heads: ints(4, 12, 2, 2, -1) },
    ...{ shared: ints(4, -1), back: ints(1, 24) },
  }
  const spec: GraphSpec = {
    nodes: [n('Conv', ['x', 'w'], 'c', { pads: [1, 1, 1, 1] }), ...nodes],
    inputs: { x: [1, 3, 8, 6] },
    outputs: ['y'],
    weights,
  }
  expect(await batchOf(spec)).toEqual({ fixedBatch: null, coupled: false })
})

test('attention with its places in front, where the batch is the second axis, is freed', async () => {
  // As PyTorch exports MultiheadAttention: [places, batch, channels], heads merged with the batch, [places x batch, channels].
  const ints = (...values: number[]) => ({ dims: [values.length], values, dtype: DataType.INT64 })
  const nodes = [
    n('Conv', ['x', 'w'], 'c', { strides: [3, 3] }),
    n('Reshape', ['c', 'grid'], 'rows'),
    n('Transpose', ['rows'], 'front', { perm: [2, 0, 1] }),
    n('MatMul', ['front', 'wide'], 'qkv'),
    n('Reshape', ['qkv', 'thirds'], 'three'),
    n('Unsqueeze', ['three', 'first'], 'under'),
    n('Transpose', ['under'], 'over', { perm: [3, 1, 2, 0, 4] }),
    n('Squeeze', ['over', 'fourth'], 'parts'),
    ...['query', 'key', 'value'].flatMap((name, i) => [
      n('Gather', ['parts', `at${i}`], `${name}s`),
      n('Reshape', [`${name}s`, 'heads'], `${name}Heads`),
      n('Transpose', [`${name}Heads`], name, { perm: name === 'key' ? [1, 2, 0] : [1, 0, 2] }),
    ]),
    n('MatMul', ['query', 'key'], 'scores'),
    n('Softmax', ['scores'], 'weights', { axis: -1 }),
    n('MatMul', ['weights', 'value'], 'seen'),
    n('Reshape', ['seen', 'apart'], 'separate'),
    n('Transpose', ['separate'], 'back', { perm: [2, 0, 1, 3] }),
    n('Reshape', ['back', 'flat'], 'tokens'),
    n('Gemm', ['tokens', 'out'], 'mixed'),
    n('Reshape', ['mixed', 'places'], 'placed'),
    n('Transpose', ['placed'], 'pictures', { perm: [1, 0, 2] }),
    n('Gather', ['pictures', 'at0'], 'token', { axis: 1 }),
    n('MatMul', ['token', 'fc'], 'y'),
  ]
  const weights = {
    ...{ w: wave([8, 3, 3, 3]), wide: wave([8, 24]), out: wave([8, 8]), fc: wave([8, 4]) },
    ...{ grid: ints(1, 8, 6), thirds: ints(6, 1, 3, 8), heads: ints(6, 2, 4), apart: ints(1, 2, 6, 4) },
    ...{ flat: ints(6, 8), places: ints(6, 1, 8), first: ints(0), fourth: ints(-2) },
    ...Object.fromEntries([0, 1, 2].map((i) => [`at${i}`, { dims: [], values: [i], dtype: DataType.INT64 }])),
  }
  expect(await batchOf({ nodes, inputs: { x: [1, 3, 9, 6] }, outputs: ['y'], weights })).toEqual({
    fixedBatch: null,
    coupled: false,
  })
})

test('a Resize to sizes that name a batch of 1 is freed', async () => {
  const sizes = { dims: [4], values: [1, 8, 5, 4], dtype: DataType.INT64 }
  expect(await batchOf(net(1, [n('Resize', ['c', '', '', 'sizes'], 'd', { mode: 'linear' })], { sizes }))).toEqual({
    fixedBatch: null,
    coupled: false,
  })
})
