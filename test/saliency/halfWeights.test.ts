import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { AttributeProtoSchema, ModelProtoSchema } from 'onnx-buf'
import { expect, test } from 'vitest'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { revise } from '../../src/onnx/revise.js'
import { DataType, makeTensor, type TensorProto, toFloat32 } from '../../src/onnx/tensor.js'
import { gradientModel } from '../../src/saliency/gradientModel.js'
import { float32, modelOf, runModel, type Weight } from '../helpers/onnx.js'

const CHANNELS = 16

/** Eighths, which half precision holds exactly. */
const eighths = (count: number) => Array.from({ length: count }, (_, i) => (((i * 7) % 17) - 8) / 8)

/** Conv, Relu, strided Conv, pooling and Gemm whose weights are of the given type, cast to float32 where they are not. */
function classifier(dtype: DataType): Uint8Array {
  const isHalf = dtype === DataType.FLOAT16
  const sizes = { w1: [CHANNELS, 3, 3, 3], b1: [CHANNELS], w2: [CHANNELS, CHANNELS, 3, 3], fc: [CHANNELS, 4] }
  const stored = (name: string) => (isHalf ? `${name}_half` : name)
  const weights = Object.entries(sizes).map(([name, dims]) => [
    stored(name),
    { dims, values: eighths(dims.reduce((a, b) => a * b)), dtype },
  ])
  const casts = Object.keys(sizes).map((name) => makeNode('Cast', [stored(name)], [name], { to: DataType.FLOAT }))
  const nodes = [
    ...(isHalf ? casts : []),
    makeNode('Conv', ['x', 'w1', 'b1'], ['c1'], { pads: [1, 1, 1, 1] }),
    makeNode('Relu', ['c1'], ['r1']),
    makeNode('Conv', ['r1', 'w2'], ['c2'], { strides: [2, 2], pads: [1, 1, 1, 1] }),
    makeNode('MaxPool', ['c2'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }),
    makeNode('GlobalAveragePool', ['p'], ['a']),
    makeNode('Flatten', ['a'], ['f']),
    makeNode('Gemm', ['f', 'fc'], ['y']),
  ]
  const spec = { nodes, inputs: { x: ['N', 3, 16, 16] }, outputs: ['y'], weights: Object.fromEntries(weights) }
  return writeModel(modelOf(spec))
}

test('weights stored in half precision and cast to float32 give the gradient of float32 weights', async () => {
  const feeds = {
    x: float32(
      [2, 3, 16, 16],
      Array.from({ length: 1536 }, (_, i) => Math.sin(i)),
    ),
    target: float32([2, 4], [1, 0, 0, 0, 0, 0, 1, 0]),
  }
  const [half, single] = [DataType.FLOAT16, DataType.FLOAT].map(classifier) as [Uint8Array, Uint8Array]
  const found = await runModel(await gradientModel(half, 'half.onnx'), feeds)
  const expected = await runModel(await gradientModel(single, 'single.onnx'), feeds)
  expect(Array.from(found.logits!.data as Float32Array)).toEqual(Array.from(expected.logits!.data as Float32Array))
  expect(Array.from(found.gradient!.data as Float32Array)).toEqual(Array.from(expected.gradient!.data as Float32Array))
  expect((found.gradient!.data as Float32Array).some((value) => value !== 0)).toBe(true)
})

/** A classifier of [N, 3] that computes in `dtype`, with halves among its initializers, constants, casts and bounds. */
function computing(dtype: DataType, weights: Record<string, Weight>): Uint8Array {
  const constant = makeNode('Constant', [], ['k'])
  constant.attribute.push(create(AttributeProtoSchema, { name: 'value', type: 4, t: makeTensor('', dtype, [], [1.5]) }))
  const nodes = [
    constant,
    makeNode('MatMul', ['x', 'w'], ['m']),
    makeNode('Tanh', ['m'], ['t']),
    makeNode('Mul', ['t', 'k'], ['s']),
    makeNode('Clip', ['s', 'low', 'high'], ['c']),
    makeNode('Cast', ['c'], ['f'], { to: DataType.FLOAT }),
    makeNode('Cast', ['f'], ['h'], { to: dtype }),
    makeNode('Add', ['h', 'b'], ['y']),
  ]
  return writeModel(modelOf({ nodes, inputs: { x: ['N', 3] }, outputs: ['y'], weights, dtype }))
}

