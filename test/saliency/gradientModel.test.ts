/** Whole files as exporters write them, whose gradients are compared with differences of what onnxruntime makes of the file. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { AttributeProtoSchema, GraphProtoSchema, ModelProtoSchema } from 'onnx-buf'
import { expect, test } from 'vitest'
import { readModel, writeModel } from '../../src/onnx/model.js'
import { type Attributes, makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { makeValueInfo } from '../../src/onnx/valueInfo.js'
import { type GradientOptions, gradientModel } from '../../src/saliency/gradientModel.js'
import { float32, type GraphSpec, modelOf, runModel, type Weight } from '../helpers/onnx.js'

const n = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  makeNode(op, inputs, [output], attributes)
const wave = (...dims: number[]): Weight => {
  const size = dims.reduce((a, b) => a * b)
  return { dims, values: Array.from({ length: size }, (_, i) => Math.sin(1.7 * i + 0.4)) }
}
/** The same between 1 and 7, as bytes. */
const waveOfBytes = (...dims: number[]): Weight => ({
  dims,
  values: wave(...dims).values.map((value) => Math.round(4 + 3 * value)),
  dtype: DataType.UINT8,
})

interface Comparison extends GradientOptions {
  readonly dims: readonly number[]
  readonly classes: number
  /** The same of the file's output as the difference of the first two logits; that difference by default. */
  readonly contrast?: (row: ArrayLike<number>) => number
}

/** Compares the gradient of the first logit minus the second with differences along two directions. */
async function expectTrueGradient(file: Uint8Array, { dims, classes, contrast, ...options }: Comparison) {
  const original = readModel(file, 'file').graph
  const [input, output] = [original.inputs[0]!.name, options.output ?? original.outputs[0]!.name]
  const size = dims.reduce((a, b) => a * b)
  const wavy = (frequency: number) => Array.from({ length: size }, (_, i) => Math.sin(frequency * (i + 1)))
  const [x, step] = [wavy(0.9), 1 / 128]
  const target = float32(
    [1, classes],
    Array.from({ length: classes }, (_, k) => (k === 0 ? 1 : k === 1 ? -1 : 0)),
  )
  const built = await gradientModel(file, 'file.onnx', { loss: 'logit', ...options })
  const { gradient } = await runModel(built, { [input]: float32(dims, x), target })
  const g = gradient!.data as Float32Array
  const at = async (u: readonly number[], by: number) => {
    const found = await runModel(file, {
      [input]: float32(
        dims,
        x.map((value, i) => value + by * u[i]!),
      ),
    })
    const row = found[output]!.data as Float32Array
    return contrast ? contrast(row) : row[0]! - row[1]!
  }
  for (const u of [wavy(2.3), Array.from(g, Math.sign)]) {
    const difference = ((await at(u, step)) - (await at(u, -step))) / (2 * step)
    const slope = u.reduce((sum, value, i) => sum + value * g[i]!, 0)
    const scale = u.reduce((sum, value, i) => sum + Math.abs(value * g[i]!), 0)
    expect(scale).toBeGreaterThan(1e-3)
    expect(Math.abs(slope - difference) / scale).toBeLessThan(2e-3)
  }
}

/** Conv, BatchNormalization, Sigmoid, pooling, Flatten and Gemm of opset 9 for pictures [N, `channels`, 6, 5]. */
function classifier(channels: number): GraphSpec {
  const nodes = [
    n('Conv', ['x', 'w', 'b'], 'c', { strides: [2, 2], pads: [1, 1, 1, 1] }),
    n('BatchNormalization', ['c', 'b', 'b', 'b', 'v'], 'bn'),
    n('Sigmoid', ['bn'], 's'),
    n('AveragePool', ['s'], 'p', { kernel_shape: [2, 2] }),
    n('Flatten', ['p'], 'f'),
    n('Gemm', ['f', 'fc', 'bias'], 'y', { transB: 1 }),
  ]
  const v = { dims: [4], values: [0.5, 1, 2, 1.5] }
  const weights = { w: wave(4, channels, 3, 3), b: wave(4), v, fc: wave(3, 16), bias: wave(3) }
  return { nodes, inputs: { x: ['N', channels, 6, 5] }, outputs: ['y'], weights, opset: 9 }
}

