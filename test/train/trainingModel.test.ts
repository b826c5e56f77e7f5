import { expect, test } from 'vitest'
import { AugmentError } from '../../src/core/errors.js'
import { writeModel } from '../../src/onnx/model.js'
import { type Attributes, makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { type TrainingModel, type TrainingOptions, trainingModel } from '../../src/train/trainingModel.js'
import { float32, type GraphSpec, modelOf, runModel, type Weight } from '../helpers/onnx.js'

const n = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  makeNode(op, inputs, [output], attributes)
const wave = (dims: number[], shift = 0.4): Weight => ({
  dims,
  values: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(1.7 * i + shift)),
})
const equal = (size: number, value: number): Weight => ({ dims: [size], values: Array(size).fill(value) })

/** A mean taken off, two convolutions of which the second halves the grid, each normalised by the same vectors, and a head. */
const SPEC: GraphSpec = {
  nodes: [
    n('Sub', ['x', 'mean'], 'x0'),
    n('Conv', ['x0', 'stem'], 'c1', { pads: [1, 1, 1, 1] }),
    n('BatchNormalization', ['c1', 'one', 'zero', 'zero', 'one'], 'b1'),
    n('Relu', ['b1'], 'r1'),
    n('Conv', ['r1', 'deep'], 'c2', { pads: [1, 1, 1, 1], strides: [2, 2] }),
    n('BatchNormalization', ['c2', 'one', 'zero', 'zero', 'one'], 'b2'),
    n('GlobalAveragePool', ['b2'], 'p'),
    n('Flatten', ['p'], 'f'),
    n('Dropout', ['f'], 'd'),
    n('MatMul', ['d', 'head'], 'm'),
    n('Add', ['m', 'bias'], 'y'),
  ],
  inputs: { x: ['N', 2, 6, 6] },
  outputs: ['y'],
  weights: {
    mean: wave([2, 1, 1]),
    stem: wave([4, 2, 3, 3]),
    one: equal(4, 1),
    zero: equal(4, 0),
    deep: wave([4, 4, 3, 3]),
    head: wave([4, 3]),
    bias: wave([3]),
  },
}
const build = (spec: GraphSpec, options: TrainingOptions = {}) =>
  trainingModel(writeModel(modelOf(spec)), 'test.onnx', options)

async function complaint(spec: GraphSpec, options: TrainingOptions = {}): Promise<string> {
  const error = await build(spec, options).catch((e) => e)
  expect(error).toBeInstanceOf(AugmentError)
  return error.message
}

const trained = ({ carried }: TrainingModel) => carried.filter((c) => c.kind === 'weight').map((c) => c.name)

/** One step on two pictures. */
function step(model: TrainingModel, sizes: readonly number[], rate = 0.1) {
  const count = sizes.reduce((a, b) => a * b, 2)
  return runModel(model.bytes, {
    [model.input]: float32(
      [2, ...sizes],
      Array.from({ length: count }, (_, i) => Math.sin(0.9 * i)),
    ),
    target: float32([2, 3], [1, 0, 0, 0, 0.5, 0.5]),
    rate: float32([], [rate]),
    ...Object.fromEntries(model.carried.map((c) => [c.input, float32(c.dims, c.initial)])),
    ...Object.fromEntries(
      model.masks.map(({ input, dims }) => [input, float32([2, ...dims.slice(1).map(Number)], Array(8).fill(1))]),
    ),
  })
}

test('every weight is trained, but not what prepares the picture; equal vectors are each layer’s own', async () => {
  const model = await build(SPEC)
  expect(trained(model)).toEqual(['stem', 'one', 'zero', 'deep', 'one/3', 'zero/3', 'head', 'bias'])
  const statistics = model.carried.filter((c) => c.kind === 'statistic').map((c) => c.name)
  expect(statistics).toEqual(['zero/2', 'one/2', 'zero/4', 'one/4'])
  const next = await step(model, [2, 6, 6])
  // One running mean each, of other convolutions.
  expect(next['next/zero/2']!.data).not.toEqual(next['next/zero/4']!.data)
})

