/** Operators that keep the pictures of a batch apart, and the same operators where they do not. */
import { expect, test } from 'vitest'
import { type Attributes, makeNode, type NodeProto } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { isIndependent } from '../../src/saliency/independent.js'
import { expanded } from '../../src/saliency/prepare.js'
import { modelOf, type Weight } from '../helpers/onnx.js'

const n = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  makeNode(op, inputs, [output], attributes)
const list = (...values: number[]): Weight => ({ dims: [values.length], values, dtype: DataType.INT64 })
const floats = (...dims: number[]): Weight => ({
  dims,
  values: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
})

const WEIGHTS: Record<string, Weight> = {
  w: floats(4, 3),
  rows: list(0, 0, 4),
  heads: list(-1, 2, 4),
  windows: list(-1, 4),
  apart: list(5, -1, 4),
  swapped: list(4, -1, 5),
  first: list(0),
  second: list(1),
  one: list(1),
  ten: list(10),
  stats: floats(5),
  positive: { dims: [5], values: [1, 2, 3, 4, 5] },
}

/** Nodes from x [N, 5, 4] to y, and whether each picture's y is its own. */
const CASES: Record<string, [boolean, NodeProto[]]> = {
  'a product with a weight': [true, [n('MatMul', ['x', 'w'], 'y')]],
  'a product of a picture with itself': [
    true,
    [n('Transpose', ['x'], 't', { perm: [0, 2, 1] }), n('MatMul', ['x', 't'], 'y')],
  ],
  'a product that adds up pictures': [
    false,
    [
      n('Transpose', ['x'], 't', { perm: [1, 2, 0] }),
      n('Transpose', ['x'], 's', { perm: [1, 0, 2] }),
      n('MatMul', ['t', 's'], 'y'),
    ],
  ],
  'softmax over a picture': [true, [n('Softmax', ['x'], 'y', { axis: 1 })]],
  'softmax over the batch': [false, [n('Softmax', ['x'], 'y', { axis: 0 })]],
  'a mean of a picture': [true, [n('ReduceMean', ['x'], 'm', { axes: [1] }), n('Sub', ['x', 'm'], 'y')]],
  'a mean of the batch': [false, [n('ReduceMean', ['x'], 'm', { axes: [0] }), n('Sub', ['x', 'm'], 'y')]],
  'a mean of everything': [false, [n('ReduceMean', ['x'], 'm'), n('Sub', ['x', 'm'], 'y')]],
  'windows of a picture among the pictures': [
    true,
    [n('Reshape', ['x', 'windows'], 'r'), n('MatMul', ['r', 'w'], 's'), n('Reshape', ['s', 'back'], 'y')],
  ],
  'windows that go across pictures': [
    false,
    [n('Transpose', ['x'], 't', { perm: [1, 0, 2] }), n('Reshape', ['t', 'heads5'], 'y')],
  ],
  'rows of all pictures as one list, and apart again': [
    true,
    [
      n('Transpose', ['x'], 't', { perm: [1, 0, 2] }),
      n('Reshape', ['t', 'windows'], 'r'),
      n('Gemm', ['r', 'w'], 's'),
      n('Reshape', ['s', 'apart3'], 'u'),
      n('Transpose', ['u'], 'y', { perm: [1, 0, 2] }),
    ],
  ],
  'such a list read as if pictures came first': [
    false,
    [
      n('Transpose', ['x'], 't', { perm: [1, 0, 2] }),
      n('Reshape', ['t', 'windows'], 'r'),
      n('Reshape', ['r', 'pictures'], 'y'),
    ],
  ],
  'the first row of each picture': [true, [n('Gather', ['x', 'first'], 'y', { axis: 1 })]],
  'cells of each picture by their places': [
    true,
    [
      n('Transpose', ['x'], 't', { perm: [1, 2, 0] }),
      n('GatherND', ['t', 'cells'], 'g'),
      n('Transpose', ['g'], 'y', { perm: [1, 0] }),
    ],
  ],
  'a row of the first picture by its place': [false, [n('GatherND', ['x', 'cell'], 'g'), n('Add', ['x', 'g'], 'y')]],
  'the first picture': [false, [n('Gather', ['x', 'first'], 'f', { axis: 0 }), n('Add', ['x', 'f'], 'y')]],
  'rows of a picture cut off': [true, [n('Slice', ['x', 'first', 'ten', 'second'], 'y')]],
  'pictures in turn': [false, [n('Slice', ['x', 'back1', 'before', 'first', 'back1'], 'y')]],
  'a number of each picture by Einsum': [true, [n('Einsum', ['x', 'w'], 'y', { equation: 'bij,jk->bik' })]],
  'pictures added up by Einsum': [
    false,
    [n('Einsum', ['x', 'x'], 's', { equation: 'bij,bkj->ik' }), n('MatMul', ['s', 'x'], 'y')],
  ],
  'division by how many pictures there are': [
    false,
    [
      n('Shape', ['x'], 'shape', { start: 0, end: 1 }),
      n('Cast', ['shape'], 'count', { to: DataType.FLOAT }),
      n('Div', ['x', 'count'], 'y'),
    ],
  ],
  'a constant copied for every picture': [
    true,
    [
      n('Shape', ['x'], 'count', { start: 0, end: 1 }),
      n('Concat', ['count', 'token'], 'shape', { axis: 0 }),
      n('Expand', ['part', 'shape'], 'copies'),
      n('Concat', ['copies', 'x'], 'y', { axis: 1 }),
    ],
  ],
  'a number of each picture copied in it': [
    true,
    [
      n('ReduceMax', ['x'], 'm', { axes: [2] }),
      n('Shape', ['x'], 'shape'),
      n('Expand', ['m', 'shape'], 'copies'),
      n('Div', ['x', 'copies'], 'y'),
    ],
  ],
  'each picture resized': [
    true,
    [
      n('Shape', ['x'], 'count', { start: 0, end: 1 }),
      n('Concat', ['count', 'heads2'], 'sizes', { axis: 0 }),
      n('Resize', ['x', '', '', 'sizes'], 'y', { mode: 'linear' }),
    ],
  ],
  'a batch resized to twice as many': [
    false,
    [
      n('Shape', ['x'], 'count', { start: 0, end: 1 }),
      n('Add', ['count', 'count'], 'twice'),
      n('Concat', ['twice', 'picture'], 'sizes', { axis: 0 }),
      n('Resize', ['x', '', '', 'sizes'], 'r', { mode: 'linear' }),
      n('Reshape', ['r', 'pairs'], 'y'),
    ],
  ],
  'sums along a picture': [true, [n('CumSum', ['x', 'one'], 'y')]],
  'sums along the batch': [false, [n('CumSum', ['x', 'first'], 'y')]],
  'statistics of the batch': [
    false,
    [
      makeNode('BatchNormalization', ['x', 'stats', 'stats', 'stats', 'positive'], ['y', 'm', 'v'], {
        training_mode: 1,
      }),
    ],
  ],
  'statistics that were learnt': [true, [n('BatchNormalization', ['x', 'stats', 'stats', 'stats', 'positive'], 'y')]],
}

test.each(Object.entries(CASES))('%s', async (_, [expected, nodes]) => {
  const weights = {
    ...WEIGHTS,
    back: list(-1, 5, 3),
    heads5: list(-1, 5, 4),
    apart3: list(5, -1, 3),
    pictures: list(-1, 5, 4),
    back1: list(-1),
    before: list(-1000),
    token: list(1, 4),
    heads2: list(10, 8),
    picture: list(5, 4),
    pairs: list(-1, 10, 4),
    cell: { dims: [1, 2], values: [0, 1], dtype: DataType.INT64 },
    cells: { dims: [3, 2], values: [0, 1, 4, 3, 0, 1], dtype: DataType.INT64 },
    part: floats(1, 1, 4),
  }
  const model = modelOf({ nodes, inputs: { x: ['N', 5, 4] }, outputs: ['y'], weights })
  const found = await expanded(model)
  expect(isIndependent(found.model, found.types, 'y')).toBe(expected)
})
