/** Models of integer inputs with a float32 one in their place, against onnxruntime on the model as it was. */
import { expect, test } from 'vitest'
import { floatInput } from '../../src/onnx/floatInput.js'
import type { Model } from '../../src/onnx/model.js'
import { type Attributes, makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { declaredType } from '../../src/onnx/valueInfo.js'
import { zeros } from '../../src/saliency/probe.js'
import { float32, modelOf, runModel, type Weight } from '../helpers/onnx.js'

const n = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  makeNode(op, inputs, [output], attributes)
const toFloat = (from: string, to = 'y') => n('Cast', [from], to, { to: DataType.FLOAT })
const list = (dtype: DataType, ...values: number[]): Weight => ({ dims: [values.length], values, dtype })
const scalar = (dtype: DataType, value: number): Weight => ({ dims: [], values: [value], dtype })

const PIXELS = [0, 1, 127, 128, 200, 255]

/** A model of one integer input, [2, 3]. */
function model(dtype: DataType, nodes: Model['graph']['nodes'], weights: Record<string, Weight> = {}): Model {
  const built = modelOf({ nodes, inputs: { u: [2, 3] }, outputs: ['y'], weights, dtype })
  const { outputs } = modelOf({ nodes: [n('Relu', ['y'], 'z')], inputs: { y: [1] }, outputs: ['y'] }).graph
  return { ...built, graph: { ...built.graph, outputs } }
}

async function expectSame(original: Model): Promise<void> {
  const changed = floatInput(original)
  expect(declaredType(changed.graph.inputs[0]!)!.dtype).toBe(DataType.FLOAT)
  const u = zeros(declaredType(original.graph.inputs[0]!)!.dtype, [2, 3])
  PIXELS.forEach((pixel, i) => {
    ;(u.data as Int32Array)[i] = (typeof u.data[0] === 'bigint' ? BigInt(pixel) : pixel) as number
  })
  const before = await runModel(original, { u })
  const after = await runModel(changed, { u: float32([2, 3], PIXELS) })
  expect(after.y).toMatchObject({ dims: before.y!.dims, data: before.y!.data })
}

const { UINT8, INT32, INT64, UINT16, FLOAT } = DataType

test.each([UINT8, UINT16, INT32, INT64, DataType.INT16, DataType.UINT32, DataType.UINT64])(
  'type %i, made a float at once',
  (dtype) => expectSame(model(dtype, [toFloat('u')])),
)

test('moved, cut and padded before it becomes a float', () => {
  const nodes = [
    n('Transpose', ['u'], 't', { perm: [1, 0] }),
    n('Slice', ['t', 'one', 'three', 'zero'], 'c'),
    n('Unsqueeze', ['c', 'zero'], 'q'),
    n('Pad', ['q', 'pads', 'fill'], 'p'),
    n('Concat', ['p', 'p'], 'd', { axis: 0 }),
    toFloat('d'),
  ]
  const integers = (...values: number[]) => list(INT64, ...values)
  return expectSame(
    model(UINT8, nodes, {
      ...{ one: integers(1), three: integers(3), zero: integers(0), pads: integers(0, 0, 1, 0, 0, 0) },
      fill: scalar(UINT8, 9),
    }),
  )
})

test('widened and computed with as wider integers', () => {
  const nodes = [
    n('Cast', ['u'], 'w', { to: INT32 }),
    n('Sub', ['w', 'mean'], 'd'),
    n('Mul', ['two', 'd'], 'm'),
    n('Clip', ['m', 'low', 'high'], 'c'),
    toFloat('c'),
  ]
  const weights = {
    ...{ mean: list(INT32, 128, 127, 3), two: scalar(INT32, 2) },
    ...{ low: scalar(INT32, -100), high: scalar(INT32, 200) },
  }
  return expectSame(model(UINT8, nodes, weights))
})

test('dequantised, with and without a zero point', async () => {
  const weights = { s: scalar(FLOAT, 0.25), z: scalar(UINT8, 128) }
  await expectSame(model(UINT8, [n('DequantizeLinear', ['u', 's', 'z'], 'y')], weights))
  await expectSame(model(UINT8, [n('DequantizeLinear', ['u', 's'], 'y')], { s: weights.s }))
})

test('what needs integers is refused by name, all at once', () => {
  const nodes = [
    n('Div', ['u', 'two'], 'half'),
    n('Cast', ['u'], 'narrow', { to: DataType.INT8 }),
    n('Gather', ['two', 'u'], 'picked'),
    toFloat('half'),
  ]
  expect(() => floatInput(model(INT64, nodes, { two: list(INT64, 2) }))).toThrow(
    [
      'test.onnx: input "u" is int64, and Div (node "half") computes with integers',
      'test.onnx: input "u" is int64, and Cast (node "narrow") computes with integers',
      'test.onnx: input "u" is int64, and Gather (node "picked") computes with integers',
    ].join('\n'),
  )
})

test('a float input stays, whatever its type', () => {
  for (const dtype of [DataType.FLOAT, DataType.DOUBLE]) {
    const original = modelOf({ nodes: [n('Relu', ['x'], 'y')], inputs: { x: [2] }, outputs: ['y'], dtype })
    expect(floatInput(original)).toBe(original)
  }
})
