import { expect, test } from 'vitest'
import { type AppendOptions, appendGradient } from '../../src/autodiff/appendGradient.js'
import { AugmentError } from '../../src/core/errors.js'
import type { Model } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { probe } from '../../src/saliency/probe.js'
import { float32, type GraphSpec, modelOf, runModel } from '../helpers/onnx.js'

async function gradientOf(spec: GraphSpec, options: Partial<AppendOptions> = {}): Promise<Model> {
  const model = modelOf(spec)
  return appendGradient(model, { types: (await probe(model)).types, loss: 'logit', ...options })
}

/** The gradient of the first logit for a picture `x`. */
async function firstLogit(spec: GraphSpec, x: number[], dims: number[], classes: number): Promise<number[]> {
  const target = float32(
    [1, classes],
    Array.from({ length: classes }, (_, k) => (k === 0 ? 1 : 0)),
  )
  const { gradient } = await runModel(await gradientOf(spec), { x: float32(dims, x), target })
  return Array.from(gradient!.data as Float32Array)
}

async function complaint(spec: GraphSpec, options: Partial<AppendOptions> = {}): Promise<AugmentError> {
  const error = await gradientOf(spec, options).catch((e) => e)
  expect(error).toBeInstanceOf(AugmentError)
  return error
}

test.each([
  ['2 x 2, stride 2', { kernel_shape: [2, 2], strides: [2, 2] }, 1],
  ['3 x 3, stride 1', { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, 4],
])('tied maxima: the first one gets the cotangent (%s)', async (_, attributes, windows) => {
  const nodes = [
    makeNode('MaxPool', ['x'], ['p'], attributes),
    makeNode('Flatten', ['p'], ['f']),
    makeNode('MatMul', ['f', 'w'], ['y']),
  ]
  const w = { dims: [windows, 2], values: Array(windows).fill([1, 0]).flat() }
  const spec = { nodes, inputs: { x: ['N', 1, 2, 2] }, outputs: ['y'], weights: { w } }
  expect(await firstLogit(spec, [5, 5, 5, 5], [1, 1, 2, 2], 2)).toEqual([windows, 0, 0, 0])
})

test('tied maxima of a whole channel: the first one gets the cotangent', async () => {
  const nodes = [makeNode('GlobalMaxPool', ['x'], ['p']), makeNode('Flatten', ['p'], ['y'])]
  const spec = { nodes, inputs: { x: ['N', 2, 1, 3] }, outputs: ['y'] }
  expect(await firstLogit(spec, [1, 7, 7, 3, 3, 3], [1, 2, 1, 3], 2)).toEqual([0, 1, 0, 0, 0, 0])
})

test('a Relu at exactly zero passes nothing', async () => {
  const spec = { nodes: [makeNode('Relu', ['x'], ['y'])], inputs: { x: ['N', 3] }, outputs: ['y'] }
  expect(await firstLogit(spec, [0, 1, 1], [1, 3], 3)).toEqual([0, 0, 0])
  expect(await firstLogit(spec, [2, 1, 1], [1, 3], 3)).toEqual([1, 0, 0])
})

test.each([
  ['Abs', {}, [0, -2, 3], [0, -1, 1]],
  ['ReduceL1', { axes: [2] }, [0, -2, 3], [0, -1, 1]],
  ['ReduceL2', { axes: [2] }, [0, 0, 0], [0, 0, 0]],
  ['ReduceMax', { axes: [2] }, [5, 1, 5], [0.5, 0, 0.5]],
  ['ReduceMin', { axes: [2] }, [5, 1, 1], [0, 0.5, 0.5]],
  ['LpPool', { kernel_shape: [3] }, [0, 0, 0], [0, 0, 0]],
  ['LpPool', { kernel_shape: [3], p: 1 }, [0, -2, 3], [0, -1, 1]],
  ['GlobalLpPool', {}, [0, 0, 0], [0, 0, 0]],
  ['ReduceProd', { axes: [2] }, [2, 0, 5], [0, 10, 0]],
  ['ReduceProd', { axes: [2] }, [0, 0, 5], [0, 0, 0]],
] as const)('%s %j at %j, where it has a kink or a zero', async (op, attributes, x, expected) => {
  const nodes = [makeNode(op, ['x'], ['r'], attributes), makeNode('ReduceSum', ['r', 'last'], ['y'], { keepdims: 0 })]
  const last = { dims: [1], values: [2], dtype: DataType.INT64 }
  const spec = { nodes, inputs: { x: ['N', 2, 3] }, outputs: ['y'], weights: { last } }
  expect(await firstLogit(spec, [...x, 1, 2, 3], [1, 2, 3], 2)).toEqual([...expected, 0, 0, 0])
})

test('a power of a negative number has no gradient by its exponent', async () => {
  const k = { dims: [3], values: [-2, 2, 3] }
  const spec = { nodes: [makeNode('Pow', ['k', 'x'], ['y'])], inputs: { x: ['N', 3] }, outputs: ['y'], weights: { k } }
  expect(await firstLogit(spec, [2, 2, 2], [1, 3], 3)).toEqual([0, 0, 0])
})

/** y = Gelu(x), and the same written out, whose rules agree with differences in float64. */
const GELU: Record<string, GraphSpec['nodes']> = {
  none: [
    makeNode('Mul', ['x', 'r'], ['u']),
    makeNode('Erf', ['u'], ['e']),
    makeNode('Add', ['e', 'one'], ['f']),
    makeNode('Mul', ['f', 'half'], ['g']),
    makeNode('Mul', ['x', 'g'], ['y']),
  ],
  tanh: [
    makeNode('Mul', ['x', 'x'], ['x2']),
    makeNode('Mul', ['x2', 'cubic'], ['q']),
    makeNode('Add', ['q', 'one'], ['p']),
    makeNode('Mul', ['x', 'k'], ['s']),
    makeNode('Mul', ['s', 'p'], ['u']),
    makeNode('Tanh', ['u'], ['e']),
    makeNode('Add', ['e', 'one'], ['f']),
    makeNode('Mul', ['f', 'half'], ['g']),
    makeNode('Mul', ['x', 'g'], ['y']),
  ],
}

test.each(['none', 'tanh'])('Gelu with approximate: %s has the gradient of its formula', async (approximate) => {
  const scalar = (value: number) => ({ dims: [], values: [value] })
  const constants = { r: Math.SQRT1_2, one: 1, half: 0.5, cubic: 0.044715, k: Math.sqrt(2 / Math.PI) }
  const weights = Object.fromEntries(Object.entries(constants).map(([name, value]) => [name, scalar(value)]))
  const shared = { inputs: { x: ['N', 2] }, outputs: ['y'], opset: 20 }
  const [one, two] = [[makeNode('Gelu', ['x'], ['y'], { approximate })], GELU[approximate]!]
  for (const x of [-2.3, -0.6, 0, 0.9, 2.1]) {
    const [found] = await firstLogit({ ...shared, nodes: one }, [x, 0], [1, 2], 2)
    const [expected] = await firstLogit({ ...shared, nodes: two, weights }, [x, 0], [1, 2], 2)
    expect(found).toBeCloseTo(expected!, 5)
  }
})

test('where height and width are dynamic, the gradient is that of the fixed size', async () => {
  const [most, zero, two] = [2 ** 62, 0, 2].map((v) => ({ dims: [1], values: [v], dtype: DataType.INT64 }))
  const axes = { dims: [2], values: [2, 3], dtype: DataType.INT64 }
  const scale = { dims: [2], values: [0.7, -1.2] }
  const nodes = [
    makeNode('LRN', ['x'], ['l'], { size: 3 }),
    makeNode('GroupNormalization', ['l', 'scale', 'scale'], ['n'], { num_groups: 2 }),
    makeNode('Slice', ['n', 'zero', 'most', 'two'], ['s']),
    makeNode('Sigmoid', ['s'], ['a']),
    makeNode('ReduceMean', ['a', 'axes'], ['y'], { keepdims: 0 }),
  ]
  const shared = { nodes, outputs: ['y'], opset: 18, weights: { scale, axes, most: most!, zero: zero!, two: two! } }
  const x = Array.from({ length: 80 }, (_, i) => Math.sin(i * i))
  const open = await firstLogit({ ...shared, inputs: { x: ['N', 4, 'h', 'w'] } }, x, [1, 4, 4, 5], 4)
  const fixed = await firstLogit({ ...shared, inputs: { x: ['N', 4, 4, 5] } }, x, [1, 4, 4, 5], 4)
  expect(Math.max(...fixed.map(Math.abs))).toBeGreaterThan(1e-3)
  open.forEach((value, i) => {
    expect(value).toBeCloseTo(fixed[i]!, 6)
  })
})

test('a final Softmax, also behind a Reshape, is differentiated from its input', async () => {
  const nodes = [makeNode('Softmax', ['x'], ['p'], { axis: 1 }), makeNode('Reshape', ['p', 'shape'], ['y'])]
  const shape = { dims: [3], values: [-1, 1, 3], dtype: DataType.INT64 }
  const model = await gradientOf({ nodes, inputs: { x: ['N', 3] }, outputs: ['y'], weights: { shape } })
  const { logits } = await runModel(model, { x: float32([1, 3], [100, 0, -100]), target: float32([1, 3], [1, 0, 0]) })
  expect(Array.from(logits!.data as Float32Array)).toEqual([100, 0, -100])
})

test('logits with two more axes of one element are a matrix', async () => {
  const spec = { nodes: [makeNode('GlobalAveragePool', ['x'], ['y'])], inputs: { x: ['N', 3, 2, 2] }, outputs: ['y'] }
  const model = await gradientOf(spec)
  const feeds = {
    x: float32(
      [2, 3, 2, 2],
      Array.from({ length: 24 }, (_, i) => i),
    ),
    target: float32([2, 3], [1, 0, 0, 0, 1, 0]),
  }
  const { logits, gradient } = await runModel(model, feeds)
  expect(logits!.dims).toEqual([2, 3])
  expect(Array.from(gradient!.data as Float32Array)).toEqual([
    ...Array(4).fill(0.25),
    ...Array(12).fill(0),
    ...Array(4).fill(0.25),
    ...Array(4).fill(0),
  ])
})

test('an operator without a rule does no harm where no cotangent arrives', async () => {
  const nodes = [
    makeNode('Det', ['k'], ['d']),
    makeNode('Bernoulli', ['x'], ['unused']),
    makeNode('Mul', ['x', 'd'], ['y']),
  ]
  const spec = {
    nodes,
    inputs: { x: ['N', 3] },
    outputs: ['y'],
    weights: { k: { dims: [2, 2], values: [2, 0, 0, 3] } },
  }
  expect(await firstLogit(spec, [1, 1, 1], [1, 3], 3)).toEqual([6, 0, 0])
})

test('an output or input that does not exist, or one class alone, is said', async () => {
  const spec = { nodes: [makeNode('Relu', ['x'], ['y'])], inputs: { x: ['N', 3] }, outputs: ['y'] }
  expect((await complaint(spec, { output: 'q' })).message).toBe('test.onnx: no output "q", it has y')
  expect((await complaint(spec, { wrt: 'q' })).message).toBe('test.onnx: no input "q"')
  expect((await complaint({ ...spec, inputs: { x: ['N', 1] } })).message).toBe(
    'test.onnx: output "y" is [N, 1], expected one logit per class, [N, K]',
  )
})

test('values that already have our names are left alone', async () => {
  const nodes = [makeNode('Relu', ['target'], ['gradient']), makeNode('Relu', ['gradient'], ['logits'])]
  const model = await gradientOf({ nodes, inputs: { target: ['N', 3] }, outputs: ['logits'] })
  const names = model.graph.inputs.map((v) => v.name)
  expect(names).toHaveLength(2)
  expect(names[1]).toBe('target')
  expect(model.graph.outputs.map((v) => v.name)).toEqual(['logits', 'gradient'])
  const feeds = { [names[0]!]: float32([1, 3], [1, -1, 2]), target: float32([1, 3], [1, 0, 0]) }
  expect(Array.from((await runModel(model, feeds)).gradient!.data as Float32Array)).toEqual([1, 0, 0])
})

test('the gradient is the same however far onnxruntime rewrites the graph', async () => {
  const nodes = [
    makeNode('Conv', ['x', 'w'], ['c'], { strides: [2, 2] }),
    makeNode('Sigmoid', ['c'], ['s']),
    makeNode('Flatten', ['s'], ['y']),
  ]
  const w = { dims: [3, 1, 2, 2], values: Array.from({ length: 12 }, (_, i) => Math.sin(i)) }
  const model = await gradientOf({ nodes, inputs: { x: ['N', 1, 2, 2] }, outputs: ['y'], weights: { w } })
  const feeds = { x: float32([1, 1, 2, 2], [1, 2, 3, 4]), target: float32([1, 3], [0, 1, 0]) }
  const results: number[][] = []
  for (const optimize of ['disabled', 'basic', 'extended', 'all'] as const) {
    results.push(Array.from((await runModel(model, feeds, { optimize })).gradient!.data as Float32Array))
  }
  for (const result of results) {
    result.forEach((value, i) => {
      expect(value).toBeCloseTo(results[0]![i]!, 6)
    })
  }
})

test('windows side by side are put together as they are, and only the whole is padded to the size of x', async () => {
  const nodes = [
    makeNode('MaxPool', ['x'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }),
    makeNode('Flatten', ['p'], ['f']),
    makeNode('MatMul', ['f', 'w'], ['y']),
  ]
  const w = { dims: [4, 2], values: Array(8).fill(1) }
  const { graph } = await gradientOf({ nodes, inputs: { x: ['N', 1, 5, 5] }, outputs: ['y'], weights: { w } })
  // For each axis one, and one that cuts what is compared with the maxima.
  expect(graph.nodes.filter(({ opType }) => opType === 'Pad')).toHaveLength(4)
})

test('a product with a weight is differentiated without a transposed copy of it', async () => {
  const nodes = [
    makeNode('MatMul', ['x', 'w'], ['h']),
    makeNode('ReduceMean', ['h'], ['y'], { axes: [1], keepdims: 0 }),
  ]
  const w = { dims: [2, 3], values: [1, 2, 3, 4, 5, 6] }
  const spec = { nodes, inputs: { x: ['N', 2, 2] }, outputs: ['y'], weights: { w } }
  expect(await firstLogit(spec, [1, 1, 1, 1], [1, 2, 2], 3)).toEqual([0.5, 2, 0.5, 2])
  expect((await gradientOf(spec)).graph.nodes.map(({ opType }) => opType)).not.toContain('Transpose')
})