test('a model that computes in half precision is differentiated in float32', async () => {
  const weights = {
    w: { dims: [3, 4], values: eighths(12) },
    b: { dims: [4], values: [1, -2, 2 ** -24, 65504] },
    low: { dims: [], values: [-1.25] },
    high: { dims: [], values: [1] },
  }
  const feeds = { x: float32([2, 3], [0.5, -1, 2, 0.1, 0.2, 0.3]), target: float32([2, 4], [1, 0, 0, 0, 0, 1, 0, 0]) }
  const half = await gradientModel(computing(DataType.FLOAT16, weights), 'half.onnx', { loss: 'logit' })
  const single = await gradientModel(computing(DataType.FLOAT, weights), 'single.onnx', { loss: 'logit' })
  const [found, expected] = [await runModel(half, feeds), await runModel(single, feeds)]
  for (const name of ['logits', 'gradient']) {
    expect(Array.from(found[name]!.data as Float32Array)).toEqual(Array.from(expected[name]!.data as Float32Array))
  }
  expect((found.gradient!.data as Float32Array).some((value) => value !== 0)).toBe(true)
})

/** A model with every float16 in it declared as another type of two bytes. */
function retyped(file: Uint8Array, dtype: DataType): Uint8Array {
  const proto = fromBinary(ModelProtoSchema, file)
  const { initializer, node, input, output } = proto.graph!
  const attributes = node.flatMap((n) => n.attribute)
  for (const tensor of [...initializer, ...attributes.flatMap(({ t }) => t ?? [])]) tensor.dataType = dtype
  for (const attribute of attributes) if (attribute.i === BigInt(DataType.FLOAT16)) attribute.i = BigInt(dtype)
  for (const { type } of [...input, ...output]) {
    if (type?.value.case === 'tensorType') type.value.value.elemType = dtype
  }
  return toBinary(ModelProtoSchema, proto)
}

test.each([DataType.FLOAT16, DataType.BFLOAT16])(
  'damaged models of type %i are refused in a line, or are sound',
  async (dtype) => {
    const half = Object.fromEntries(
      Object.entries({ w: 12, b: 4, low: 1, high: 1 }).map(([name, count]) => {
        const dims = { w: [3, 4], b: [4] }[name] ?? []
        return [name, { dims, values: eighths(count) }]
      }),
    )
    const file = computing(DataType.FLOAT16, half)
    const original = retyped(file, dtype)
    let sound = 0
    for (let seed = 0; seed < 500; seed++) {
      const damaged = Uint8Array.from(original)
      for (let edit = 0; edit <= seed % 3; edit++) {
        const random = Math.imul(3 * seed + edit + 1, 2654435761) >>> 0
        damaged[random % damaged.length] = random >>> 24
      }
      const error = await gradientModel(damaged, 'm.onnx').then(
        () => undefined,
        (problem) => problem,
      )
      if (error === undefined) sound++
      else
        expect(error).toMatchObject({
          name: 'AugmentError',
          message: expect.stringMatching(/^[^\p{Cc}]+(\n[^\p{Cc}]+){0,10}$/u),
        })
    }
    expect(sound).toBeGreaterThan(10)
    expect(sound).toBeLessThan(490)
  },
)

test('every half widens to the float32 of the same value', () => {
  const values = [1, -2.5, 65504, 2 ** -24, -1023 * 2 ** -24, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const floats = (tensor: TensorProto) => [...new Float32Array(toFloat32(tensor).rawData.slice().buffer)]
  const half = makeTensor('h', DataType.FLOAT16, [8], values)
  expect(floats(half)).toEqual(values)
  const brain = revise(half, {
    dataType: DataType.BFLOAT16,
    dims: [2n],
    rawData: Uint8Array.of(0x80, 0x3f, 0x20, 0xc0),
  })
  expect(floats(brain)).toEqual([1, -2.5])
})
