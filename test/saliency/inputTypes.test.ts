/** Classifiers that take other numbers than float32: their maps are those of the same classifier in float32. */
import { expect, test } from 'vitest'
import { writeModel } from '../../src/onnx/model.js'
import { type Attributes, makeNode } from '../../src/onnx/node.js'
import { revise } from '../../src/onnx/revise.js'
import { DataType, type TensorProto } from '../../src/onnx/tensor.js'
import { makeValueInfo } from '../../src/onnx/valueInfo.js'
import { gradientModel } from '../../src/saliency/gradientModel.js'
import { type SaliencyOptions, saliencyModel } from '../../src/saliency/saliencyModel.js'
import { createSession } from '../../src/saliency/session.js'
import { modelOf, runModel } from '../helpers/onnx.js'

const n = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  makeNode(op, inputs, [output], attributes)
const eighths = (count: number) =>
  Array.from({ length: count }, (_, i) => Math.round(8 * Math.sin(1.7 * i) + 0.5 * (i % 3)) / 8)

const { FLOAT, FLOAT16, BFLOAT16, DOUBLE, UINT8, INT8, INT32, INT64, UINT16 } = DataType

/** A float32 weight as bfloat16: the upper half of its bits. */
function brain([name, tensor]: [string, TensorProto]): [string, TensorProto] {
  const rawData = Uint8Array.from(tensor.rawData.filter((_, i) => i % 4 > 1))
  return [name, revise(tensor, { dataType: BFLOAT16, rawData })]
}

type Layout = 'nchw' | 'nhwc'

/** A classifier of 6 x 5 pixels that divides by 256 itself, of `dtype` from there on; `input` is what it takes. */
function classifier(input: DataType, dtype = DataType.FLOAT, layout: Layout = 'nchw', batch: number | string = 'N') {
  const nodes = [
    n('Cast', ['u'], 'real', { to: dtype }),
    n('Div', ['real', 'range'], 's'),
    n(layout === 'nhwc' ? 'Transpose' : 'Identity', ['s'], 'x', layout === 'nhwc' ? { perm: [0, 3, 1, 2] } : {}),
    n('Conv', ['x', 'w'], 'c', { pads: [1, 1, 1, 1] }),
    n('Relu', ['c'], 'r'),
    n('GlobalAveragePool', ['r'], 'p'),
    n('Flatten', ['p'], 'f'),
    n('MatMul', ['f', 'fc'], 'y'),
  ]
  const weights = {
    range: { dims: [], values: [256] },
    w: { dims: [4, 3, 3, 3], values: eighths(108) },
    fc: { dims: [4, 3], values: eighths(12) },
  }
  const sizes = layout === 'nhwc' ? [batch, 6, 5, 3] : [batch, 3, 6, 5]
  const plain = dtype === BFLOAT16 ? FLOAT : dtype
  const { graph, ...model } = modelOf({ nodes, inputs: { u: sizes }, outputs: ['y'], weights, dtype: plain })
  const initializers = dtype === BFLOAT16 ? new Map(Array.from(graph.initializers, brain)) : graph.initializers
  return writeModel({ ...model, graph: { ...graph, initializers, inputs: [makeValueInfo('u', input, sizes)] } })
}

const options: SaliencyOptions = {
  preprocessing: {},
  loss: 'ce',
  target: 'predicted',
  blur: { kernel: 3, sigma: 1 },
  channelNorm: 'mean',
}
const bytes = { mean: [0, 0, 0], std: [1, 1, 1], scale: 1 }
const pixels = Uint8Array.from({ length: 2 * 6 * 5 * 3 }, (_, i) => (97 * i + 31 * (i % 7)) % 256)

async function maps(model: Uint8Array, preprocessing: SaliencyOptions['preprocessing'] = {}) {
  const built = await saliencyModel(model, 'm.onnx', { ...options, preprocessing })
  const { saliency, uniform } = await runModel(built.bytes, {
    pixels: { type: 'uint8', dims: [2, 6, 5, 3], data: pixels },
  })
  expect(Array.from(uniform!.data as Uint8Array)).toEqual([0, 0])
  return Array.from(saliency!.data as Float32Array)
}

function expectClose(found: readonly number[], expected: readonly number[]): void {
  found.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6)
  })
}

test.each([UINT8, INT8, UINT16, INT32, INT64])('integers (type %i) are whole pixels, 0 to 255', async (type) => {
  for (const layout of ['nchw', 'nhwc'] as const) {
    const expected = await maps(classifier(FLOAT, FLOAT, layout), bytes)
    for (const batch of ['N', 1, 2]) expect(await maps(classifier(type, FLOAT, layout, batch))).toEqual(expected)
  }
})

test.each([FLOAT16, BFLOAT16, DOUBLE])('floats of type %i are taken as float32 is', async (type) => {
  const expected = await maps(classifier(FLOAT))
  for (const inside of [FLOAT, type]) expectClose(await maps(classifier(type, inside)), expected)
  expectClose(await maps(classifier(FLOAT, type)), expected)
})

test('grad writes a model of a float32 input in the place of integers', async () => {
  const target = { type: 'float32', dims: [1, 3], data: Float32Array.of(0, 1, 0) } as const
  const x = Float32Array.from({ length: 90 }, (_, i) => pixels[i]!)
  const feeds = { u: { type: 'float32', dims: [1, 3, 6, 5], data: x } as const, target }
  const [found, expected] = await Promise.all(
    [UINT8, FLOAT].map(async (type) => runModel(await gradientModel(classifier(type), 'm.onnx'), feeds)),
  )
  expect(found!.gradient!.data).toEqual(expected!.gradient!.data)
  expect((found!.gradient!.data as Float32Array).some((value) => value !== 0)).toBe(true)
})

test('what would make fractions for an integer input is refused', async () => {
  const preprocessing = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], scale: 1 / 255 }
  await expect(saliencyModel(classifier(UINT8), 'm.onnx', { ...options, preprocessing })).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('m.onnx: input "u" is uint8: scale'),
  })
  const centred = { mean: [128, 128, 128] }
  expect(await maps(classifier(INT8), centred)).toHaveLength(60)
})

test('what no device can load is the fault of the model, whatever device is asked for', async () => {
  for (const device of ['cuda', 'cpu'] as const) {
    const session = createSession(Uint8Array.of(1, 2, 3), { device, threads: 1 })
    await expect(session).rejects.toMatchObject({
      code: 'model',
      message: expect.stringContaining('onnxruntime cannot load the model'),
    })
  }
})

test('a float input that the model divides by 256 is given 0 to 255 by default; one that it takes as it is, is not', async () => {
  const { scaling, ...own } = await saliencyModel(classifier(FLOAT), 'own.onnx', options)
  const told = await saliencyModel(classifier(FLOAT), 'told.onnx', { ...options, preprocessing: bytes })
  expect([scaling, told.scaling]).toEqual(['shown', 'given'])
  expect(own.bytes).toEqual(told.bytes)
  const nodes = [n('GlobalAveragePool', ['u'], 'p'), n('Flatten', ['p'], 'y')]
  const plain = writeModel(modelOf({ nodes, inputs: { u: ['N', 3, 6, 5] }, outputs: ['y'] }))
  expect((await saliencyModel(plain, 'plain.onnx', options)).scaling).toBe('assumed')
})
