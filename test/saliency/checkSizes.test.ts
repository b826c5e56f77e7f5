import { expect, test } from 'vitest'
import { AugmentError } from '../../src/core/errors.js'
import { type Attributes, makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { checkSizes } from '../../src/saliency/checkSizes.js'
import { prepare } from '../../src/saliency/prepare.js'
import { type GraphSpec, modelOf, type Weight } from '../helpers/onnx.js'

const n = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  makeNode(op, inputs, [output], attributes)
const list = (...values: number[]): Weight => ({ dims: [values.length], values, dtype: DataType.INT64 })

async function complaint(spec: GraphSpec): Promise<string> {
  const error = await prepare(modelOf(spec), (type) => type.dims).catch((e) => e)
  expect(error).toBeInstanceOf(AugmentError)
  expect(error.code).toBe('model')
  expect(error.message).not.toContain('\n')
  return error.message
}

test('a value too large for any memory is refused before it is computed', async () => {
  const weights = { pads: list(0, 2 ** 40, 0, 0, 0, 0, 0, 0) }
  const nodes = [n('Relu', ['x'], 'r'), n('Pad', ['r', 'pads'], 'p'), n('GlobalAveragePool', ['p'], 'y')]
  const spec = { nodes, inputs: { x: ['N', 3, 4, 4] }, outputs: ['y'], weights }
  expect(await complaint(spec)).toBe('test.onnx: Pad (node "p") makes [3, 1099511627779, 4, 4], too large')
  const copies = { nodes: [n('Tile', ['x', 'k'], 'y')], inputs: { x: ['N', 3] }, outputs: ['y'] }
  expect(await complaint({ ...copies, weights: { k: list(1, 2 ** 36) } })).toContain('Tile (node "y") makes [3, ')
})

test('an input too large for any memory is refused', async () => {
  const nodes = [n('GlobalAveragePool', ['x'], 'y')]
  expect(await complaint({ nodes, inputs: { x: [1, 3, 2 ** 24, 2 ** 24] }, outputs: ['y'] })).toBe(
    'test.onnx: input "x" is [1, 3, 16777216, 16777216], too large',
  )
})

test('windows larger than the picture are refused, also where a Slice follows', async () => {
  const nodes = [
    n('AveragePool', ['x'], 'p', { kernel_shape: [2, 90] }),
    n('Slice', ['p', 'one', 'end', 'axis'], 's'),
    n('Flatten', ['s'], 'y'),
  ]
  const weights = { one: list(0), end: list(100), axis: list(3) }
  const spec = { nodes, inputs: { x: ['N', 3, 8, 8] }, outputs: ['y'], weights }
  expect(await complaint(spec)).toMatch(/AveragePool \(node "p"\) makes \[3, 3, 7, -81\], impossible|cannot load/)
})

test('strides and kernels whose gradient would take millions of nodes are refused', async () => {
  const pool = n('MaxPool', ['x'], 'p', { kernel_shape: [2, 2], strides: [2 ** 31, 2] })
  const spec = { nodes: [pool, n('Flatten', ['p'], 'y')], inputs: { x: ['N', 3, 8, 8] }, outputs: ['y'] }
  expect(await complaint(spec)).toBe('test.onnx: MaxPool (node "p") has strides [2147483648, 2], too large')
  const nodes = [
    n('ConstantOfShape', ['sizes'], 'w'),
    n('Conv', ['x', 'w'], 'c', { pads: [0, 999, 0, 999] }),
    n('Flatten', ['c'], 'y'),
  ]
  const weights = { sizes: list(1, 3, 500, 1000) }
  expect(await complaint({ nodes, inputs: { x: ['N', 3, 500, 8] }, outputs: ['y'], weights })).toBe(
    'test.onnx: Conv (node "c") has windows [500, 1000], too large',
  )
})

test('a Resize by a whole picture of scales is refused', async () => {
  const nodes = [n('Resize', ['x', '', 'x'], 'r', { mode: 'linear' }), n('Flatten', ['r'], 'y')]
  const message = await complaint({ nodes, inputs: { x: ['N', 3, 8, 8] }, outputs: ['y'] })
  expect(message).toMatch(/Resize \(node "r"\) is given \[3, 3, 8, 8\] numbers|cannot load/)
})

test.each([
  ['Conv', [2, 0, 2, 2], { pads: [2, 3, 3, 2] }],
  ['Einsum', [0, 2, 2], { equation: 'nchw,chw->nc' }],
  ['InstanceNormalization', [0], {}],
])('a %s of nothing, which onnxruntime does not survive, is refused', async (op, dims, attributes) => {
  const inputs = op === 'InstanceNormalization' ? ['s', 'w', 'w'] : ['s', 'w']
  const nodes = [n('Slice', ['x', 'one', 'one', 'one'], 's'), n(op, inputs, 'o', attributes), n('Flatten', ['o'], 'y')]
  const weights = { one: list(1), w: { dims, values: [] } }
  const spec = { nodes, inputs: { x: ['N', 3, 2, 2] }, outputs: ['y'], weights }
  expect(await complaint(spec)).toBe(`test.onnx: ${op} (node "o") takes [${dims.join(', ')}], expected elements`)
})

test('a graph that fails when it runs is refused in one line', async () => {
  const nodes = [n('Shape', ['x'], 's'), n('Sub', ['s', 'one'], 't'), n('Reshape', ['x', 't'], 'y')]
  const message = await complaint({ nodes, inputs: { x: ['N', 6] }, outputs: ['y'], weights: { one: list(1) } })
  expect(message).toMatch(/^test.onnx: onnxruntime cannot run the model: .*Reshape/)
})

test('weights are not looked at, however many there are', async () => {
  const w = { dims: [2000, 2], values: Array(4000).fill(1) }
  const model = modelOf({
    nodes: [n('MatMul', ['x', 'w'], 'y')],
    inputs: { x: ['N', 2000] },
    outputs: ['y'],
    weights: { w },
  })
  expect((await checkSizes(model)).get('y')).toEqual([3, 2])
})
