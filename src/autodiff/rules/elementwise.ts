import { intAttribute } from '../../onnx/node.js'
import { broadcast } from '../broadcast.js'
import type { GraphBuilder, Value } from '../builder.js'
import { elementwise, single, stop, unary, type VjpRule } from '../rule.js'
import { above, below, complement, inside } from '../steps.js'

/** y = a^b: da = c b a^(b - 1), 0 where b = 0; db = c y log a, 0 where a <= 0. */
const Pow: VjpRule = elementwise((g, node, c) => {
  const [a, b] = node.input as [Value, Value]
  const y = node.output[0]!
  if (g.known(b)?.join() === '2') return [g.mul(c, g.mul(a, 2)), null]
  const exponent = g.cast(b, g.dtype(a))
  const isZero = g.emit('Equal', [exponent, 0])
  const slope = g.where(isZero, 0, g.mul(exponent, g.emit('Pow', [a, g.sub(exponent, 1)])))
  const positive = g.emit('Greater', [a, 0])
  const log = g.where(positive, g.emit('Log', [g.where(positive, a, 1)]), 0)
  return [g.mul(c, slope), g.cast(g.mul(c, g.mul(y, log)), g.dtype(b))]
})

/** The cotangent goes to the first operand that is the extremum. */
const extremum: VjpRule = elementwise((g, node, c) => {
  let rest = c
  return node.input.map((x, i) => {
    if (i === node.input.length - 1) return rest
    const part = g.where(g.emit('Equal', [x, node.output[0]!]), rest, 0)
    rest = g.sub(rest, part)
    return part
  })
})

/**
 * y = a b: c b and c a. But a product with its own sigmoid, y = x s (SiLU), is seen as one function of x,
 * c (s + y (1 - s)), which reads half as much memory.
 */
const Mul: VjpRule = elementwise((g, { input, output }, c) => {
  const [a, b] = input as [Value, Value]
  const y = output[0]!
  const isGate = (s: Value, x: Value) => g.maker(s)?.opType === 'Sigmoid' && g.maker(s)!.input[0] === x
  const slope = (s: Value) => g.add(g.mul(y, complement(g, s)), s)
  if (isGate(b, a)) return [g.mul(c, slope(b)), null]
  if (isGate(a, b)) return [null, g.mul(c, slope(a))]
  return [b, a].map((other) => g.mul(c, broadcast(g, other, g.dims(y))))
})

const cast: VjpRule = unary((g, c, x) => g.cast(c, g.dtype(x)))

/**
 * c where min < y < max; either may be missing. Looking at y instead of x leaves onnxruntime free to fuse the Clip with
 * what makes x.
 */
const Clip: VjpRule = single((g, { input: [, min, max], output }, c) => {
  const y = output[0]!
  if (min && max) return [g.mul(c, inside(g, y, min, max))]
  return [min ? g.mul(c, above(g, y, min)) : max ? g.mul(c, below(g, y, max)) : c]
})

const square = (g: GraphBuilder, x: Value) => g.mul(x, x)

export const ELEMENTWISE: Record<string, VjpRule> = {
  Add: elementwise((_g, _node, c) => [c, c]),
  Sub: elementwise((g, _node, c) => [c, g.emit('Neg', [c])]),
  Mul,
  Div: elementwise((g, { input: [, b], output: [y] }, c) => {
    const da = g.div(c, b!)
    return [da, g.emit('Neg', [g.mul(da, y!)])]
  }),
  Pow,
  Min: extremum,
  Max: extremum,
  Sum: elementwise((_g, node, c) => node.input.map(() => c)),
  Mean: elementwise((g, node, c) => node.input.map(() => g.div(c, node.input.length))),
  Where: elementwise((g, { input: [condition] }, c) => [null, g.where(condition!, c, 0), g.where(condition!, 0, c)]),
  Clip,
  Neg: unary((g, c) => g.emit('Neg', [c])),
  Abs: unary((g, c, x) => g.mul(c, g.emit('Sign', [x]))),
  Reciprocal: unary((g, c, _x, y) => g.emit('Neg', [g.mul(c, square(g, y))])),
  Sqrt: unary((g, c, _x, y) => g.div(c, g.mul(y, 2))),
  Exp: unary((g, c, _x, y) => g.mul(c, y)),
  Log: unary((g, c, x) => g.div(c, x)),
  Erf: unary((g, c, x) => g.mul(g.mul(c, 2 / Math.sqrt(Math.PI)), g.emit('Exp', [g.emit('Neg', [square(g, x)])]))),
  Sin: unary((g, c, x) => g.mul(c, g.emit('Cos', [x]))),
  Cos: unary((g, c, x) => g.emit('Neg', [g.mul(c, g.emit('Sin', [x]))])),
  Tan: unary((g, c, _x, y) => g.mul(c, g.add(square(g, y), 1))),
  Asin: unary((g, c, x) => g.div(c, g.emit('Sqrt', [g.sub(1, square(g, x))]))),
  Acos: unary((g, c, x) => g.emit('Neg', [g.div(c, g.emit('Sqrt', [g.sub(1, square(g, x))]))])),
  Atan: unary((g, c, x) => g.div(c, g.add(square(g, x), 1))),
  Sinh: unary((g, c, x) => g.div(g.mul(c, g.add(g.emit('Exp', [x]), g.emit('Exp', [g.emit('Neg', [x])]))), 2)),
  Cosh: unary((g, c, x) => g.div(g.mul(c, g.sub(g.emit('Exp', [x]), g.emit('Exp', [g.emit('Neg', [x])]))), 2)),
  Asinh: unary((g, c, x) => g.div(c, g.emit('Sqrt', [g.add(square(g, x), 1)]))),
  Acosh: unary((g, c, x) => g.div(c, g.emit('Sqrt', [g.sub(square(g, x), 1)]))),
  Atanh: unary((g, c, x) => g.div(c, g.sub(1, square(g, x)))),
  Identity: unary((_g, c) => c),
  /** Nothing is dropped in inference mode, or (as torchvision's Swin has it) at a ratio of 0; for all else there is no rule. */
  Dropout: single((g, { input: [, ratio, training] }, c) => {
    const isZero = (value: Value | undefined) => Boolean(value) && g.known(value!)?.[0] === 0
    return !training || isZero(training) || isZero(ratio) ? [c, null, null] : []
  }),
  Cast: cast,
  CastLike: single((g, node, c) => [g.cast(c, g.dtype(node.input[0]!)), null]),
  /** a - b floor(a / b), or with fmod the remainder towards zero: the quotient is locally constant. */
  Mod: elementwise((g, node, c) => {
    const [a, b] = node.input as [Value, Value]
    const quotient = g.div(g.sub(a, node.output[0]!), b)
    return [c, intAttribute(node, 'fmod', 0) ? g.emit('Neg', [g.mul(c, quotient)]) : null]
  }),
}

/** Steps, comparisons, shapes, indices and sources: nothing to differentiate. */
export const STOPS: Record<string, VjpRule> = Object.fromEntries(
  [
    'And',
    'ArgMax',
    'ArgMin',
    'Ceil',
    'Constant',
    'ConstantOfShape',
    'DynamicQuantizeLinear',
    'Equal',
    'EyeLike',
    'Floor',
    'Greater',
    'GreaterOrEqual',
    'Hardmax',
    'IsInf',
    'IsNaN',
    'Less',
    'LessOrEqual',
    'NonZero',
    'Not',
    'OneHot',
    'Or',
    'Range',
    'Round',
    'Shape',
    'Sign',
    'Size',
    'Xor',
  ].map((op) => [op, stop]),
)
