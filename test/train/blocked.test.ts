/** The step on blocked values against the standard one, which is compared with PyTorch elsewhere. */
import { createHash } from 'node:crypto'
import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { expect, test } from 'vitest'
import { COMPOSITE } from '../../src/autodiff/composite.js'
import { makeModel, readModel, withDomain, writeModel } from '../../src/onnx/model.js'
import { type Attributes, BLOCKED, isStandard, makeNode } from '../../src/onnx/node.js'
import { DataType, rawTensor } from '../../src/onnx/tensor.js'
import { createSession } from '../../src/saliency/session.js'
import { lowered } from '../../src/train/blocked/lower.js'
import { findBlocks } from '../../src/train/blockSize.js'
import { stepRunner } from '../../src/train/stepRunner.js'
import { type TrainingModel, trainingModel } from '../../src/train/trainingModel.js'
import { float32, type GraphSpec, modelOf, runModel, type Weight } from '../helpers/onnx.js'

const n = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  makeNode(op, inputs, [output], attributes)

/** Numbers without a pattern, near a normal distribution. */
function noise(count: number, seed: number): number[] {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  return Array.from({ length: count }, () => next() + next() + next() + next() - 2)
}
const volume = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1)
const weight = (dims: number[], seed: number, scale = 0.3): Weight => ({
  dims,
  values: noise(volume(dims), seed).map((value) => scale * value),
})
const vector = (size: number, value: number): Weight => ({
  dims: [size],
  values: Array.from({ length: size }, (_, i) => value + 0.01 * i),
})

const square = (k: number, stride = 1, group = 1): Attributes => ({
  kernel_shape: [k, k],
  pads: Array(4).fill((k - 1) / 2),
  strides: [stride, stride],
  group,
})

const norm = (name: string, x: string, channels: number): [ReturnType<typeof n>, Record<string, Weight>] => {
  const parts = ['scale', 'bias', 'mean', 'variance'].map((part) => `${name}.${part}`)
  const values = [1, 0.1, 0, 1].map((value) => vector(channels, value))
  return [n('BatchNormalization', [x, ...parts], name), Object.fromEntries(parts.map((part, i) => [part, values[i]!]))]
}

/**
 * What convolutional networks are made of: a stem on a picture, a residual block, a depthwise one with gates and ReLU6, strides in
 * each, 24 channels, which fill no whole blocks, groups, an instance normalisation, and pooling of every kind.
 */
