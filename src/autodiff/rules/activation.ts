import { floatAttribute, intAttribute, type NodeProto, stringAttribute, tensorAttribute } from '../../onnx/node.js'
import { numbers } from '../../onnx/tensor.js'
import type { GraphBuilder, Value } from '../builder.js'
import { elementwise, unary, type VjpRule } from '../rule.js'
import { above, complement } from '../steps.js'

const positive = (g: GraphBuilder, x: Value) => g.emit('Greater', [x, 0])
const square = (g: GraphBuilder, x: Value) => g.mul(x, x)

/** c for x > 0, else `negative`. */
const halves = (g: GraphBuilder, x: Value, c: Value, negative: Value) => g.where(positive(g, x), c, negative)

const alphaOf = (node: NodeProto, fallback: number) => floatAttribute(node, 'alpha', fallback)

/** y = clamp(alpha x + beta, 0, 1): alpha c inside. */
const HardSigmoid: VjpRule = unary((g, c, _x, y, node) => {
  const inside = g.emit('And', [positive(g, y), g.emit('Less', [y, 1])])
  return g.where(inside, g.mul(c, alphaOf(node, 0.2)), 0)
})

/** y = x clamp(x / 6 + 1/2, 0, 1): c (x / 3 + 1/2) for |x| < 3, c above, 0 below. */
const HardSwish: VjpRule = unary((g, c, x) => {
  const slope = g.add(g.div(x, 3), 0.5)
  const outside = g.where(positive(g, x), c, 0)
  return g.where(g.emit('Less', [g.emit('Abs', [x]), 3]), g.mul(c, slope), outside)
})

/** y = x t, t = tanh(softplus x): c (t + x (1 - t^2) sigmoid x). */
const Mish: VjpRule = unary((g, c, x) => {
  const t = g.emit('Tanh', [g.emit('Softplus', [x])])
  const slope = g.mul(g.sub(1, square(g, t)), g.emit('Sigmoid', [x]))
  return g.mul(c, g.add(t, g.mul(x, slope)))
})

/**
 * y = x Phi(x): c (Phi(x) + x phi(x)); or approximate, y = x (1 + t) / 2, t = tanh(u), u = k (x + .044715 x^3),
 * k = sqrt(2 / pi): c ((1 + t) / 2 + x (1 - t^2) u' / 2), u' = k (1 + .134145 x^2).
 */
const Gelu: VjpRule = unary((g, c, x, _y, node) => {
  const x2 = square(g, x)
  if (stringAttribute(node, 'approximate', 'none') === 'tanh') {
    const k = Math.sqrt(2 / Math.PI)
    const t = g.emit('Tanh', [g.mul(g.mul(x, k), g.add(g.mul(x2, 0.044715), 1))])
    const slope = g.mul(g.mul(x, g.sub(1, square(g, t))), g.mul(g.add(g.mul(x2, 0.134145), 1), k))
    return g.mul(g.mul(c, 0.5), g.add(g.add(t, 1), slope))
  }
  const cdf = g.mul(g.add(g.emit('Erf', [g.mul(x, Math.SQRT1_2)]), 1), 0.5)
  const pdf = g.mul(g.emit('Exp', [g.mul(x2, -0.5)]), 1 / Math.sqrt(2 * Math.PI))
  return g.mul(c, g.add(cdf, g.mul(x, pdf)))
})

/** Operators through which a masked score stays one. */
const KEEPS_MASK = new Set(
  'Add Cast CastLike Concat Expand Flatten Gather Identity Mul Pad Reshape Slice Squeeze Sub Sum Transpose Unsqueeze'.split(
    ' ',
  ),
)

/**
 * Whether an original value may be -inf all along an axis: scores to which a mask was added. Softmax makes NaN of such a row,
 * and what reads it puts something else in its place, so that no cotangent comes back: 0 times NaN.
 */
