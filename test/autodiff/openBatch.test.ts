/** Sizes that depend on the batch, as PyTorch's exporter writes them for a dynamic one. All functions here are linear. */
import { expect, test } from 'vitest'
import { appendGradient } from '../../src/autodiff/appendGradient.js'
import { type Attributes, makeNode, type NodeProto } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { probe } from '../../src/saliency/probe.js'
import { float32, modelOf, runModel, type Weight } from '../helpers/onnx.js'

const n = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  makeNode(op, inputs, [output], attributes)
const list = (...values: number[]): Weight => ({ dims: [values.length], values, dtype: DataType.INT64 })
const index = (value: number): Weight => ({ dims: [], values: [value], dtype: DataType.INT64 })

const WEIGHTS = {
  minus1: list(-1),
  axis1: list(1),
  zero: index(0),
  one: index(1),
  two: index(2),
  six: index(6),
  columns: { dims: [1, 6], values: [0, 1, 2, 3, 4, 5], dtype: DataType.INT64 },
  three: { dims: [1, 3], values: [0, 2, 4], dtype: DataType.INT64 },
  ahead: { dims: [1, 2], values: [0, 1], dtype: DataType.INT64 },
}

/** Flat places of the first elements of each picture's `stride`, as as_strided is written: Range, Mul, Add. */
const places = (stride: string, columns: string): NodeProto[] => [
  n('Shape', ['x'], 'batch', { start: 0, end: 1 }),
  n('Squeeze', ['batch'], 'count'),
  n('Range', ['zero', 'count', 'one'], 'range'),
  n('Mul', ['range', stride], 'starts'),
  n('Unsqueeze', ['starts', 'axis1'], 'column'),
  n('Add', ['column', columns], 'places'),
  n('Reshape', ['x', 'minus1'], 'flat'),
  n('Gather', ['flat', 'places'], 'view'),
]

const CASES: Record<string, NodeProto[]> = {
  'a view of everything': [...places('six', 'columns'), n('Identity', ['view'], 'y')],
  'a view of every second element': [...places('six', 'three'), n('Identity', ['view'], 'y')],
  'overlapping views of some elements': [...places('two', 'three'), n('Identity', ['view'], 'y')],
  'a count that ends before the elements do': [
    ...places('two', 'ahead'),
    n('Concat', ['view', 'view'], 'y', { axis: 1 }),
  ],
  'pictures picked along an open second axis': [
    n('Transpose', ['x'], 't', { perm: [1, 0] }),
    n('Shape', ['x'], 'batch', { start: 0, end: 1 }),
    n('Squeeze', ['batch'], 'count'),
    n('Sub', ['count', 'one'], 'last'),
    n('Range', ['zero', 'count', 'one'], 'forwards'),
    n('Sub', ['last', 'forwards'], 'backwards'),
    n('Gather', ['t', 'backwards'], 'reversed', { axis: 1 }),
    n('Transpose', ['reversed'], 'y', { perm: [1, 0] }),
  ],
}

test.each(Object.keys(CASES))('%s', async (name) => {
  const model = modelOf({ nodes: CASES[name]!, inputs: { x: ['N', 6] }, outputs: ['y'], weights: WEIGHTS })
  const gradient = appendGradient(model, { types: (await probe(model)).types, loss: 'logit' })
  for (const batch of [2, 5, 1]) {
    const wave = (size: number, speed: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(speed * i + 1))
    const x = wave(6 * batch, 1.3)
    const { y } = await runModel(model, { x: float32([batch, 6], x) })
    const c = wave(y!.data.length, 2.1)
    const found = await runModel(gradient, { x: float32([batch, 6], x), target: float32(y!.dims, c) })
    const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, v, i) => sum + v * b[i]!, 0)
    expect(dot(found.gradient!.data as Float32Array, x)).toBeCloseTo(dot(y!.data as Float32Array, c), 4)
  }
})