function network(): GraphSpec {
  const norms = [
    norm('b1', 'c1', 32),
    norm('b2', 'c2', 32),
    norm('b3', 'c3', 24),
    norm('b4', 'c4', 24),
    norm('b5', 'c5', 32),
    norm('b6', 'c6', 32),
  ]
  const [b1, b2, b3, b4, b5, b6] = norms.map(([node]) => node) as ReturnType<typeof n>[]
  return {
    nodes: [
      n('Conv', ['x', 'w1'], 'c1', square(3)),
      b1!,
      n('Relu', ['b1'], 'r1'),
      n('MaxPool', ['r1'], 'm1', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
      n('Conv', ['m1', 'w2', 'v2'], 'c2', square(3)),
      b2!,
      n('Add', ['b2', 'm1'], 'a2'),
      n('Relu', ['a2'], 'r2'),
      n('Conv', ['r2', 'w3'], 'c3', square(1)),
      b3!,
      n('Clip', ['b3', 'low', 'high'], 'r3'),
      n('Conv', ['r3', 'w4'], 'c4', square(3, 2, 24)),
      b4!,
      n('GlobalAveragePool', ['b4'], 'g4'),
      n('Conv', ['g4', 's4'], 'q4', square(1)),
      n('Sigmoid', ['q4'], 't4'),
      n('Mul', ['b4', 't4'], 'r4'),
      n('Conv', ['r4', 'w5'], 'c5', square(1)),
      b5!,
      n('Conv', ['r2', 'w6'], 'c6', square(1, 2)),
      b6!,
      n('Add', ['b5', 'b6'], 'a6'),
      n('Conv', ['a6', 'w7', 'v7'], 'c7', square(3, 2, 2)),
      n('InstanceNormalization', ['c7', 'i7', 'j7'], 'n7'),
      n('Sigmoid', ['n7'], 'u7'),
      n('Mul', ['n7', 'u7'], 'r7'),
      n('AveragePool', ['r7'], 'p7', { kernel_shape: [2, 2], strides: [1, 1] }),
      n('Conv', ['p7', 'w8'], 'c8', { ...square(3), dilations: [2, 2], pads: [2, 2, 2, 2] }),
      n('GlobalAveragePool', ['c8'], 'g8'),
      n('Flatten', ['g8'], 'f8'),
      n('Gemm', ['f8', 'w9', 'v9'], 'y', { transB: 1 }),
    ],
    inputs: { x: ['N', 3, 17, 13] },
    outputs: ['y'],
    weights: {
      ...Object.assign({}, ...norms.map(([, weights]) => weights)),
      w1: weight([32, 3, 3, 3], 1),
      w2: weight([32, 32, 3, 3], 2, 0.1),
      v2: weight([32], 3),
      w3: weight([24, 32, 1, 1], 4),
      low: { dims: [], values: [0] },
      high: { dims: [], values: [1.5] },
      w4: weight([24, 1, 3, 3], 5),
      s4: weight([24, 24, 1, 1], 6),
      w5: weight([32, 24, 1, 1], 7),
      w6: weight([32, 32, 1, 1], 8),
      w7: weight([64, 16, 3, 3], 9, 0.1),
      v7: weight([64], 10),
      i7: vector(64, 1),
      j7: vector(64, -0.2),
      w8: weight([40, 64, 3, 3], 11, 0.1),
      w9: weight([5, 40], 12),
      v9: weight([5], 13),
    },
  }
}

/** One step on `count` pictures, without what it carries on. */
function picturesOf(model: TrainingModel, count: number) {
  const dims = [count, ...(model.dims.slice(1) as number[])]
  const targets = Array.from({ length: 5 * count }, (_, i) => Number(i % 5 === ((i / 5) % 5) >> 0))
  return {
    [model.input]: float32(dims, noise(volume(dims), 99)),
    target: float32([count, 5], targets),
    rate: float32([], [0.1]),
  }
}

/** The same for `steps` of them in one run. */
const inSteps = (model: TrainingModel, count: number, steps = 1) => {
  const repeated = ({ dims, data }: { dims: readonly number[]; data: unknown }) =>
    float32([steps, ...dims], Array.from({ length: steps }, () => [...(data as Float32Array)]).flat())
  const each = Object.entries(picturesOf(model, count)).map(([name, tensor]) => [name, repeated(tensor)] as const)
  return Object.fromEntries(each)
}

type Order = (input: string, values: Float32Array) => Float32Array

/** What the first step carries on, filters as `pack` has them. */
const carriedOf = (model: TrainingModel, pack: Order = (_, values) => values) =>
  Object.fromEntries(model.carried.map((c) => [c.input, float32(c.dims, pack(c.input, c.initial))]))

/**
 * One convolution of `channels` behind one of a picture (of the picture itself for 3), with a value of its own everywhere, and
 * every second of its rows.
 */
function single(channels: number, outs: number, attributes: Attributes, [height, width] = [17, 13]): GraphSpec {
  const kernel = attributes.kernel_shape as number[]
  const whole = (value: number): Weight => ({ dims: [1], values: [value], dtype: DataType.INT64 })
  return {
    nodes: [
      ...(channels === 3 ? [] : [n('Conv', ['x', 'w0'], 'c0', square(1))]),
      n('Conv', [channels === 3 ? 'x' : 'c0', 'w1'], 'c1', attributes),
      n('Slice', ['c1', 'from', 'to', 'along', 'by'], 'e1'),
      n('Sigmoid', ['e1'], 's1'),
      n('GlobalAveragePool', ['s1'], 'g1'),
      n('Flatten', ['g1'], 'f1'),
      n('Gemm', ['f1', 'w2'], 'y', { transB: 1 }),
    ],
    inputs: { x: ['N', 3, height!, width!] },
    outputs: ['y'],
    weights: {
      ...(channels === 3 ? {} : { w0: weight([channels, 3, 1, 1], 1) }),
      w1: weight([outs, channels, ...kernel], 2),
      w2: weight([5, outs], 3),
      from: whole(0),
      to: whole(0),
      along: whole(2),
      by: whole(2),
    },
  }
}

/** The network of `single`, whose rows end as PyTorch writes an end that is not given. */
async function singleModel(...parts: Parameters<typeof single>): Promise<TrainingModel> {
  const model = modelOf(single(...parts))
  const to = rawTensor('to', DataType.INT64, [1], BigInt64Array.of(2n ** 63n - 1n))
  const graph = { ...model.graph, initializers: new Map([...model.graph.initializers, ['to', to]]) }
  return trainingModel(writeModel({ ...model, graph }), 'one.onnx')
}

/** That the step in blocks changes everything as the standard one does. */
async function compare(made: TrainingModel, count: number): Promise<void> {
  const { bytes, pack, unpack } = made.sequence({ batch: count, block: block! })!
  const standard = await runModel(made.bytes, { ...picturesOf(made, count), ...carriedOf(made) })
  const blocked = await runModel(bytes, { ...inSteps(made, count), ...carriedOf(made, pack) })
  expect((blocked.loss!.data as Float32Array)[0]).toBeCloseTo((standard.loss!.data as Float32Array)[0]!, 5)
  for (const { input, output, initial } of made.carried) {
    const a = standard[output]!.data as Float32Array
    const b = unpack(input, blocked[output]!.data as Float32Array)
    const change = Math.hypot(...a.map((value, i) => value - initial[i]!))
    const error = Math.hypot(...a.map((value, i) => value - b[i]!))
    expect(error, output).toBeLessThan(1e-3 * change + 1e-5)
  }
}

const { block } = await findBlocks()
const model = trainingModel(writeModel(modelOf(network())), 'test.onnx')

test.skipIf(process.arch !== 'x64')('onnxruntime has blocks on this machine', () => {
  expect([8, 16]).toContain(block)
})

test.skipIf(block === null).each([3, 16, 21])(
  'a step in blocks on %i pictures changes every weight as the standard one does',
  async (count) => compare(await model, count),
)

test.skipIf(block === null).each<[string, number, number, Attributes]>([
  ['a picture, 7 x 7 with strides', 3, 32, square(7, 2)],
  ['strides', 64, 40, square(3, 2)],
  ['strides, uneven borders', 64, 32, { ...square(3, 2), pads: [0, 1, 2, 0] }],
  ['5 x 3', 40, 24, { kernel_shape: [5, 3], pads: [2, 1, 2, 1] }],
  ['1 x 1 with strides', 32, 48, square(1, 2)],
  ['1 x 1 with strides and borders', 16, 48, { ...square(1, 2), pads: [1, 1, 1, 1] }],
  ['dilations', 32, 16, { ...square(3), dilations: [2, 2], pads: [2, 2, 2, 2] }],
  ['wide dilations', 32, 16, { ...square(3), dilations: [1, 3], pads: [1, 3, 1, 3] }],
  ['dilated rows', 32, 16, { kernel_shape: [3, 1], dilations: [4, 1], pads: [4, 0, 4, 0] }],
])('a convolution in blocks: %s', async (_, channels, outs, attributes) => {
  const one = await singleModel(channels, outs, attributes)
  for (const count of [3, 16]) await compare(one, count)
})

test.skipIf(block === null).each<[string, number, [number, number], Attributes]>([
  ['a picture', 3, [140, 134], square(7, 2)],
  ['a picture, 7 pieces of 3 of which fill no block', 3, [140, 700], square(7, 2)],
  ['values', 32, [140, 134], square(3, 2)],
  ['values, 71 rows of results, which have no pieces', 32, [142, 134], square(3, 2)],
])('filters of many positions, in pieces of their rows: %s', async (_, channels, sizes, attributes) => {
  await compare(await singleModel(channels, 64, attributes, sizes), 3)
})

test.skipIf(block === null).each([9, 30, 300])(
  'a batch some %d deviations from the running mean is normalised as by the standard step',
  async (distance) => {
    const [b1, statistics] = norm('b1', 'c1', 16)
    const far: GraphSpec = {
      nodes: [
        n('Conv', ['x', 'w1', 'v1'], 'c1', square(3)),
        b1,
        n('Sigmoid', ['b1'], 's1'),
        n('GlobalAveragePool', ['s1'], 'g1'),
        n('Flatten', ['g1'], 'f1'),
        n('Gemm', ['f1', 'w2'], 'y', { transB: 1 }),
      ],
      inputs: { x: ['N', 3, 17, 13] },
      outputs: ['y'],
      weights: { ...statistics, w1: weight([16, 3, 3, 3], 1), v1: vector(16, distance), w2: weight([5, 16], 3) },
    }
    await compare(await trainingModel(writeModel(modelOf(far)), 'far.onnx'), 4)
  },
)

test.skipIf(block === null).each([6, 1, 20, 0.1])('a mask between 0 and %d is exact', async (given) => {
  const limit = Math.fround(given)
  const bits = new Uint32Array(1)
  const beside = (value: number, ulps: number) => {
    new Float32Array(bits.buffer)[0] = value
    bits[0]! += ulps
    return new Float32Array(bits.buffer)[0]!
  }
  const values = [0, 1e-30, limit / 2, beside(limit, -2), beside(limit, -1), limit]
  // Sixteen channels that a convolution brings into blocks as they are.
  const eye = Array.from({ length: 256 }, (_, i) => Number(i % 17 === 0))
  const inside = n('Inside', ['y'], 'm', { limit: { float: limit } })
  inside.domain = COMPOSITE
  const { graph } = modelOf({
    nodes: [n('Conv', ['x', 'w'], 'y'), inside],
    inputs: { x: [1, 16, 2, 3] },
    outputs: ['m'],
    weights: { w: { dims: [16, 16, 1, 1], values: eye } },
  })
  const dims = new Map(['x', 'y'].map((name) => [name, [1, 16, 2, 3]]))
  const types = new Map([...dims].map(([name, own]) => [name, { dtype: DataType.FLOAT, dims: own }]))
  const bytes = lowered(graph, 17, { types, dims }, { batch: 1, block: block! }).graph
  const x = float32([1, 16, 2, 3], Array.from({ length: 16 }, () => values).flat())
  const { m } = await runModel(withDomain(makeModel('mask', bytes, 17), BLOCKED), { x })
  expect([...(m!.data as Float32Array)]).toEqual(Array.from({ length: 16 }, () => [0, 1, 1, 1, 1, 0]).flat())
})

test.skipIf(block === null).each<[string, string, number[][]]>([
  ['zeros above and to the right', 'Pad', [[0, 0, 2, 0, 0, 0, 0, 1]]],
  ['zeros above and to the left, the rest cut off', 'Pad', [[0, 0, 1, 2, 0, 0, -2, -1]]],
  ['the first rows cut off, zeros below', 'Pad', [[0, 0, -1, 0, 0, 0, 3, 0]]],
  ['more cut off than a kernel is long', 'Pad', [[0, 0, -6, 0, 0, 0, 0, 0]]],
  ['every second row from the second one', 'Slice', [[1], [8], [2], [2]]],
  [
    'every third column and second row',
    'Slice',
    [
      [0, 1],
      [8, 7],
      [3, 2],
      [3, 2],
    ],
  ],
  ['the first of every second row', 'Slice', [[0], [3], [2], [2]]],
])('positions of a blocked value: %s', async (_, op, lists) => {
  const size = [2, 16, 8, 7]
  const names = lists.map((_, i) => `i${i}`)
  const integers = (values: number[]): Weight => ({ dims: [values.length], values, dtype: DataType.INT64 })
  const spec: GraphSpec = {
    nodes: [n('Conv', ['x', 'w'], 'y'), n(op, ['y', ...names], 'z')],
    inputs: { x: size },
    outputs: ['z'],
    weights: {
      w: { dims: [16, 16, 1, 1], values: Array.from({ length: 256 }, (_, i) => Number(i % 17 === 0)) },
      ...Object.fromEntries(lists.map((values, i) => [names[i], integers(values)])),
    },
  }
  const { graph } = modelOf(spec)
  const dims = new Map(['x', 'y'].map((name) => [name, size]))
  const types = new Map([...dims].map(([name, own]) => [name, { dtype: DataType.FLOAT, dims: own }]))
  const inBlocks = lowered(graph, 17, { types, dims }, { batch: 2, block: block! }).graph
  const x = float32(size, noise(volume(size), 7))
  const [plain, blocked] = [
    await runModel(makeModel('plain', graph, 17), { x }),
    await runModel(withDomain(makeModel('blocks', inBlocks, 17), BLOCKED), { x }),
  ]
  expect(blocked.z!.dims).toEqual(plain.z!.dims)
  expect(blocked.z!.data).toEqual(plain.z!.data)
})

test.skipIf(block === null).each<[string, ReturnType<typeof n>[], Record<string, Weight>]>([
  [
    'infinities, cut with strides',
    [
      n('Greater', ['y', 'zero'], 'm'),
      n('Where', ['m', 'y', 'low'], 'v'),
      n('Slice', ['v', 'from', 'to', 'along', 'by'], 'z'),
    ],
    { low: { dims: [], values: [Number.NEGATIVE_INFINITY] } },
  ],
  [
    'truth values, cut with strides',
    [
      n('Greater', ['y', 'zero'], 'm'),
      n('Slice', ['m', 'from', 'to', 'along', 'by'], 'v'),
      n('Cast', ['v'], 'z', { to: DataType.FLOAT }),
    ],
    {},
  ],
  [
    'means of windows beyond the end',
    [
      n('AveragePool', ['y'], 'z', {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        ceil_mode: 1,
        count_include_pad: 1,
      }),
    ],
    {},
  ],
])('a blocked value: %s', async (_, nodes, weights) => {
  const size = [2, 16, 8, 7]
  const integer = (value: number): Weight => ({ dims: [1], values: [value], dtype: DataType.INT64 })
  const { graph } = modelOf({
    nodes: [n('Conv', ['x', 'w'], 'y'), ...nodes],
    inputs: { x: size },
    outputs: ['z'],
    weights: {
      w: { dims: [16, 16, 1, 1], values: Array.from({ length: 256 }, (_, i) => Number(i % 17 === 0)) },
      zero: { dims: [], values: [0] },
      ...{ from: integer(1), to: integer(8), along: integer(2), by: integer(2) },
      ...weights,
    },
  })
  const dims = new Map<string, number[]>(['x', 'y', 'm'].map((name) => [name, size]))
  if (nodes[1]?.opType === 'Where') dims.set('v', size)
  if (nodes[0]!.opType === 'AveragePool') dims.set('z', [2, 16, 5, 4])
  const types = new Map(
    [...dims].map(([name, own]) => [name, { dtype: name === 'm' ? DataType.BOOL : DataType.FLOAT, dims: own }]),
  )
  const inBlocks = lowered(graph, 17, { types, dims }, { batch: 2, block: block! }).graph
  const x = float32(size, noise(volume(size), 7))
  const plain = await runModel(makeModel('plain', graph, 17), { x })
  const blocked = await runModel(withDomain(makeModel('blocks', inBlocks, 17), BLOCKED), { x })
  const [a, b] = [plain, blocked].map(({ z }) => [...(z!.data as Float32Array)]) as [number[], number[]]
  expect(b.map((value) => value.toFixed(5))).toEqual(a.map((value) => value.toFixed(5)))
})

test.skipIf(block === null)('every convolution and normalisation of a step is one in blocks', async () => {
  const { graph } = fromBinary(ModelProtoSchema, (await model).sequence({ batch: 16, block: block! })!.bytes)
  const step = graph!.node[0]!.attribute.find(({ name }) => name === 'body')!.g!
  const standard = new Set(step.node.filter(isStandard).map((node) => node.opType))
  for (const operator of ['Conv', 'BatchNormalization', 'InstanceNormalization', 'GlobalAveragePool'])
    expect(standard).not.toContain(operator)
  const domains = (bytes: Uint8Array) => new Set(readModel(bytes, 'test.onnx').graph.nodes.map((node) => node.domain))
  expect([...domains((await model).bytes)]).toEqual([''])
})

/** In which form a step of `model` runs, and its loss. */
async function formOf(model: TrainingModel) {
  const runner = stepRunner(model, 1)
  const { losses } = await runner.run(4, inSteps(model, 4))
  await runner.release()
  return { ...runner.form, loss: losses[0]! }
}

test.skipIf(block === null)('a step says in which form it runs, and why not in blocks', async () => {
  const made = await model
  const blocked = await formOf(made)
  expect(blocked).toMatchObject({ block, reason: null })
  // Blocks of a size that this machine's onnxruntime has not.
  const other = await formOf({
    ...made,
    sequence: (blocks) => made.sequence(blocks && { batch: 4, block: 24 - block! }),
  })
  expect(other).toMatchObject({ block: null, reason: expect.stringMatching(/^onnxruntime does not take it .*\(.+\)$/) })
  expect(other.loss).toBeCloseTo(blocked.loss, 5)
  const unwritten = await formOf({
    ...made,
    sequence(blocks) {
      if (blocks) throw new Error('no rule\nat a place')
      return made.sequence(null)
    },
  })
  expect(unwritten).toMatchObject({
    block: null,
    reason: 'it cannot be written in blocks of channels (no rule)',
    loss: other.loss,
  })
  const dense: GraphSpec = {
    nodes: [n('Flatten', ['x'], 'f'), n('Gemm', ['f', 'w'], 'y', { transB: 1 })],
    inputs: { x: ['N', 3, 17, 13] },
    outputs: ['y'],
    weights: { w: weight([5, 3 * 17 * 13], 1) },
  }
  const flat = await formOf(await trainingModel(writeModel(modelOf(dense)), 'dense.onnx'))
  expect(flat).toMatchObject({ block: null, reason: 'nothing of it gains from blocks of channels' })
})

test.skipIf(block === null)(
  'filters stay in the order of the kernels from step to step, whatever the batch',
  async () => {
    const made = await model
    const after = async (own: TrainingModel) => {
      const runner = stepRunner(own, 1)
      for (const [count, steps] of [
        [4, 2],
        [3, 1],
        [4, 3],
      ] as const)
        (await runner.run(count, inSteps(made, count, steps))).keep()
      const values = runner.values()
      runner.restore(values)
      expect(runner.values()).toEqual(values)
      await runner.release()
      return values
    }
    const [blocked, standard] = [await after(made), await after({ ...made, sequence: () => made.sequence(null) })]
    for (const { input, initial } of made.carried) {
      const change = Math.hypot(...initial.map((value, i) => standard.get(input)![i]! - value))
      const error = Math.hypot(...initial.map((_, i) => standard.get(input)![i]! - blocked.get(input)![i]!))
      expect(error, input).toBeLessThan(1e-3 * change + 1e-5)
    }
    const { pack } = made.sequence({ batch: 4, block: block! })!
    const moved = made.carried.filter(({ input, initial }) => pack(input, initial) !== initial)
    // w2 and w6 are 32 x 32; w5 takes 24 channels, and w7 and s4 are of groups or of too few.
    const expected = ['w2', 'w6'].flatMap((name) => [name, `state/momentum/${name}`])
    expect(moved.map(({ input }) => input)).toEqual(expect.arrayContaining(expected))
    const [m, c] = [17, 21]
    const at =
      ((Math.floor(m / block!) * (32 / block!) + Math.floor(c / block!)) * 9 + 5) * block! ** 2 +
      (c % block!) * block! +
      (m % block!)
    const w2 = made.carried.find(({ input }) => input === 'w2')!.initial
    expect(pack('w2', w2)[at]).toBe(w2[(m * 32 + c) * 9 + 5])
  },
)

test.skipIf(block === null)('threads change no bit of a step, nor do repetitions', async () => {
  const made = await model
  const { bytes, pack } = made.sequence({ batch: 16, block: block! })!
  const outcomes = new Set<string>()
  for (const threads of [1, 2, 4, 4]) {
    const session = await createSession(bytes, { device: 'cpu', threads })
    const found = await session.run({ ...inSteps(made, 16), ...carriedOf(made, pack) })
    await session.release()
    const hash = createHash('sha256')
    for (const { output } of made.carried) hash.update(found[output]!.data as Float32Array)
    outcomes.add(hash.digest('hex'))
  }
  expect(outcomes.size).toBe(1)
})