function mayBeMasked(g: GraphBuilder, scores: Value): boolean {
  const seen = new Set([scores])
  for (const value of seen) {
    const node = g.maker(value)
    const constant = node?.opType === 'Constant' ? tensorAttribute(node, 'value') : undefined
    const values = node ? constant && numbers(constant) : (g.known(value) ?? [Number.NEGATIVE_INFINITY])
    if (node?.opType === 'Where' || values?.includes(Number.NEGATIVE_INFINITY)) return true
    if (node && KEEPS_MASK.has(node.opType)) for (const input of node.input) seen.add(input)
  }
  return false
}

const nonNaN = (g: GraphBuilder, x: Value, y: Value) => (mayBeMasked(g, x) ? g.where(g.emit('IsNaN', [y]), 0, y) : y)

/** y_i = exp x_i / sum over the axis: y (c - sum c y), 0 where y is NaN. */
const Softmax: VjpRule = unary((g, c, x, softmax, node) => {
  const y = nonNaN(g, x, softmax)
  const weighted = g.mul(c, y)
  return g.sub(weighted, g.mul(y, g.reduce('Sum', weighted, [intAttribute(node, 'axis', -1)])))
})

/** y = x - log sum exp: c - exp(y) sum c. */
const LogSoftmax: VjpRule = unary((g, c, x, y, node) => {
  const p = nonNaN(g, x, g.emit('Exp', [y]))
  return g.sub(c, g.mul(p, g.reduce('Sum', c, [intAttribute(node, 'axis', -1)])))
})

export const ACTIVATION: Record<string, VjpRule> = {
  /** max(x, 0): c where y > 0; the derivative at 0 is 0. */
  Relu: unary((g, c, _x, y) => g.mul(c, above(g, y, 0))),
  LeakyRelu: unary((g, c, x, _y, node) => halves(g, x, c, g.mul(c, alphaOf(node, 0.01)))),
  PRelu: elementwise((g, { input: [x, slope] }, c) => [
    halves(g, x!, c, g.mul(c, slope!)),
    g.where(positive(g, x!), 0, g.mul(c, x!)),
  ]),
  /** alpha (e^x - 1) below 0: there y' = y + alpha. */
  Elu: unary((g, c, x, y, node) => halves(g, x, c, g.mul(c, g.add(y, alphaOf(node, 1))))),
  /** gamma x above 0, gamma alpha (e^x - 1) below: there y' = y + gamma alpha. */
  Selu: unary((g, c, x, y, node) => {
    const gamma = floatAttribute(node, 'gamma', 1.0507009873554805)
    return halves(g, x, g.mul(c, gamma), g.mul(c, g.add(y, gamma * alphaOf(node, 1.6732632423543772))))
  }),
  /** alpha (e^(x / alpha) - 1) below 0: there y' = y / alpha + 1. */
  Celu: unary((g, c, x, y, node) => halves(g, x, c, g.mul(c, g.add(g.div(y, alphaOf(node, 1)), 1)))),
  ThresholdedRelu: unary((g, c, x, _y, node) => g.where(g.emit('Greater', [x, alphaOf(node, 1)]), c, 0)),
  /** x -+ bias outside [-lambd, lambd], 0 inside. */
  Shrink: unary((g, c, x, _y, node) => {
    const outside = g.emit('Greater', [g.emit('Abs', [x]), floatAttribute(node, 'lambd', 0.5)])
    return g.where(outside, c, 0)
  }),
  Sigmoid: unary((g, c, _x, y) => g.mul(c, g.mul(y, complement(g, y)))),
  HardSigmoid,
  HardSwish,
  Tanh: unary((g, c, _x, y) => g.mul(c, g.sub(1, square(g, y)))),
  Softplus: unary((g, c, x) => g.mul(c, g.emit('Sigmoid', [x]))),
  Softsign: unary((g, c, x) => g.div(c, square(g, g.add(g.emit('Abs', [x]), 1)))),
  Mish,
  Gelu,
  Softmax,
  LogSoftmax,
}
