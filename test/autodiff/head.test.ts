/** Logits behind outputs of probabilities: the gradient is that of the logits, however confident the classifier is. */
import { expect, test } from 'vitest'
import { ensembleLogits } from '../../src/autodiff/ensemble.js'
import { writeModel } from '../../src/onnx/model.js'
import { type Attributes, makeNode, type NodeProto } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { gradientModel } from '../../src/saliency/gradientModel.js'
import { float32, modelOf, runModel, type Weight } from '../helpers/onnx.js'

const n = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  makeNode(op, inputs, [output], attributes)
const scalar = (value: number): Weight => ({ dims: [], values: [value] })
const list = (...values: number[]): Weight => ({ dims: [values.length], values, dtype: DataType.INT64 })
const soft = (from: string, to: string) => n('Softmax', [from], to, { axis: 1 })

/** A linear classifier of two heads z and u, and what makes y of them. */
function classifier(nodes: readonly NodeProto[], steep: number, opset = 17) {
  const wave = (count: number, step: number) => Array.from({ length: count }, (_, i) => steep * Math.sin(step * i))
  const weights = {
    w: { dims: [6, 4], values: wave(24, 1.7) },
    v: { dims: [6, 4], values: wave(24, 2.3) },
    ...{ half: scalar(0.5), two: scalar(2), third: scalar(0.3), rest: scalar(0.7), tiny: scalar(1e-7) },
    ...{ high: scalar(1 - 1e-7), one: list(1), zero: list(0), last: list(-1) },
  }
  const heads = [n('MatMul', ['x', 'w'], 'z'), n('MatMul', ['x', 'v'], 'u')]
  return writeModel(modelOf({ nodes: [...heads, ...nodes], inputs: { x: ['N', 6] }, outputs: ['y'], weights, opset }))
}

const X = Array.from({ length: 12 }, (_, i) => Math.cos(1.1 * i))

async function gradientOf(model: Uint8Array, loss: 'ce' | 'logit' = 'ce'): Promise<number[]> {
  const target = float32([2, 4], [0, 1, 0, 0, 0, 0, 1, 0])
  const { gradient } = await runModel(await gradientModel(model, 'm.onnx', { loss }), { x: float32([2, 6], X), target })
  return Array.from(gradient!.data as Float32Array)
}

const SINGLE: Record<string, NodeProto[]> = {
  Softmax: [soft('z', 'y')],
  LogSoftmax: [n('LogSoftmax', ['z'], 'y', { axis: 1 })],
  Sigmoid: [n('Sigmoid', ['z'], 'y')],
  'Sigmoid, clipped and reshaped': [
    n('Sigmoid', ['z'], 'p'),
    n('Clip', ['p', 'tiny', 'high'], 'c'),
    n('Flatten', ['c'], 'y'),
  ],
  'Softmax, then Clip, then Log': [soft('z', 'p'), n('Clip', ['p', 'tiny', 'high'], 'c'), n('Log', ['c'], 'y')],
  'Softmax, moved and scaled': [soft('z', 'p'), n('Add', ['tiny', 'p'], 'a'), n('Mul', ['a', 'two'], 'y')],
  'Softmax, kept above a number and made to sum to 1': [
    soft('z', 'p'),
    n('Max', ['p', 'tiny'], 'm'),
    n('ReduceSum', ['m', 'one'], 's'),
    n('Div', ['m', 's'], 'y'),
  ],
  'Exp / sum': [n('Exp', ['z'], 'e'), n('ReduceSum', ['e', 'last'], 's'), n('Div', ['e', 's'], 'y')],
  'Exp / sum, the largest taken away': [
    n('ReduceMax', ['z'], 'm', { axes: [1] }),
    n('Sub', ['z', 'm'], 'd'),
    n('Exp', ['d'], 'e'),
    n('ReduceSum', ['e', 'one'], 's'),
    n('Div', ['e', 's'], 'y'),
  ],
  'Exp of LogSoftmax': [n('LogSoftmax', ['z'], 'l', { axis: 1 }), n('Exp', ['l'], 'y')],
  'a Softmax of a Softmax': [soft('z', 'p'), soft('p', 'y')],
}

test.each(Object.keys(SINGLE))('%s: the gradient of the logits', async (name) => {
  for (const steep of [1, 3000]) {
    const [found, expected] = [classifier(SINGLE[name]!, steep), classifier([n('Identity', ['z'], 'y')], steep)]
    const [gradient, plain] = [await gradientOf(found), await gradientOf(expected)]
    const scale = Math.max(...plain.map(Math.abs))
    gradient.forEach((value, i) => {
      expect(Math.abs(value - plain[i]!)).toBeLessThan(1e-5 * scale)
    })
  }
})