test('a file of IR version 3, which lists its weights among the inputs, takes one picture', async () => {
  const spec = classifier(3)
  const proto = fromBinary(ModelProtoSchema, writeModel(modelOf(spec)))
  proto.irVersion = 3n
  const ports = Object.entries(spec.weights!).map(([name, { dims }]) => makeValueInfo(name, DataType.FLOAT, dims))
  proto.graph!.input = [...ports, ...proto.graph!.input]
  await expectTrueGradient(toBinary(ModelProtoSchema, proto), { dims: [1, 3, 6, 5], classes: 3 })
})

test('pictures of one channel, and in NHWC, have their gradient', async () => {
  await expectTrueGradient(writeModel(modelOf(classifier(1))), { dims: [1, 1, 6, 5], classes: 3 })
  const { nodes, ...spec } = classifier(3)
  const [first, ...others] = nodes
  const transposed = [
    n('Transpose', ['x'], 'nchw', { perm: [0, 3, 1, 2] }),
    makeNode('Conv', ['nchw', ...first!.input.slice(1)], first!.output, { strides: [2, 2], pads: [1, 1, 1, 1] }),
    ...others,
  ]
  const file = writeModel(modelOf({ ...spec, nodes: transposed, inputs: { x: ['N', 6, 5, 3] } }))
  await expectTrueGradient(file, { dims: [1, 6, 5, 3], classes: 3 })
})

test('the chosen one of several outputs is differentiated, also one that is a Softmax', async () => {
  const spec = classifier(3)
  const nodes = [
    ...spec.nodes,
    n('MatMul', ['f', 'other'], 'auxiliary'),
    n('Softmax', ['y'], 'share', { axis: 1 }),
    n('Unsqueeze', ['share'], 'probability', { axes: [2, 3] }),
  ]
  const outputs = ['auxiliary', 'probability', 'y', 'f']
  const weights = { ...spec.weights, other: wave(16, 5) }
  const file = writeModel(modelOf({ ...spec, nodes, outputs, weights }))
  const dims = [1, 3, 6, 5]
  await expectTrueGradient(file, { dims, classes: 5 })
  await expectTrueGradient(file, { dims, classes: 3, output: 'y' })
  const contrast = (row: ArrayLike<number>) => Math.log(row[0]!) - Math.log(row[1]!)
  await expectTrueGradient(file, { dims, classes: 3, output: 'probability', contrast })
  await expect(gradientModel(file, 'm.onnx', { output: 'q' })).rejects.toMatchObject({
    code: 'usage',
    message: 'm.onnx: no output "q", it has auxiliary, probability, y, f',
  })
})

