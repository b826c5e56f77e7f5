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
