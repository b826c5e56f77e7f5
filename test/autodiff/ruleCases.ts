/** For every operator of the rule table, the forms whose formulas differ. */
import { type Attributes, makeNode, type NodeProto } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import type { Weight } from '../helpers/onnx.js'

/** A graph from the inputs a, b, ... to y; floating-point inputs are differentiated unless they are weights. */
export interface RuleCase {
  readonly nodes: readonly NodeProto[]
  readonly inputs: Record<string, readonly number[]>
  readonly weights: Record<string, Weight>
  /** Values are spread evenly over this range, none equal, in a scrambled order. */
  readonly range: readonly [number, number]
  readonly opset: number
  /** The operator computes in float32 whatever it is given: differences need a wide step. */
  readonly isCoarse?: boolean
}

interface Extra {
  /** Constant operands by position: their values, or sizes of a floating-point weight. */
  readonly integers?: Record<number, readonly number[] | number>
  readonly weights?: Record<number, Weight>
  readonly booleans?: Record<number, Weight>
  readonly range?: readonly [number, number]
  readonly opset?: number
  readonly outputs?: number
  readonly isCoarse?: boolean
}

const LETTERS = 'abcdefgh'

/** One node; `sizes` holds an operand's sizes by position, undefined where `extra` has a constant or it is absent. */
export function one(
  op: string,
  sizes: readonly (readonly number[] | undefined)[],
  attributes: Attributes = {},
  extra: Extra = {},
): RuleCase {
  const constants: Record<string, Weight> = {}
  for (const [i, values] of Object.entries(extra.integers ?? {})) {
    const list = typeof values === 'number' ? [values] : values
    const dims = typeof values === 'number' ? [] : [values.length]
    constants[LETTERS[Number(i)]!] = { dims, values: list, dtype: DataType.INT64 }
  }
  for (const [i, weight] of Object.entries(extra.weights ?? {})) constants[LETTERS[Number(i)]!] = weight
  for (const [i, weight] of Object.entries(extra.booleans ?? {}))
    constants[LETTERS[Number(i)]!] = { ...weight, dtype: DataType.BOOL }
  const inputs = Object.fromEntries(sizes.flatMap((s, i) => (s ? [[LETTERS[i]!, s] as const] : [])))
  const last = Math.max(...[...Object.keys(inputs), ...Object.keys(constants)].map((letter) => LETTERS.indexOf(letter)))
  const names = Array.from({ length: last + 1 }, (_, i) => LETTERS[i]!).map((n) =>
    n in inputs || n in constants ? n : '',
  )
  const outputs = Array.from({ length: extra.outputs ?? 1 }, (_, i) => (i === 0 ? 'y' : `y${i}`))
  return {
    nodes: [makeNode(op, names, outputs, attributes)],
    inputs,
    weights: constants,
    range: extra.range ?? [-2, 2],
    opset: extra.opset ?? 17,
    ...(extra.isCoarse && { isCoarse: true }),
  }
}

const positive = { range: [0.3, 2.5] } as const
const float = (value: number) => ({ float: value })

/** The given operator, elementwise on one operand. */
const each = (op: string, attributes: Attributes = {}, extra: Extra = {}) => [one(op, [[2, 3, 4]], attributes, extra)]

/** The given operator on two operands: equal sizes, broadcast both ways, size 1 against size 1, and no elements. */
const pairs = (op: string, extra: Extra = {}, attributes: Attributes = {}) => [
  one(
    op,
    [
      [2, 3],
      [2, 3],
    ],
    attributes,
    extra,
  ),
  one(
    op,
    [
      [2, 1, 3],
      [4, 1],
    ],
    attributes,
    extra,
  ),
  one(op, [[3], [2, 1, 3]], attributes, extra),
  one(op, [[1, 1], []], attributes, extra),
  one(
    op,
    [
      [0, 3],
      [1, 3],
    ],
    attributes,
    extra,
  ),
]

const reductions = (op: string, extra: Extra = {}) => [
  one(op, [[2, 3, 4]], { axes: [1] }, extra),
  one(op, [[2, 3, 4]], { axes: [-1, 0], keepdims: 0 }, extra),
  one(op, [[2, 3, 4]], {}, extra),
  one(op, [[2, 3, 4]], { keepdims: 0 }, { ...extra, opset: 18, integers: { 1: [2] } }),
  one(op, [[2, 3]], { noop_with_empty_axes: 1 }, { ...extra, opset: 18 }),
]

