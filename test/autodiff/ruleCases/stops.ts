import { type Attributes, makeNode, type NodeProto } from '../../../src/onnx/node.js'
import { DataType } from '../../../src/onnx/tensor.js'
import type { Weight } from '../../helpers/onnx.js'
import type { RuleCase } from './ruleCase.js'

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

export const STOPS: Record<string, readonly RuleCase[]> = {
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
  DynamicQuantizeLinear: [stopped('z', [makeNode('DynamicQuantizeLinear', ['a'], ['q', 's', 'z'])])].map((item) => ({
    ...item,
    isCoarse: true,
    // The zero point of positive numbers is always 0.
    range: [0.1, 2] as const,
  })),
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
