import { expect, test } from 'vitest'
import { type Attributes, makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { prepare } from '../../src/saliency/prepare.js'
import { float32, type GraphSpec, modelOf, runModel } from '../helpers/onnx.js'

const n = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  makeNode(op, inputs, [output], attributes)
const prepared = (spec: GraphSpec, output?: string) => prepare(modelOf(spec), (type) => type.dims, output)
const shape = (...values: number[]) => ({ dims: [values.length], values, dtype: DataType.INT64 })

/** Average of the channels, reshaped with the batch of 1 written into the shape, as the ONNX Model Zoo's files are. */
const fixedShape = (list: number[]): GraphSpec => ({
  nodes: [n('GlobalAveragePool', ['x'], 'p'), n('Reshape', ['p', 's'], 'f'), n('Softmax', ['f'], 'y', { axis: 1 })],
  inputs: { x: [1, 3, 2, 2] },
  outputs: ['y'],
  weights: { s: shape(...list) },
})

test.each([[[1, 3]], [[1, -1]]])('a batch of 1 that is written into a shape %j is freed', async (list) => {
  const { model, fixedBatch, types } = await prepared(fixedShape(list))
  expect(fixedBatch).toBeNull()
  expect(types.get('f')!.dims).toEqual([null, 3])
  const x = Array.from({ length: 60 }, (_, i) => Math.cos(i))
  const { y } = await runModel(model, { x: float32([5, 3, 2, 2], x) })
  expect(y!.dims).toEqual([5, 3])
})

test('a batch of 1 is freed that a Constant node writes into a shape', async () => {
  const { nodes, ...spec } = fixedShape([1, 3])
  const constant = makeNode('Constant', [], ['k'], { value_ints: [1, 3] })
  const reshape = n('Reshape', ['p', 'k'], 'f')
  const { fixedBatch } = await prepared({ ...spec, nodes: [nodes[0]!, constant, reshape, nodes[2]!] })
  expect(fixedBatch).toBeNull()
})

test('a batch of 1 is freed from heads, a class token and a view of all elements', async () => {
  const nodes = [
    n('Reshape', ['x', 'heads'], 'h', { allowzero: 1 }),
    n('Relu', ['h'], 'r'),
    n('Reshape', ['r', 'merged'], 'm', { allowzero: 1 }),
    n('Concat', ['token', 'm'], 'c', { axis: 1 }),
    n('Reshape', ['c', 'flat'], 'f'),
    n('Gather', ['f', 'all'], 'y'),
  ]
  const weights = {
    heads: shape(2, 3, 2),
    merged: shape(1, 3, 4),
    token: { dims: [1, 1, 4], values: [5, 6, 7, 8] },
    flat: shape(-1),
    all: { dims: [1, 16], values: Array.from({ length: 16 }, (_, i) => i), dtype: DataType.INT64 },
  }
  const { model, fixedBatch } = await prepared({ nodes, inputs: { x: [1, 3, 2, 2] }, outputs: ['y'], weights })
  expect(fixedBatch).toBeNull()
  const x = Array.from({ length: 24 }, (_, i) => i + 1)
  const { y } = await runModel(model, { x: float32([2, 3, 2, 2], x) })
  expect(Array.from(y!.data as Float32Array)).toEqual([5, 6, 7, 8, ...x.slice(0, 12), 5, 6, 7, 8, ...x.slice(12)])
})

test('a batch of 1 is freed from a view of all elements that is a matrix again', async () => {
  const nodes = [
    n('ReduceMean', ['x'], 'm', { axes: [2, 3] }),
    n('Reshape', ['m', 'flat'], 'f'),
    n('Gather', ['f', 'all'], 'view'),
    n('Reshape', ['view', 'matrix'], 'r'),
    n('Gemm', ['r', 'w'], 'y'),
  ]
  const all = { dims: [1, 3, 1, 1], values: [0, 1, 2], dtype: DataType.INT64 }
  const weights = { flat: shape(-1), all, matrix: shape(1, 3), w: { dims: [3, 2], values: [1, 0, 0, 1, 1, 1] } }
  const { model, fixedBatch } = await prepared({ nodes, inputs: { x: [1, 3, 1, 1] }, outputs: ['y'], weights })
  expect(fixedBatch).toBeNull()
  const { y } = await runModel(model, { x: float32([2, 3, 1, 1], [1, 2, 3, 4, 5, 6]) })
  expect(Array.from(y!.data as Float32Array)).toEqual([4, 5, 10, 11])
})

test('a batch of 1 is freed from patches that come before the pictures', async () => {
  const nodes = [
    n('Reshape', ['x', 'patches'], 'p', { allowzero: 1 }),
    n('Relu', ['p'], 'r'),
    n('Reshape', ['r', 'back'], 'b', { allowzero: 1 }),
    n('ReduceMean', ['b'], 'y', { axes: [2], keepdims: 0 }),
  ]
  const weights = { patches: shape(4, 1, 3), back: shape(1, 4, -1) }
  const { model, fixedBatch } = await prepared({ nodes, inputs: { x: [1, 4, 3] }, outputs: ['y'], weights })
  expect(fixedBatch).toBeNull()
  const { y } = await runModel(model, {
    x: float32(
      [2, 4, 3],
      Array.from({ length: 24 }, (_, i) => i),
    ),
  })
  expect(Array.from(y!.data as Float32Array)).toEqual([1, 4, 7, 10, 13, 16, 19, 22])
})

test('a batch of 1 is judged by the output that is used, however large', async () => {
  const nodes = [n('Relu', ['x'], 'y'), n('ReduceMean', ['x'], 'm', { axes: [0] }), n('Sub', ['x', 'm'], 'mixed')]
  const spec = { nodes, inputs: { x: [1, 3, 300, 300] }, outputs: ['y', 'mixed'] }
  expect((await prepared(spec)).fixedBatch).toBeNull()
  expect((await prepared(spec, 'mixed')).fixedBatch).toBe(1)
})

test('a batch of 1 stays where images would influence each other', async () => {
  const nodes = [n('ReduceMean', ['x'], 'm', { axes: [0] }), n('Sub', ['x', 'm'], 'd'), n('Add', ['d', 'x'], 'y')]
  const { fixedBatch } = await prepared({ nodes, inputs: { x: [1, 3] }, outputs: ['y'] })
  expect(fixedBatch).toBe(1)
})

test('a batch of 1 stays where the graph runs with no other', async () => {
  const nodes = [n('Exp', ['k'], 'e'), n('Concat', ['x', 'e'], 'c', { axis: 1 }), n('Relu', ['c'], 'y')]
  const { fixedBatch } = await prepared({
    nodes,
    inputs: { x: [1, 3] },
    outputs: ['y'],
    weights: { k: { dims: [1, 2], values: [1, 2] } },
  })
  expect(fixedBatch).toBe(1)
})

test('sizes are static where they do not depend on the batch, and computed parameters are found', async () => {
  const nodes = [
    n('Shape', ['x'], 's'),
    n('Gather', ['s', 'one'], 'channels'),
    n('Sub', ['channels', 'two'], 'end'),
    n('Unsqueeze', ['end', 'axis'], 'ends'),
    n('Slice', ['x', 'axis', 'ends', 'axis1'], 'y'),
  ]
  const scalar = (value: number) => ({ dims: [], values: [value], dtype: DataType.INT64 })
  const weights = { one: scalar(1), two: scalar(2), axis: shape(0), axis1: shape(1) }
  const { types } = await prepared({ nodes, inputs: { x: ['N', 5, 4] }, outputs: ['y'], weights })
  expect(types.get('x')!.dims).toEqual([null, 5, 4])
  expect(types.get('y')!.dims).toEqual([null, 3, 4])
  expect(types.get('ends')).toMatchObject({ dtype: DataType.INT64, values: [3] })
})
