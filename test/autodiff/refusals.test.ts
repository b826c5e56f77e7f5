/** What has no gradient rule, or a form that its rule does not cover, is refused by name. */
import { expect, test } from 'vitest'
import { appendGradient } from '../../src/autodiff/appendGradient.js'
import { AugmentError } from '../../src/core/errors.js'
import { makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { probe } from '../../src/saliency/probe.js'
import { type GraphSpec, modelOf } from '../helpers/onnx.js'

async function complaint(spec: GraphSpec): Promise<AugmentError> {
  const model = modelOf(spec)
  const { types } = await probe(model)
  try {
    appendGradient(model, { types, loss: 'logit' })
  } catch (error) {
    if (error instanceof AugmentError) return error
    throw error
  }
  throw new Error('no complaint')
}

test('all operators without a rule are named at once, with node and opset', async () => {
  const nodes = [
    makeNode('Det', ['x'], ['d']),
    makeNode('Relu', ['d'], ['r']),
    makeNode('Unknown', ['r'], ['u']),
    makeNode('Flatten', ['u'], ['y']),
  ]
  const model = modelOf({ nodes, inputs: { x: ['N', 3, 2, 2] }, outputs: ['y'] })
  const types = new Map(
    [...'xdruy'].map((v) => [v, { dtype: DataType.FLOAT, dims: v === 'x' ? [null, 3, 2, 2] : [null, 3] }]),
  )
  expect(() => appendGradient(model, { types, loss: 'logit' })).toThrow(
    'test.onnx: no gradient rule for operator Det (node "d", opset 17)\ntest.onnx: no gradient rule for operator Unknown (node "u", opset 17)',
  )
})

test('what onnxruntime optimised for one processor is refused with what to do', () => {
  const blocked = Object.assign(makeNode('Conv', ['x', 'w'], ['c']), { domain: 'com.microsoft.nchwc' })
  const nodes = [blocked, makeNode('Flatten', ['c'], ['y'])]
  const weights = { w: { dims: [8, 8, 1, 1], values: Array(64).fill(1) } }
  const model = modelOf({ nodes, inputs: { x: ['N', 8, 2, 2] }, outputs: ['y'], weights })
  const types = new Map(
    [...'xcy'].map((v) => [v, { dtype: DataType.FLOAT, dims: v === 'y' ? [null, 32] : [null, 8, 2, 2] }]),
  )
  expect(() => appendGradient(model, { types, loss: 'logit' })).toThrow(
    expect.objectContaining({
      message: 'test.onnx: no gradient rule for operator com.microsoft.nchwc.Conv (node "c", opset 17)',
      hint: expect.stringContaining('up to the level extended'),
    }),
  )
})

test.each([
  ['ScatterElements', ['x', 'at', 'factors'], { axis: 1, reduction: 'mul' }],
  ['Slice', ['x', 'zeros', 'count'], {}],
  ['Pad', ['x', 'both'], {}],
  ['Tile', ['x', 'count'], {}],
] as const)(
  'a form of %s that its rule does not cover is refused like a missing rule',
  async (op, inputs, attributes) => {
    // The counts differ from batch to batch.
    const nodes = [
      makeNode('Shape', ['x'], ['shape']),
      makeNode('Sub', ['shape', 'first'], ['count']),
      makeNode('Concat', ['count', 'count'], ['both'], { axis: 0 }),
      makeNode(op, inputs, ['s'], attributes),
      makeNode('ReduceSum', ['s', 'first'], ['r']),
      makeNode('Expand', ['r', 'one'], ['e']),
      makeNode('Add', ['x', 'e'], ['y']),
    ]
    const weights = {
      at: { dims: [1, 2], values: [0, 1], dtype: DataType.INT64 },
      factors: { dims: [1, 2], values: [2, 3] },
      first: { dims: [2], values: [0, 1], dtype: DataType.INT64 },
      zeros: { dims: [2], values: [0, 0], dtype: DataType.INT64 },
      one: { dims: [2], values: [1, 1], dtype: DataType.INT64 },
    }
    const spec = { nodes, inputs: { x: ['N', 2] }, outputs: ['y'], weights }
    expect((await complaint(spec)).message).toBe(`test.onnx: no gradient rule for operator ${op} (node "s", opset 17)`)
  },
)

test.each([
  ['keep_aspect_ratio_policy', { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' }, ['', '', 'sizes']],
  ['a roi', { coordinate_transformation_mode: 'tf_crop_and_resize' }, ['roi', 'scales']],
  ['a factor that moves pixels but keeps the size', { mode: 'linear' }, ['', 'scales']],
])('Resize with %s is refused', async (_, attributes, parameters) => {
  const nodes = [makeNode('Resize', ['x', ...parameters], ['r'], attributes), makeNode('Flatten', ['r'], ['y'])]
  const weights = {
    roi: { dims: [8], values: [0, 0, 0.1, 0.2, 1, 1, 0.8, 0.9] },
    scales: { dims: [4], values: [1, 1, 1.2, 2] },
    sizes: { dims: [2], values: [6, 6], dtype: DataType.INT64 },
  }
  const spec = { nodes, inputs: { x: ['N', 1, 4, 4] }, outputs: ['y'], weights, opset: 18 }
  expect((await complaint(spec)).message).toBe('test.onnx: no gradient rule for operator Resize (node "r", opset 18)')
})

test('a Resize of pictures of open size asks for their size', async () => {
  const nodes = [makeNode('Resize', ['x', '', 'scales'], ['r']), makeNode('GlobalMaxPool', ['r'], ['y'])]
  const scales = { dims: [4], values: [1, 1, 2, 2] }
  const spec = { nodes, inputs: { x: ['N', 3, 'height', 'width'] }, outputs: ['y'], weights: { scales } }
  expect(await complaint(spec)).toMatchObject({ hint: expect.stringContaining('--size WxH') })
})

test.each([
  ['BatchNormalization', ['x', 'k', 'k', 'k', 'k'], { training_mode: 1 }, ['y', 'm', 'v']],
  ['Dropout', ['x', '', 'yes'], {}, ['y']],
  ['Dropout', ['x', '', 'computed'], {}, ['y']],
])('%s of %j in training mode is refused', async (op, inputs, attributes, outputs) => {
  const nodes = [makeNode('Not', ['no'], ['computed']), makeNode(op, inputs, outputs, attributes)]
  const flag = (value: number) => ({ dims: [], values: [value], dtype: DataType.BOOL })
  const weights = { k: { dims: [3], values: [1, 2, 3] }, yes: flag(1), no: flag(0) }
  expect((await complaint({ nodes, inputs: { x: ['N', 3] }, outputs: ['y'], weights })).message).toBe(
    `test.onnx: no gradient rule for operator ${op} (node "y", opset 17)`,
  )
})
