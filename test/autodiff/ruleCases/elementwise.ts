import { type Attributes, makeNode } from '../../../src/onnx/node.js'
import { DataType } from '../../../src/onnx/tensor.js'
import { type Extra, one, positive, type RuleCase, weight } from './ruleCase.js'

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

export const ELEMENTWISE: Record<string, readonly RuleCase[]> = {
  Add: pairs('Add'),
  Sub: pairs('Sub'),
  Mul: pairs('Mul'),
  Div: pairs('Div', positive),
  Pow: [
    ...pairs('Pow', positive),
    one('Pow', [[2, 3]], {}, { weights: { 1: weight([], [2]) } }),
    one('Pow', [[2, 3]], {}, { weights: { 1: weight([], [3]) } }),
    one('Pow', [[2, 3]], {}, { integers: { 1: 2 }, ...positive }),
    one('Pow', [[2, 3]], {}, { integers: { 1: [1, 3, -2] }, ...positive }),
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
    one('Dropout', [[2, 3]], {}, { booleans: { 2: weight([], [0]) } }),
    one(
      'Dropout',
      [[2, 3]],
      {},
      { weights: { 1: { ...weight([], [0]), dtype: DataType.FLOAT } }, booleans: { 2: weight([], [1]) } },
    ),
  ],
  Cast: [
    {
      nodes: [
        makeNode('Cast', ['a'], ['f'], { to: DataType.FLOAT }),
        makeNode('Mul', ['f', 'f'], ['s']),
        makeNode('Cast', ['s'], ['y'], { to: DataType.DOUBLE }),
      ],
      inputs: { a: [2, 3] },
      weights: {},
      range: [-2, 2],
      opset: 17,
      isCoarse: true,
    },
  ],
  CastLike: [
    one('CastLike', [[2, 3]], {}, { weights: { 1: weight([1]) } }),
    {
      nodes: [
        makeNode('CastLike', ['a', 'b'], ['f']),
        makeNode('Mul', ['f', 'f'], ['s']),
        makeNode('Cast', ['s'], ['y'], { to: DataType.DOUBLE }),
      ],
      inputs: { a: [2, 3] },
      weights: { b: { ...weight([1]), dtype: DataType.FLOAT } },
      range: [-2, 2],
      opset: 17,
      isCoarse: true,
    },
  ],
}