/** Something that yields no cotangent, beside something that does: y = a + cast(op(a)). */
const stopped = (op: string, between: NodeProto[], weights: Record<string, Weight> = {}): RuleCase => ({
  nodes: [...between, makeNode('Cast', [op], ['f'], { to: DataType.DOUBLE }), makeNode('Add', ['a', 'f'], ['y'])],
  inputs: { a: [2, 3] },
  weights,
  range: [-2, 2],
  opset: 17,
})

const comparison = (op: string) => [stopped('s', [makeNode(op, ['a', 'k'], ['s'])], { k: { dims: [], values: [0.1] } })]
const logical = (op: string) => [
  stopped(
    's',
    [
      makeNode('Greater', ['a', 'k'], ['p']),
      makeNode('Less', ['a', 'k'], ['q']),
      makeNode(op, op === 'Not' ? ['p'] : ['p', 'q'], ['s']),
    ],
    {
      k: { dims: [], values: [0.1] },
    },
  ),
]
const step = (op: string) => [{ ...stopped('s', [makeNode(op, ['a'], ['s'])]), range: [-2.1, 1.7] as const }]
/** An int64 list computed from a, reduced to one number so that it can be added. */
const index = (op: string, attributes: Attributes = {}) => [
  stopped('m', [makeNode(op, ['a'], ['s'], attributes), makeNode('ReduceMax', ['s'], ['m'], { keepdims: 0 })]),
]

const pool2d = (op: string, attributes: Attributes, sizes: readonly number[] = [2, 2, 7, 6]) =>
  one(op, [sizes], attributes)