test('a bias of which a part is written over, as that of Swin v2, is trained but for that part', async () => {
  const nodes = SPEC.nodes
    .slice(0, -1)
    .concat([n('ScatterND', ['bias', 'middle', 'nothing'], 'partly'), n('Add', ['m', 'partly'], 'y')])
  const middle = { dims: [1, 1], values: [1], dtype: DataType.INT64 }
  const weights = { ...SPEC.weights, middle, nothing: { dims: [1], values: [0] } }
  const model = await build({ ...SPEC, nodes, weights })
  const bias = model.carried.find(({ name }) => name === 'bias')!
  const next = (await step(model, [2, 6, 6]))[bias.output]!.data as Float32Array
  expect(Array.from(next, (value, i) => value === bias.initial[i])).toEqual([false, true, false])
})

test.each<[TrainingOptions['trainable'], string[]]>([
  ['head', ['head', 'bias']],
  ['last-stage', ['deep', 'one/3', 'zero/3', 'head', 'bias']],
  [/^(stem|bias)$/, ['stem', 'bias']],
])('of the weights those of %s are trained, and only their normalisations use the batch', async (trainable, names) => {
  const model = await build(SPEC, { trainable: trainable! })
  expect(trained(model)).toEqual(names)
  const statistics = model.carried.filter((c) => c.kind === 'statistic')
  expect(statistics.length).toBe(trainable === 'last-stage' ? 2 : 0)
  const next = await step(model, [2, 6, 6])
  for (const { output, initial } of model.carried) expect(next[output]!.data).not.toEqual(initial)
})

test('with frozen statistics and a rate of 0 a step changes nothing', async () => {
  const model = await build(SPEC, { statistics: 'frozen', dropout: false, optimizer: { name: 'sgd', momentum: 0 } })
  expect(model.masks).toEqual([])
  const next = await step(model, [2, 6, 6], 0)
  for (const { output, initial } of model.carried) expect(next[output]!.data).toEqual(initial)
})

test('random weights are of their seed, whatever else is trained, with the deviation of He et al.', async () => {
  const spec = { ...SPEC, weights: { ...SPEC.weights, deep: wave([64, 4, 3, 3]), head: wave([64, 3]) } }
  const wide = (name: string, value: number) => ({ [name]: equal(64, value) })
  const nodes = spec.nodes.map((node) =>
    node.output[0] === 'b2' ? n('BatchNormalization', ['c2', 'g', 'h', 'h', 'g'], 'b2') : node,
  )
  const wider = { ...spec, nodes, weights: { ...spec.weights, ...wide('g', 3), ...wide('h', 5) } }
  const of = async (initialSeed: number, trainable: TrainingOptions['trainable'] = 'all') =>
    new Map((await build(wider, { initial: 'random', initialSeed, trainable })).carried.map((c) => [c.name, c.initial]))
  const [first, again, other] = [await of(7), await of(7, 'last-stage'), await of(8)]
  for (const [name, value] of again) expect(value).toEqual(first.get(name))
  expect(other.get('deep')).not.toEqual(first.get('deep'))
  const deep = first.get('deep')!
  const deviation = Math.sqrt(deep.reduce((sum, v) => sum + v * v, 0) / deep.length)
  // 2,304 variates: the deviation is known to 1.5 %.
  expect(Math.abs(deviation / Math.sqrt(2 / 36) - 1)).toBeLessThan(0.06)
  for (const [name, value] of [
    ['g', 1],
    ['h', 0],
    ['h/2', 0],
    ['g/2', 1],
    ['bias', 0],
  ] as const)
    expect(first.get(name)!.every((v) => v === value)).toBe(true)
})

test('weights kept as bytes with scales are trained as float32', async () => {
  const packed = {
    dims: [4, 3],
    values: wave([4, 3]).values.map((v) => Math.round(100 * v) + 128),
    dtype: DataType.UINT8,
  }
  const nodes = [n('DequantizeLinear', ['packed', 'scale', 'centre'], 'w', { axis: 1 }), n('MatMul', ['x', 'w'], 'y')]
  const weights = {
    packed,
    scale: { dims: [3], values: [0.01, 0.02, 0.03] },
    centre: { ...equal(3, 128), dtype: DataType.UINT8 },
  }
  const spec = { nodes, weights, inputs: { x: ['N', 4] }, outputs: ['y'], opset: 17 }
  const model = await build(spec)
  expect(trained(model)).toEqual(['w'])
  const x = float32([1, 4], [1, 2, 3, 4])
  // Optimised, onnxruntime rounds what such weights are multiplied with.
  const before = await runModel(modelOf(spec), { x }, { optimize: 'disabled' })
  const after = await runModel(model.classifier(new Map()), { x })
  for (const [i, value] of (before.y!.data as Float32Array).entries()) expect(after.y!.data[i]).toBeCloseTo(value, 5)
})