const AVERAGES: Record<string, NodeProto[]> = {
  'half the sum': [soft('z', 'p'), soft('u', 'q'), n('Add', ['p', 'q'], 's'), n('Mul', ['s', 'half'], 'y')],
  'a weighted sum': [
    ...[soft('z', 'p'), soft('u', 'q'), n('Mul', ['p', 'third'], 'a'), n('Mul', ['rest', 'q'], 'b')],
    n('Add', ['a', 'b'], 'y'),
  ],
  'Mean, clipped': [soft('z', 'p'), soft('u', 'q'), n('Mean', ['p', 'q'], 'm'), n('Clip', ['m', 'tiny', 'high'], 'y')],
  'the mean of a stack': [
    ...[soft('z', 'p'), soft('u', 'q'), n('Unsqueeze', ['p', 'zero'], 'a'), n('Unsqueeze', ['q', 'zero'], 'b')],
    ...[n('Concat', ['a', 'b'], 'c', { axis: 0 }), n('ReduceMean', ['c'], 'y', { axes: [0], keepdims: 0 })],
  ],
}

test.each(Object.keys(AVERAGES))('%s of two heads: the gradient of its logarithm', async (name) => {
  const nodes = AVERAGES[name]!
  const model = classifier(nodes, 1)
  const gradient = await gradientOf(model, 'logit')
  const logOf = async (x: number[]) => {
    const { y } = await runModel(model, { x: float32([2, 6], x) })
    const p = y!.data as Float32Array
    return Math.log(p[1]!) + Math.log(p[6]!)
  }
  for (const [i, value] of X.entries()) {
    const at = (x: number) => X.map((old, j) => (j === i ? x : old))
    const difference = ((await logOf(at(value + 0.01))) - (await logOf(at(value - 0.01)))) / 0.02
    expect(Math.abs(gradient[i]! - difference)).toBeLessThan(1e-3)
  }
  // Of the second picture the heads are sure of two classes, one of them the target: there the average is flat.
  const steep = await gradientOf(classifier(nodes, 3000))
  expect(steep.slice(0, 6).every((value) => value !== 0)).toBe(true)
  expect(steep.every((value) => Number.isFinite(value))).toBe(true)
})

test('an average in a newer opset, with axes as an input', async () => {
  const [first, ...rest] = AVERAGES['the mean of a stack']!.toReversed()
  const nodes = [...rest.reverse(), n('ReduceMean', ['c', 'zero'], first!.output[0]!, { keepdims: 0 })]
  const older = classifier(AVERAGES['the mean of a stack']!, 1)
  expect(await gradientOf(classifier(nodes, 1, 18), 'logit')).toEqual(await gradientOf(older, 'logit'))
})

test.each([
  ['ten thousand sums of sums', 10_000, 'z'],
  ['sums that double fifty times', 50, null],
])('no average is looked for without end in %s', (_, count, other) => {
  const sums = Array.from({ length: count }, (_, i) => n('Add', [`s${i}`, other ?? `s${i}`], `s${i + 1}`))
  const nodes = [n('Identity', ['x'], 'z'), soft('z', 's0'), ...sums]
  const model = modelOf({ nodes, inputs: { x: ['N', 6] }, outputs: [`s${count}`] })
  expect(ensembleLogits(model, `s${count}`)).toBe(model)
})

test('what is no probability is taken as it is', async () => {
  const plain = [n('Mul', ['z', 'u'], 'y')]
  const gate = [n('Sigmoid', ['u'], 's'), n('Mul', ['z', 's'], 'y')]
  const target = float32([2, 4], [0, 1, 0, 0, 0, 0, 1, 0])
  for (const nodes of [plain, gate]) {
    const model = classifier(nodes, 1)
    const outputs = await runModel(await gradientModel(model, 'm.onnx'), { x: float32([2, 6], X), target })
    const { y } = await runModel(model, { x: float32([2, 6], X) })
    expect(outputs.logits!.data).toEqual(y!.data)
  }
})

test('one class, or a map of each class, is no head', async () => {
  const one = modelOf({ nodes: [n('Sigmoid', ['x'], 'y')], inputs: { x: ['N', 1] }, outputs: ['y'] })
  await expect(gradientModel(writeModel(one), 'm.onnx')).rejects.toThrow(
    'm.onnx: output "y" is [N, 1], expected one logit per class, [N, K]',
  )
  const maps = modelOf({ nodes: [n('Relu', ['x'], 'y')], inputs: { x: ['N', 3, 4, 5] }, outputs: ['y'] })
  await expect(gradientModel(writeModel(maps), 'm.onnx')).rejects.toThrow('output "y" is [N, 3, 4, 5], expected one')
})