test('parts that make up a value give back to it: a roll, queries, keys and values, and parts that overlap', async () => {
  const at = (...values: number[]): Weight => ({ dims: [values.length], values, dtype: DataType.INT64 })
  const one = (value: number): Weight => ({ dims: [], values: [value], dtype: DataType.INT64 })
  const weights = {
    ...{ zero: at(0), two: at(2), three: at(3), end: at(2 ** 40), last: at(-1) },
    ...{ first: one(0), second: one(1), third: one(-1) },
  }
  const nodes = [
    n('Slice', ['x', 'two', 'end', 'last'], 'back'),
    n('Slice', ['x', 'zero', 'two', 'last'], 'front'),
    n('Concat', ['back', 'front'], 'rolled', { axis: -1 }),
    ...['first', 'second', 'third'].map((index) => n('Gather', ['rolled', index], index[0]!, { axis: 1 })),
    n('Mul', ['f', 's'], 'fs'),
    n('Mul', ['fs', 't'], 'product'),
    n('Slice', ['product', 'zero', 'three', 'two'], 'most'),
    n('Slice', ['product', 'two', 'end', 'two'], 'rest'),
    n('ReduceSum', ['most', 'two'], 'a', { keepdims: 0 }),
    n('ReduceSum', ['rest', 'two'], 'b', { keepdims: 0 }),
    n('Concat', ['a', 'b'], 'c', { axis: 1 }),
    n('MatMul', ['c', 'wide'], 'y'),
  ]
  const spec = { nodes, inputs: { x: ['N', 3, 3, 5] }, outputs: ['y'], weights: { ...weights, wide: wave(6, 3) } }
  await expectTrueGradient(writeModel(modelOf(spec)), { dims: [1, 3, 3, 5], classes: 3 })
})

test('another input than the first can be chosen', async () => {
  const nodes = [n('MatMul', ['x', 'w'], 'h'), n('Mul', ['h', 'mask'], 'm'), n('Tanh', ['m'], 'y')]
  const inputs = { x: ['N', 2], mask: ['N', 3] }
  const file = writeModel(modelOf({ nodes, inputs, outputs: ['y'], weights: { w: wave(2, 3) } }))
  const built = await gradientModel(file, 'm.onnx', { loss: 'logit', wrt: 'mask' })
  const [x, mask, target] = [float32([1, 2], [1, 2]), float32([1, 3], [1, -1, 2]), float32([1, 3], [0, 1, 0])]
  const { gradient } = await runModel(built, { x, mask, target })
  const at = async (value: number) => (await runModel(file, { x, mask: float32([1, 3], [1, value, 2]) })).y!.data[1]
  const [above, below] = [Number(await at(-1 + 1 / 128)), Number(await at(-1 - 1 / 128))]
  const [first, second, third] = gradient!.data as Float32Array
  expect([Math.abs(first!), Math.abs(third!)]).toEqual([0, 0])
  expect(second).toBeCloseTo((above - below) * 64, 3)
})

test('control flow is refused by name, all of it at once', async () => {
  const flow = ['If', 'Loop', 'Scan'].map((op, i) => {
    const node = n(op, [i === 0 ? 'x' : `v${i - 1}`], `v${i}`)
    node.attribute.push(create(AttributeProtoSchema, { name: 'body', type: 5, g: create(GraphProtoSchema, {}) }))
    return node
  })
  const file = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      opsetImport: [{ version: 16n }],
      graph: {
        node: flow,
        input: [makeValueInfo('x', DataType.FLOAT, [1])],
        output: [makeValueInfo('v2', DataType.FLOAT)],
      },
    }),
  )
  const lines = ['If (node "v0"', 'Loop (node "v1"', 'Scan (node "v2"'].map(
    (node) => `m.onnx: control flow is not supported: ${node}, opset 16)`,
  )
  await expect(gradientModel(file, 'm.onnx')).rejects.toMatchObject({ code: 'model', message: lines.join('\n') })
})

const QUANTISED = { s: { dims: [], values: [0.1] }, z: { dims: [], values: [3], dtype: DataType.UINT8 } }

test('weights stored as integers and dequantised do no harm', async () => {
  const nodes = [
    n('DequantizeLinear', ['stored', 's', 'z'], 'w'),
    n('Conv', ['x', 'w'], 'c'),
    n('Tanh', ['c'], 't'),
    n('GlobalAveragePool', ['t'], 'y'),
  ]
  const weights = { ...QUANTISED, stored: waveOfBytes(4, 3, 3, 3) }
  const file = writeModel(modelOf({ nodes, inputs: { x: ['N', 3, 4, 4] }, outputs: ['y'], weights }))
  await expectTrueGradient(file, { dims: [1, 3, 4, 4], classes: 4 })
})