test('a model whose names are those of the step trains under its own', async () => {
  const nodes = [n('MatMul', ['target', 'next/w'], 'loss'), n('Softmax', ['loss'], 'logits', { axis: 1 })]
  const model = await build({
    nodes,
    inputs: { target: ['N', 4] },
    outputs: ['logits'],
    weights: { 'next/w': wave([4, 3]) },
  })
  expect(trained(model)).toEqual(['next/w'])
  const next = await step(model, [4])
  const values = new Map(model.carried.slice(0, 1).map((c) => [c.name, next[c.output]!.data as Float32Array]))
  const found = await runModel(model.classifier(values), { target: float32([1, 4], [1, 2, 3, 4]) })
  expect(Object.keys(found)).toEqual(['logits'])
})

test('Dropout of an old opset drops at its own ratio', async () => {
  const nodes = [n('Dropout', ['x'], 'd', { ratio: { float: 0.25 } }), n('MatMul', ['d', 'w'], 'y')]
  const model = await build({ nodes, inputs: { x: ['N', 4] }, outputs: ['y'], weights: { w: wave([4, 3]) }, opset: 10 })
  expect(model.masks).toEqual([{ input: 'mask/0', ratio: 0.25, dims: [null, 4] }])
})

test.each<[string, Partial<GraphSpec>, TrainingOptions, string]>([
  [
    'no weights',
    { nodes: [n('Neg', ['x'], 'y')], inputs: { x: ['N', 3] } },
    {},
    'test.onnx: no float32 weights to train',
  ],
  [
    'integer weights',
    {
      nodes: [
        n('ConvInteger', ['x8', 'w8'], 'c'),
        n('Cast', ['c'], 'f', { to: DataType.FLOAT }),
        n('Flatten', ['f'], 'y'),
      ],
      inputs: { x: ['N', 2, 3, 3] },
      weights: { w8: { dims: [3, 2, 3, 3], values: Array(54).fill(1), dtype: DataType.UINT8 } },
    },
    {},
    'test.onnx: no float32 weights to train, found uint8',
  ],
  [
    'an operator without a rule',
    {
      nodes: [
        n('MatMul', ['x', 'w'], 'm'),
        n('Det', ['m'], 'd'),
        n('Unsqueeze', ['d', 'axis'], 'u'),
        n('Concat', ['u', 'u'], 'y', { axis: 1 }),
      ],
      inputs: { x: ['N', 3, 3] },
      weights: { w: wave([3, 3]), axis: { dims: [1], values: [1], dtype: DataType.INT64 } },
    },
    {},
    'test.onnx: no gradient rule for operator Det (node "d", opset 17)',
  ],
  [
    'one class',
    { nodes: [n('MatMul', ['x', 'w'], 'y')], inputs: { x: ['N', 3] }, weights: { w: wave([3, 1]) } },
    {},
    'test.onnx: output "y" is [N, 1], expected one logit per class, [N, K]',
  ],
  [
    'an unknown pattern',
    {},
    { trainable: /layer9/ },
    'test.onnx: no weight is called /layer9/, it has "stem", "one", "zero", ...',
  ],
  [
    'two bad options',
    {},
    { labelSmoothing: 1, clip: 0 },
    'labelSmoothing: expected a number from 0 to below 1, got 1\nclip: expected a number above 0, got 0',
  ],
])('%s is refused in a line', async (_what, spec, options, line) => {
  const quantise = spec.weights && 'w8' in spec.weights ? [n('Cast', ['x'], 'x8', { to: DataType.UINT8 })] : []
  const whole = { ...SPEC, ...spec, nodes: [...quantise, ...(spec.nodes ?? SPEC.nodes)] }
  expect(await complaint(whole, options)).toBe(line)
})
