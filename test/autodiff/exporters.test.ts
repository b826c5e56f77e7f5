/** Graphs in the shapes that exporters other than PyTorch's produce, against central differences. */
import { test } from 'vitest'
import { type Attributes, makeNode, type NodeProto } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { expectGradient } from '../helpers/gradientCheck.js'
import type { Weight } from '../helpers/onnx.js'
import { weight } from './ruleCases/ruleCase.js'

/** A graph from `a` to the output of its last node, which must be called y. */
function graph(
  a: readonly number[],
  nodes: NodeProto[],
  weights: Record<string, Weight>,
  range: [number, number] = [-2, 2],
) {
  return { nodes, inputs: { a }, weights, range, opset: 17 }
}

const n = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  makeNode(op, inputs, [output], attributes)
const float = (value: number) => ({ float: value })
const list = (...values: number[]): Weight => ({ dims: [values.length], values, dtype: DataType.INT64 })
const scalar = (value: number): Weight => ({ dims: [], values: [value] })

test('TensorFlow: NHWC with Transposes around Conv, SAME padding, a Squeeze at the end', async () => {
  const nodes = [
    n('Transpose', ['a'], 'nchw', { perm: [0, 3, 1, 2] }),
    n('Conv', ['nchw', 'w', 'b'], 'conv', { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
    n('Clip', ['conv', 'zero', 'six'], 'relu6'),
    n('Transpose', ['relu6'], 'nhwc', { perm: [0, 2, 3, 1] }),
    n('Mul', ['nhwc', 'scale'], 'scaled'),
    n('ReduceMean', ['scaled'], 'mean', { axes: [1, 2], keepdims: 1 }),
    n('Squeeze', ['mean', 'axes'], 'flat'),
    n('MatMul', ['flat', 'dense'], 'logits'),
    n('Softmax', ['logits'], 'y', { axis: -1 }),
  ]
  const weights = {
    // Two channels inside (0, 6), one above, one below, all far from the kinks.
    w: weight(
      [4, 3, 3, 3],
      Array.from({ length: 108 }, (_, i) => 0.05 * Math.sin(1.7 * i)),
    ),
    b: weight([4], [3, 2.5, 40, -40]),
    zero: scalar(0),
    six: scalar(6),
    scale: weight([4]),
    axes: list(1, 2),
    dense: weight([4, 5]),
  }
  await expectGradient(graph([2, 6, 7, 3], nodes, weights), 'TensorFlow')
})

test('Keras: hard-swish written out, squeeze-and-excite with hard-sigmoid', async () => {
  const nodes = [
    n('Add', ['a', 'three'], 'moved'),
    n('Clip', ['moved', 'zero', 'six'], 'clipped'),
    n('Mul', ['clipped', 'sixth'], 'gate'),
    n('Mul', ['a', 'gate'], 'swish'),
    n('GlobalAveragePool', ['swish'], 'pooled'),
    n('Conv', ['pooled', 'reduce'], 'reduced'),
    n('Relu', ['reduced'], 'hidden'),
    n('Conv', ['hidden', 'expand'], 'expanded'),
    n('HardSigmoid', ['expanded'], 'weights', { alpha: float(1 / 6) }),
    n('Mul', ['swish', 'weights'], 'y'),
  ]
  const weights = {
    three: scalar(3),
    zero: scalar(0),
    six: scalar(6),
    sixth: scalar(1 / 6),
    reduce: weight([2, 4, 1, 1]),
    expand: weight([4, 2, 1, 1]),
  }
  await expectGradient(graph([2, 4, 3, 4], nodes, weights, [-4.05, 4]), 'Keras')
})

test('EfficientNet: SiLU, strided depthwise Conv, squeeze-and-excite', async () => {
  const nodes = [
    n('Sigmoid', ['a'], 's1'),
    n('Mul', ['a', 's1'], 'wide'),
    n('Conv', ['wide', 'depthwise'], 'deep', { group: 4, strides: [2, 2], pads: [1, 1, 1, 1] }),
    n('Sigmoid', ['deep'], 's2'),
    n('Mul', ['s2', 'deep'], 'swish'),
    n('GlobalAveragePool', ['swish'], 'pooled'),
    n('Conv', ['pooled', 'reduce'], 'reduced'),
    n('Sigmoid', ['reduced'], 's3'),
    n('Mul', ['reduced', 's3'], 'hidden'),
    n('Conv', ['hidden', 'expand'], 'expanded'),
    n('Sigmoid', ['expanded'], 'weights'),
    n('Mul', ['weights', 'swish'], 'y'),
  ]
  const weights = {
    depthwise: weight([4, 1, 3, 3]),
    reduce: weight([2, 4, 1, 1]),
    expand: weight([4, 2, 1, 1]),
  }
  await expectGradient(graph([2, 4, 5, 6], nodes, weights), 'EfficientNet')
})

test('Caffe: LRN, grouped Conv, overlapping ceil-mode MaxPool, Dropout', async () => {
  const nodes = [
    n('Conv', ['a', 'w1'], 'c1', { strides: [2, 2], pads: [1, 1, 1, 1] }),
    n('Relu', ['c1'], 'r1'),
    n('LRN', ['r1'], 'l1', { size: 3, alpha: float(0.3), beta: float(0.75) }),
    n('MaxPool', ['l1'], 'p1', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
    n('Conv', ['p1', 'w2'], 'c2', { group: 2, pads: [1, 1, 1, 1] }),
    n('Dropout', ['c2'], 'd'),
    n('Flatten', ['d'], 'f'),
    n('Gemm', ['f', 'fc', 'bias'], 'y', { transB: 1 }),
  ]
  const weights = { w1: weight([4, 3, 3, 3]), w2: weight([6, 2, 3, 3]), fc: weight([5, 24]), bias: weight([5]) }
  await expectGradient(graph([2, 3, 8, 7], nodes, weights), 'Caffe')
})

test('ShuffleNet: channel split and shuffle by Reshape and Transpose', async () => {
  const nodes = [
    makeNode('Split', ['a', 'halves'], ['left', 'right'], { axis: 1 }),
    n('Conv', ['right', 'depthwise'], 'dw', { group: 2, pads: [1, 1, 1, 1] }),
    n('Concat', ['left', 'dw'], 'joined', { axis: 1 }),
    n('Reshape', ['joined', 'grouped'], 'g'),
    n('Transpose', ['g'], 't', { perm: [0, 2, 1, 3, 4] }),
    n('Reshape', ['t', 'back'], 'y'),
  ]
  const weights = {
    halves: list(2, 2),
    depthwise: weight([2, 1, 3, 3]),
    grouped: list(-1, 2, 2, 4, 3),
    back: list(-1, 4, 4, 3),
  }
  await expectGradient(graph([2, 4, 4, 3], nodes, weights), 'ShuffleNet')
})

test('timm ConvNeXt: LayerNorm over channels written out, GELU by Erf, layer scale, residual', async () => {
  const nodes = [
    n('Conv', ['a', 'dw'], 'c', { group: 4, pads: [1, 1, 1, 1] }),
    n('Transpose', ['c'], 'x', { perm: [0, 2, 3, 1] }),
    n('ReduceMean', ['x'], 'mu', { axes: [-1] }),
    n('Sub', ['x', 'mu'], 'd'),
    n('Pow', ['d', 'two'], 'sq'),
    n('ReduceMean', ['sq'], 'var', { axes: [-1] }),
    n('Add', ['var', 'eps'], 've'),
    n('Sqrt', ['ve'], 'sd'),
    n('Div', ['d', 'sd'], 'h'),
    n('MatMul', ['h', 'up'], 'u'),
    n('Div', ['u', 'root2'], 'ur'),
    n('Erf', ['ur'], 'erf'),
    n('Add', ['erf', 'one'], 'cdf2'),
    n('Mul', ['u', 'cdf2'], 'g2'),
    n('Mul', ['g2', 'half'], 'gelu'),
    n('MatMul', ['gelu', 'down'], 'o'),
    n('Mul', ['o', 'gamma'], 'ls'),
    n('Transpose', ['ls'], 'nchw', { perm: [0, 3, 1, 2] }),
    n('Add', ['a', 'nchw'], 'y'),
  ]
  const weights = {
    dw: weight([4, 1, 3, 3]),
    two: scalar(2),
    eps: scalar(0.1),
    up: weight([4, 6]),
    root2: scalar(Math.SQRT2),
    one: scalar(1),
    half: scalar(0.5),
    down: weight([6, 4]),
    gamma: weight([4]),
  }
  await expectGradient(graph([2, 4, 3, 4], nodes, weights), 'ConvNeXt')
})

test('ViT: class token, attention with shapes computed at run time', async () => {
  const nodes = [
    n('Shape', ['a'], 'shape'),
    n('Gather', ['shape', 'zero'], 'batch'),
    n('Unsqueeze', ['batch', 'axis0'], 'batch1'),
    n('Concat', ['batch1', 'minus1', 'minus1'], 'expandTo', { axis: 0 }),
    n('Equal', ['expandTo', 'minus1'], 'isMinus1'),
    n('Where', ['isMinus1', 'ones', 'expandTo'], 'tokenShape'),
    n('Expand', ['token', 'tokenShape'], 'tokens'),
    n('Concat', ['tokens', 'a'], 's', { axis: 1 }),
    n('MatMul', ['s', 'wqkv'], 'qkv'),
    n('Concat', ['batch1', 'sizes'], 'split', { axis: 0 }),
    n('Reshape', ['qkv', 'split'], 'heads'),
    n('Transpose', ['heads'], 'h', { perm: [2, 0, 3, 1, 4] }),
    n('Gather', ['h', 'zero'], 'q', { axis: 0 }),
    n('Gather', ['h', 'one'], 'k', { axis: 0 }),
    n('Gather', ['h', 'two'], 'v', { axis: 0 }),
    n('Transpose', ['k'], 'kt', { perm: [0, 1, 3, 2] }),
    n('MatMul', ['q', 'kt'], 'scores'),
    n('Softmax', ['scores'], 'p', { axis: -1 }),
    n('MatMul', ['p', 'v'], 'o'),
    n('Transpose', ['o'], 'ot', { perm: [0, 2, 1, 3] }),
    n('Reshape', ['ot', 'merge'], 'm'),
    n('Gather', ['m', 'zero'], 'cls', { axis: 1 }),
    n('Gemm', ['cls', 'head'], 'y'),
  ]
  const index = (value: number): Weight => ({ dims: [], values: [value], dtype: DataType.INT64 })
  const weights = {
    zero: index(0),
    one: index(1),
    two: index(2),
    axis0: list(0),
    minus1: list(-1),
    ones: list(1, 1, 1),
    token: weight([1, 1, 4]),
    wqkv: weight([4, 12]),
    sizes: list(4, 3, 2, 2),
    merge: list(0, 0, -1),
    head: weight([4, 3]),
  }
  await expectGradient(graph([2, 3, 4], nodes, weights), 'ViT')
})

test('Swin: cyclic shift by Slice and Concat, windows by Reshape and Transpose, Dropout of nothing in training mode', async () => {
  const nodes = [
    n('Slice', ['a', 'one', 'end', 'axis1'], 'rest'),
    n('Slice', ['a', 'zero', 'one', 'axis1'], 'first'),
    n('Concat', ['rest', 'first'], 'rolled', { axis: 1 }),
    n('Pad', ['rolled', 'pads'], 'padded'),
    n('Reshape', ['padded', 'windows'], 'w'),
    n('Transpose', ['w'], 'wt', { perm: [0, 1, 3, 2, 4, 5] }),
    n('Reshape', ['wt', 'flat'], 'f'),
    n('Identity', ['none'], 'ratio'),
    n('Dropout', ['f', 'ratio', 'training'], 'd'),
    n('LayerNormalization', ['d', 'scale', 'bias'], 'y', { epsilon: float(0.1) }),
  ]
  const weights = {
    none: scalar(0),
    training: { dims: [], values: [1], dtype: DataType.BOOL },
    one: list(1),
    end: list(2 ** 62),
    axis1: list(1),
    zero: list(0),
    pads: list(0, 0, 0, 0, 0, 1, 0, 0),
    windows: list(-1, 2, 2, 2, 2, 3),
    flat: list(-1, 4, 3),
    scale: weight([3]),
    bias: weight([3]),
  }
  await expectGradient(graph([2, 3, 4, 3], nodes, weights, [-1, 3]), 'Swin')
})

test('attention with a row that is masked whole, whose NaN is replaced', async () => {
  const nodes = [
    n('Where', ['allowed', 'zero', 'minusInfinity'], 'bias'),
    n('Add', ['a', 'bias'], 'scores'),
    n('Softmax', ['scores'], 'p'),
    n('IsNaN', ['p'], 'isMasked'),
    n('Where', ['isMasked', 'zero', 'p'], 'y'),
  ]
  const weights = {
    allowed: { dims: [3, 4], values: [1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1], dtype: DataType.BOOL },
    zero: scalar(0),
    minusInfinity: scalar(Number.NEGATIVE_INFINITY),
  }
  await expectGradient(graph([2, 3, 4], nodes, weights), 'masked')
})

test('a value that is used many times collects all its cotangents', async () => {
  const nodes = [
    n('Sigmoid', ['a'], 's'),
    n('Mul', ['s', 's'], 'q'),
    n('Mul', ['q', 's'], 'c'),
    n('Add', ['c', 'a'], 'y'),
  ]
  await expectGradient(graph([3, 4], nodes, {}), 'reuse')
})