const pools = (op: string) => [
  pool2d(op, { kernel_shape: [2, 2], strides: [2, 2] }),
  pool2d(op, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  pool2d(op, { kernel_shape: [3, 2], strides: [1, 1], pads: [1, 0, 1, 1] }),
  pool2d(op, { kernel_shape: [2, 3], strides: [3, 2], auto_pad: 'SAME_UPPER' }),
  pool2d(op, { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_LOWER' }),
  pool2d(op, { kernel_shape: [2], strides: [3] }, [2, 2, 8]),
  pool2d(op, { kernel_shape: [2, 2, 2], strides: [2, 1, 2] }, [1, 2, 4, 3, 5]),
]

const convs: RuleCase[] = [
  one(
    'Conv',
    [[2, 3, 6, 5]],
    { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
    { weights: { 1: weight([4, 3, 3, 3]), 2: weight([4]) } },
  ),
  one('Conv', [[2, 3, 6, 5]], {}, { weights: { 1: weight([4, 3, 2, 3]) } }),
  one('Conv', [[2, 4, 6, 5]], { group: 2, pads: [0, 1, 2, 0] }, { weights: { 1: weight([6, 2, 3, 2]) } }),
  one('Conv', [[2, 3, 6, 5]], { group: 3, pads: [1, 1, 1, 1] }, { weights: { 1: weight([3, 1, 3, 3]) } }),
  one('Conv', [[2, 3, 5, 5]], { pads: [2, 3, 3, 2] }, { weights: { 1: weight([2, 3, 2, 2]) } }),
  one('Conv', [[2, 3, 9, 8]], { dilations: [2, 1], pads: [1, 0, 2, 0] }, { weights: { 1: weight([4, 3, 3, 3]) } }),
  one('Conv', [[2, 3, 7, 6]], { strides: [2, 2], pads: [1, 1, 1, 1] }, { weights: { 1: weight([4, 3, 3, 3]) } }),
  one('Conv', [[2, 3, 8, 9]], { strides: [2, 2], pads: [3, 3, 3, 3] }, { weights: { 1: weight([4, 3, 7, 7]) } }),
  one(
    'Conv',
    [[2, 4, 7, 6]],
    { strides: [2, 2], group: 2, pads: [1, 1, 1, 1] },
    { weights: { 1: weight([6, 2, 3, 3]) } },
  ),
  one(
    'Conv',
    [[2, 4, 7, 6]],
    { strides: [2, 2], group: 4, pads: [2, 2, 2, 2] },
    { weights: { 1: weight([4, 1, 5, 5]) } },
  ),
  one('Conv', [[2, 3, 7, 6]], { strides: [2, 2] }, { weights: { 1: weight([4, 3, 1, 1]) } }),
  one('Conv', [[2, 3, 10, 9]], { strides: [4, 4] }, { weights: { 1: weight([4, 3, 4, 4]) } }),
  one('Conv', [[2, 3, 8, 9]], { strides: [3, 2] }, { weights: { 1: weight([4, 3, 2, 3]) } }),
  one(
    'Conv',
    [[2, 3, 9, 9]],
    { strides: [2, 2], dilations: [2, 2], pads: [1, 1, 1, 1] },
    { weights: { 1: weight([4, 3, 2, 3]) } },
  ),
  one('Conv', [[2, 3, 7, 6]], { strides: [2, 2], auto_pad: 'SAME_UPPER' }, { weights: { 1: weight([4, 3, 3, 3]) } }),
  one('Conv', [[2, 3, 7, 6]], { strides: [1, 1], auto_pad: 'SAME_LOWER' }, { weights: { 1: weight([4, 3, 2, 4]) } }),
  one('Conv', [[2, 3, 7, 6]], { strides: [2, 2], auto_pad: 'VALID' }, { weights: { 1: weight([4, 3, 3, 3]) } }),
  one('Conv', [[2, 3, 9]], { strides: [2] }, { weights: { 1: weight([4, 3, 3]) } }),
  one('Conv', [[2, 3, 9]], { pads: [1, 1] }, { weights: { 1: weight([4, 3, 3]) } }),
  one('Conv', [[1, 2, 4, 5, 3]], { pads: [1, 0, 1, 1, 1, 1] }, { weights: { 1: weight([2, 2, 3, 2, 3]) } }),
]

const transposedConvs: RuleCase[] = [
  one('ConvTranspose', [[2, 3, 4, 5]], {}, { weights: { 1: weight([3, 4, 3, 2]), 2: weight([4]) } }),
  one(
    'ConvTranspose',
    [[2, 3, 4, 5]],
    { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    { weights: { 1: weight([3, 4, 3, 3]) } },
  ),
  one(
    'ConvTranspose',
    [[2, 4, 4, 3]],
    { group: 2, dilations: [2, 1], strides: [1, 2] },
    { weights: { 1: weight([4, 3, 2, 3]) } },
  ),
  one(
    'ConvTranspose',
    [[2, 3, 4, 5]],
    { strides: [2, 2], output_shape: [8, 10] },
    { weights: { 1: weight([3, 2, 3, 3]) } },
  ),
  one(
    'ConvTranspose',
    [[2, 3, 4, 5]],
    { strides: [2, 2], auto_pad: 'SAME_UPPER' },
    { weights: { 1: weight([3, 2, 3, 3]) } },
  ),
  one(
    'ConvTranspose',
    [[2, 3, 4, 5]],
    { strides: [2, 2], auto_pad: 'SAME_LOWER' },
    { weights: { 1: weight([3, 2, 3, 3]) } },
  ),
  one('ConvTranspose', [[2, 3, 5]], { strides: [3] }, { weights: { 1: weight([3, 2, 2]) } }),
]

/** A floating-point constant of the given sizes. */
export function weight(dims: readonly number[], values?: readonly number[]): Weight {
  const size = dims.reduce((a, b) => a * b, 1)
  return { dims, values: values ?? Array.from({ length: size }, (_, i) => Math.sin(1.7 * i + 0.4)) }
}

const normalized = (extra: Extra = {}) => ({ ...extra, range: [-1, 3] as const })
const resize = (attributes: Attributes, sizes: readonly number[], scales?: readonly number[]): RuleCase =>
  scales
    ? one('Resize', [[1, 2, 4, 5]], attributes, {
        weights: { 2: { dims: [4], values: scales, dtype: DataType.FLOAT } },
      })
    : one('Resize', [[1, 2, 4, 5]], attributes, { integers: { 3: sizes } })
const slice = (starts: number[], ends: number[], axes?: number[], steps?: number[]): RuleCase =>
  one(
    'Slice',
    [[3, 5, 7]],
    {},
    { integers: { 1: starts, 2: ends, ...(axes && { 3: axes }), ...(steps && { 4: steps }) } },
  )
const pad = (mode: string, pads: number[], sizes = [2, 4, 5]): RuleCase =>
  one('Pad', [sizes], { mode }, { integers: { 1: pads } })

export const RULE_CASES: Record<string, readonly RuleCase[]> = {
  Add: pairs('Add'),
  Sub: pairs('Sub'),
  Mul: pairs('Mul'),
  Div: pairs('Div', positive),
  Pow: [
    ...pairs('Pow', positive),
    one('Pow', [[2, 3]], {}, { weights: { 1: weight([], [2]) } }),
    one('Pow', [[2, 3]], {}, { weights: { 1: weight([], [3]) } }),
    one('Pow', [[2, 3]], {}, { integers: { 1: 2 }, ...positive }),
    one('Pow', [[3]], {}, { weights: { 1: weight([3], [0, 1, -2]) }, ...positive }),
  ],
  Min: [...pairs('Min'), one('Min', [[2, 3], [3], [2, 1]])],
  Max: [...pairs('Max'), one('Max', [[2, 3], [3], [2, 1]]), one('Max', [[4]])],
  Sum: [...pairs('Sum'), one('Sum', [[2, 3], [3], [2, 1]])],
  Mean: [...pairs('Mean'), one('Mean', [[2, 3], [3], [2, 1]])],
  Mod: [one('Mod', [[2, 3], [3]], { fmod: 1 }, positive)],
  Where: [
    one('Where', [undefined, [2, 3], [2, 3]], {}, { booleans: { 0: weight([2, 3], [1, 0, 0, 1, 1, 0]) } }),
    one('Where', [undefined, [3], [2, 1]], {}, { booleans: { 0: weight([2, 3], [1, 0, 0, 1, 1, 0]) } }),
    one('Where', [undefined, [], [2, 1]], {}, { booleans: { 0: weight([1, 3], [1, 0, 1]) } }),
  ],
  Clip: [
    one('Clip', [[2, 5]], {}, { weights: { 1: weight([], [-1.1]), 2: weight([], [1.1]) } }),
    one('Clip', [[2, 5]], {}, { weights: { 1: weight([], [0.1]) } }),
    one('Clip', [[2, 5]], {}, { weights: { 2: weight([], [0.1]) } }),
    one('Clip', [[2, 5]]),
  ],
  Neg: each('Neg'),
  Abs: each('Abs'),
  Reciprocal: each('Reciprocal', {}, positive),
  Sqrt: each('Sqrt', {}, positive),
  Exp: each('Exp'),
  Log: each('Log', {}, positive),
  Erf: each('Erf'),
  Sin: each('Sin'),
  Cos: each('Cos'),
  Tan: each('Tan', {}, { range: [-1, 1] }),
  Asin: each('Asin', {}, { range: [-0.8, 0.8] }),
  Acos: each('Acos', {}, { range: [-0.8, 0.8] }),
  Atan: each('Atan'),
  Sinh: each('Sinh'),
  Cosh: each('Cosh'),
  Asinh: each('Asinh'),
  Acosh: each('Acosh', {}, { range: [1.3, 3] }),
  Atanh: each('Atanh', {}, { range: [-0.8, 0.8] }),
  Identity: each('Identity'),
  Dropout: [
    ...each('Dropout'),
    one('Dropout', [[2, 3]], {}, { weights: { 1: { ...weight([], [0.5]), dtype: DataType.FLOAT } }, outputs: 2 }),
  ],
  Cast: [
    {
      nodes: [
        makeNode('Cast', ['a'], ['f'], { to: DataType.FLOAT }),
        makeNode('Cast', ['f'], ['y'], { to: DataType.DOUBLE }),
      ],
      inputs: { a: [2, 3] },
      weights: {},
      range: [-2, 2],
      opset: 17,
      isCoarse: true,
    },
  ],
  CastLike: [one('CastLike', [[2, 3]], {}, { weights: { 1: weight([1]) } })],

  Relu: each('Relu'),
  LeakyRelu: [...each('LeakyRelu'), ...each('LeakyRelu', { alpha: float(0.3) })],
  PRelu: [
    one('PRelu', [
      [2, 3, 4],
      [3, 1],
    ]),
    one('PRelu', [[2, 3], [1]]),
  ],
  Elu: [...each('Elu'), ...each('Elu', { alpha: float(0.7) })],
  Selu: [...each('Selu'), ...each('Selu', { alpha: float(1.2), gamma: float(0.8) })],
  Celu: [...each('Celu'), ...each('Celu', { alpha: float(0.6) })],
  ThresholdedRelu: each('ThresholdedRelu', { alpha: float(0.55) }),
  Shrink: each('Shrink', { lambd: float(0.5), bias: float(0.2) }, { isCoarse: true }),
  Sigmoid: each('Sigmoid'),
  HardSigmoid: [
    ...each('HardSigmoid', {}, { range: [-4.1, 4] }),
    ...each('HardSigmoid', { alpha: float(0.4), beta: float(0.3) }, { range: [-2, 2.1] }),
  ],
  HardSwish: each('HardSwish', {}, { range: [-5, 5] }),
  Tanh: each('Tanh'),
  Softplus: each('Softplus'),
  Softsign: each('Softsign'),
  Mish: each('Mish', {}, { opset: 18 }),
  Gelu: [...each('Gelu', {}, { opset: 20 }), ...each('Gelu', { approximate: 'tanh' }, { opset: 20 })],
  Softmax: [...each('Softmax'), ...each('Softmax', { axis: 1 })],
  LogSoftmax: [...each('LogSoftmax'), ...each('LogSoftmax', { axis: 0 })],

  Conv: convs,
  ConvTranspose: transposedConvs,
  MaxPool: [
    ...pools('MaxPool'),
    pool2d('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
    pool2d('MaxPool', { kernel_shape: [2, 2], strides: [2, 1], dilations: [2, 3] }),
    one('MaxPool', [[1, 2, 5, 4]], { kernel_shape: [2, 2], strides: [2, 2] }, { outputs: 2 }),
  ],
  AveragePool: [
    ...pools('AveragePool'),
    pool2d('AveragePool', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
    pool2d('AveragePool', { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], count_include_pad: 1 }),
    pool2d('AveragePool', { kernel_shape: [3, 2], strides: [2, 3], pads: [1, 0, 1, 1], count_include_pad: 1 }),
    one('AveragePool', [[1, 2, 7, 7]], { kernel_shape: [2, 2], dilations: [2, 3] }, { opset: 19 }),
  ],
  LpPool: [
    pool2d('LpPool', { kernel_shape: [2, 2], strides: [2, 2] }),
    pool2d('LpPool', { kernel_shape: [3, 3], strides: [1, 2], pads: [1, 1, 1, 1], p: 3 }),
  ],
  GlobalAveragePool: [one('GlobalAveragePool', [[2, 3, 4, 5]]), one('GlobalAveragePool', [[2, 3, 1, 1]])],
  GlobalMaxPool: [one('GlobalMaxPool', [[2, 3, 4, 5]]), one('GlobalMaxPool', [[2, 3, 5]])],
  GlobalLpPool: [one('GlobalLpPool', [[2, 3, 4, 5]]), one('GlobalLpPool', [[2, 3, 4, 5]], { p: 3 })],

  BatchNormalization: [
    one(
      'BatchNormalization',
      [[2, 3, 4, 2]],
      { epsilon: float(0.1) },
      {
        weights: { 1: weight([3]), 2: weight([3]), 3: weight([3]), 4: weight([3], [0.5, 1, 2]) },
      },
    ),
    one(
      'BatchNormalization',
      [[4, 3]],
      {},
      {
        weights: { 1: weight([3]), 2: weight([3]), 3: weight([3]), 4: weight([3], [0.5, 1, 2]) },
      },
    ),
  ],
  LayerNormalization: [
    one('LayerNormalization', [[2, 3, 4]], {}, normalized({ weights: { 1: weight([4]), 2: weight([4]) } })),
    one(
      'LayerNormalization',
      [[2, 3, 4]],
      { axis: 1, epsilon: float(0.1) },
      normalized({ weights: { 1: weight([3, 4]) } }),
    ),
  ],
  InstanceNormalization: [
    one(
      'InstanceNormalization',
      [[2, 3, 4, 2]],
      { epsilon: float(0.1) },
      normalized({ weights: { 1: weight([3]), 2: weight([3]) } }),
    ),
    one(
      'InstanceNormalization',
      [[2, 3, 16]],
      { epsilon: float(0.01) },
      normalized({ weights: { 1: weight([3]), 2: weight([3]) } }),
    ),
  ],
  GroupNormalization: [
    one(
      'GroupNormalization',
      [[2, 6, 3, 2]],
      { num_groups: 3 },
      normalized({ opset: 18, weights: { 1: weight([3]), 2: weight([3]) } }),
    ),
    one(
      'GroupNormalization',
      [[2, 6, 3, 2]],
      { num_groups: 3, epsilon: float(0.1) },
      normalized({ opset: 21, isCoarse: true, weights: { 1: weight([6]), 2: weight([6]) } }),
    ),
    one(
      'GroupNormalization',
      [[2, 4, 5]],
      { num_groups: 4 },
      normalized({ opset: 21, isCoarse: true, weights: { 1: weight([4]), 2: weight([4]) } }),
    ),
  ],
  LpNormalization: [one('LpNormalization', [[2, 3, 4]]), one('LpNormalization', [[2, 3, 4]], { axis: 1, p: 1 })],
  LRN: [
    one('LRN', [[2, 7, 3, 2]], { size: 5, alpha: float(0.5), beta: float(0.75), bias: float(1.5) }),
    one('LRN', [[2, 6, 4, 1]], { size: 3, alpha: float(0.5), beta: float(1.2) }),
  ],

  Gemm: [
    one('Gemm', [[2, 3], [3, 4], [4]], { alpha: float(0.5), beta: float(2) }),
    one(
      'Gemm',
      [
        [3, 2],
        [3, 4],
        [2, 1],
      ],
      { transA: 1 },
    ),
    one(
      'Gemm',
      [
        [2, 3],
        [4, 3],
      ],
      { transB: 1 },
    ),
    one('Gemm', [[3, 2], [4, 3], []], { transA: 1, transB: 1, alpha: float(1.5) }),
  ],
  MatMul: [
    one('MatMul', [
      [2, 3],
      [3, 4],
    ]),
    one('MatMul', [
      [5, 2, 3],
      [3, 4],
    ]),
    one('MatMul', [
      [5, 1, 2, 3],
      [4, 3, 2],
    ]),
    one('MatMul', [[3], [3]]),
    one('MatMul', [[3], [2, 3, 4]]),
    one('MatMul', [[2, 5, 3], [3]]),
  ],
  Einsum: [
    one(
      'Einsum',
      [
        [2, 3],
        [3, 4],
      ],
      { equation: 'ij,jk->ik' },
    ),
    one(
      'Einsum',
      [
        [2, 5, 3],
        [2, 4, 3],
      ],
      { equation: 'bid,bjd->bij' },
    ),
    one('Einsum', [[2, 3, 4]], { equation: 'ijk->kj' }),
    one('Einsum', [[2, 3], [4]], { equation: 'ij , k' }),
    one(
      'Einsum',
      [
        [2, 5, 3],
        [3, 4],
      ],
      { equation: '...i,ij->...j' },
    ),
    one('Einsum', [[2, 3], [3], [2]], { equation: 'ij,j,i->' }),
  ],

  Flatten: [
    one('Flatten', [[2, 3, 4]]),
    one('Flatten', [[2, 3, 4]], { axis: 0 }),
    one('Flatten', [[2, 3, 4]], { axis: -1 }),
  ],
  Reshape: [
    one('Reshape', [[2, 3, 4]], {}, { integers: { 1: [0, -1] } }),
    one('Reshape', [[2, 6]], {}, { integers: { 1: [3, 2, 2] } }),
    one('Reshape', [[0, 3]], { allowzero: 1 }, { integers: { 1: [3, 0] } }),
  ],
  Squeeze: [one('Squeeze', [[2, 1, 3, 1]]), one('Squeeze', [[2, 1, 3, 1]], {}, { integers: { 1: [-1] } })],
  Unsqueeze: [one('Unsqueeze', [[2, 3]], {}, { integers: { 1: [0, -1] } })],
  Transpose: [one('Transpose', [[2, 3, 4]]), one('Transpose', [[2, 3, 4]], { perm: [1, 2, 0] })],
  Concat: [
    one(
      'Concat',
      [
        [2, 3],
        [2, 1],
        [2, 2],
      ],
      { axis: 1 },
    ),
    one(
      'Concat',
      [
        [2, 3],
        [1, 3],
      ],
      { axis: -2 },
    ),
    one(
      'Concat',
      [
        [2, 0],
        [2, 2],
      ],
      { axis: 1 },
    ),
  ],
  Split: [
    one('Split', [[2, 6]], { axis: 1 }, { integers: { 1: [1, 3, 2] }, outputs: 3 }),
    one('Split', [[4, 3]], {}, { outputs: 2 }),
    one('Split', [[5, 3]], { num_outputs: 2 }, { outputs: 2, opset: 18 }),
  ],
  Slice: [
    slice([1, 0], [3, 2], [1, 0]),
    slice([0, 1, -3], [2, 100, -1]),
    slice([0], [6], [2], [2]),
    slice([1], [7], [-1], [3]),
    slice([-1], [-100], [1], [-1]),
    slice([5, 100], [0, -100], [2, 1], [-2, -3]),
    slice([2], [2], [1]),
  ],
  Pad: [
    pad('constant', [0, 1, 2, 1, 0, 3]),
    pad('constant', [0, -1, 1, 0, 2, -2]),
    pad('reflect', [0, 2, 1, 0, 3, 4]),
    pad('edge', [0, 2, 1, 1, 0, 4]),
    one('Pad', [[2, 4, 5]], { mode: 'wrap' }, { integers: { 1: [0, 2, 1, 0, 3, 4] }, opset: 19 }),
    one('Pad', [[2, 4]], {}, { integers: { 1: [1, 2], 3: [-1] }, opset: 18 }),
  ],
  Expand: [
    one('Expand', [[3, 1]], {}, { integers: { 1: [2, 1, 4] } }),
    one('Expand', [[2, 3]], {}, { integers: { 1: [1] } }),
  ],
  Tile: [
    one('Tile', [[2, 3]], {}, { integers: { 1: [2, 1] } }),
    one('Tile', [[2, 3, 1]], {}, { integers: { 1: [1, 3, 2] } }),
  ],
  DepthToSpace: [
    one('DepthToSpace', [[2, 8, 2, 3]], { blocksize: 2 }),
    one('DepthToSpace', [[2, 8, 2, 3]], { blocksize: 2, mode: 'CRD' }),
  ],
  SpaceToDepth: [one('SpaceToDepth', [[2, 3, 4, 6]], { blocksize: 2 })],
  Trilu: [one('Trilu', [[2, 3, 4]]), one('Trilu', [[3, 4]], { upper: 0 }, { integers: { 1: 1 } })],

  Gather: [
    one('Gather', [[4, 3]], {}, { integers: { 1: [0, 2, 2, -1] } }),
    one('Gather', [[2, 4, 3]], { axis: 1 }, { integers: { 1: 2 } }),
    one('Gather', [[2, 4, 3]], { axis: -2 }, { integers: { 1: [-1] } }),
    one(
      'Gather',
      [[2, 4, 3]],
      { axis: 2 },
      { weights: { 1: { dims: [2, 2], values: [0, 1, 1, 2], dtype: DataType.INT64 } } },
    ),
    one('Gather', [[2, 4]], { axis: 1 }, { weights: { 1: { dims: [1, 1], values: [3], dtype: DataType.INT64 } } }),
  ],
  GatherElements: [
    one(
      'GatherElements',
      [[3, 4]],
      { axis: 1 },
      { weights: { 1: { dims: [2, 3], values: [0, 0, 3, -1, 1, 1], dtype: DataType.INT64 } } },
    ),
  ],
  GatherND: [
    one(
      'GatherND',
      [[3, 4, 2]],
      {},
      { weights: { 1: { dims: [3, 2], values: [0, 1, 2, 3, 0, 1], dtype: DataType.INT64 } } },
    ),
  ],
  ScatterElements: [
    one(
      'ScatterElements',
      [[3, 4], undefined, [2, 2]],
      { axis: 1 },
      { weights: { 1: { dims: [2, 2], values: [0, 3, 1, 2], dtype: DataType.INT64 } } },
    ),
    one(
      'ScatterElements',
      [[3, 4], undefined, [2, 2]],
      { axis: 0, reduction: 'add' },
      { weights: { 1: { dims: [2, 2], values: [0, 2, 0, 2], dtype: DataType.INT64 } } },
    ),
  ],
  ScatterND: [
    one(
      'ScatterND',
      [[4, 3], undefined, [2, 3]],
      {},
      { weights: { 1: { dims: [2, 1], values: [3, 1], dtype: DataType.INT64 } } },
    ),
    one(
      'ScatterND',
      [[4, 3], undefined, [2, 3]],
      { reduction: 'add' },
      { weights: { 1: { dims: [2, 1], values: [1, 1], dtype: DataType.INT64 } } },
    ),
  ],
  TopK: [
    one('TopK', [[3, 5]], {}, { integers: { 1: [2] }, outputs: 2 }),
    one('TopK', [[5, 3]], { axis: 0, largest: 0 }, { integers: { 1: [3] }, outputs: 2 }),
  ],
  Resize: [
    resize({ mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }, [], [1, 1, 2, 3]),
    resize({ mode: 'nearest' }, [1, 2, 7, 3]),
    resize({ mode: 'linear' }, [1, 2, 8, 10]),
    resize({ mode: 'linear', coordinate_transformation_mode: 'align_corners' }, [1, 2, 7, 5]),
    resize({ mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' }, [], [1, 1, 1.5, 0.6]),
    resize({ mode: 'cubic' }, [1, 2, 9, 11]),
    resize({ mode: 'cubic', cubic_coeff_a: float(-0.5), exclude_outside: 1 }, [1, 2, 9, 11]),
  ],

  ReduceSum: [
    one('ReduceSum', [[2, 3, 4]], {}, { integers: { 1: [1] } }),
    one('ReduceSum', [[2, 3, 4]], { keepdims: 0 }, { integers: { 1: [-1, 0] } }),
    one('ReduceSum', [[2, 3, 4]]),
    one('ReduceSum', [[2, 3]], { noop_with_empty_axes: 1 }),
  ],
  ReduceMean: reductions('ReduceMean'),
  ReduceMax: reductions('ReduceMax'),
  ReduceMin: reductions('ReduceMin'),
  ReduceProd: reductions('ReduceProd', { range: [0.5, 1.5] }),
  ReduceL1: reductions('ReduceL1'),
  ReduceL2: reductions('ReduceL2'),
  ReduceSumSquare: reductions('ReduceSumSquare'),
  ReduceLogSum: reductions('ReduceLogSum', positive),
  ReduceLogSumExp: reductions('ReduceLogSumExp'),
  CumSum: [
    one('CumSum', [[2, 5]], {}, { integers: { 1: 1 } }),
    one('CumSum', [[2, 5]], { exclusive: 1 }, { integers: { 1: 0 } }),
    one('CumSum', [[2, 5]], { reverse: 1, exclusive: 1 }, { integers: { 1: -1 } }),
  ],

  Ceil: step('Ceil'),
  Floor: step('Floor'),
  Round: step('Round'),
  Sign: step('Sign'),
  Hardmax: step('Hardmax'),
  Shape: index('Shape'),
  Size: [stopped('s', [makeNode('Size', ['a'], ['s'])])],
  ArgMax: index('ArgMax', { axis: 1 }),
  ArgMin: index('ArgMin', { axis: 0 }),
  NonZero: index('NonZero'),
  EyeLike: step('EyeLike'),
  IsNaN: step('IsNaN'),
  IsInf: step('IsInf'),
  Equal: comparison('Equal'),
  Greater: comparison('Greater'),
  GreaterOrEqual: comparison('GreaterOrEqual'),
  Less: comparison('Less'),
  LessOrEqual: comparison('LessOrEqual'),
  And: logical('And'),
  Or: logical('Or'),
  Xor: logical('Xor'),
  Not: logical('Not'),
  Constant: [
    {
      nodes: [
        makeNode('Constant', [], ['k'], { value_ints: [1, 2, 3] }),
        makeNode('Cast', ['k'], ['f'], { to: DataType.DOUBLE }),
        makeNode('Mul', ['a', 'f'], ['y']),
      ],
      inputs: { a: [2, 3] },
      weights: {},
      range: [-2, 2],
      opset: 17,
    },
  ],
  ConstantOfShape: [stopped('s', [makeNode('Shape', ['a'], ['n']), makeNode('ConstantOfShape', ['n'], ['s'])])],
  Range: [
    stopped('s', [makeNode('Range', ['k0', 'k3', 'k1'], ['s'])], {
      k0: { dims: [], values: [0] },
      k3: { dims: [], values: [3] },
      k1: { dims: [], values: [1] },
    }),
  ],
  OneHot: [
    stopped(
      's',
      [makeNode('ArgMax', ['a'], ['i'], { axis: 1, keepdims: 0 }), makeNode('OneHot', ['i', 'n', 'v'], ['s'])],
      {
        n: { dims: [1], values: [3], dtype: DataType.INT64 },
        v: { dims: [2], values: [0, 1] },
      },
    ),
  ],
}
