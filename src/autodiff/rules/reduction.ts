import { intAttribute, intsAttribute, type NodeProto } from '../../onnx/node.js'
import type { GraphBuilder, Value } from '../builder.js'
import { single, type VjpRule } from '../rule.js'

/** The axes a Reduce* node works on, from its attribute or its input. */
function axesOf(g: GraphBuilder, node: NodeProto): readonly number[] {
  const rank = g.dims(node.input[0]!).length
  const given = intsAttribute(node, 'axes') ?? g.known(node.input[1]) ?? []
  if (given.length > 0) return given.map((axis) => (axis + rank) % rank)
  return intAttribute(node, 'noop_with_empty_axes', 0) === 1 ? [] : Array.from({ length: rank }, (_, i) => i)
}

type Reduction = (g: GraphBuilder, c: Value, x: Value, y: Value, axes: readonly number[]) => Value

/** `derivative` sees c and y with the reduced axes kept as ones, and may answer in any shape that broadcasts to x. */
function reduction(derivative: Reduction): VjpRule {
  return single((g, node, c) => {
    const x = node.input[0]!
    const axes = axesOf(g, node)
    const keeps = intAttribute(node, 'keepdims', 1) === 1 || axes.length === 0
    const kept = (value: Value) => (keeps ? value : g.unsqueeze(value, axes))
    return [g.expandLike(derivative(g, kept(c), x, kept(node.output[0]!), axes), x), null]
  })
}

/** How many elements are reduced to one, as a scalar of x's type. */
function count(g: GraphBuilder, x: Value, axes: readonly number[]): number | Value {
  const sizes = axes.map((axis) => g.dims(x)[axis]!)
  if (!sizes.includes(null as never)) return sizes.reduce((a, b) => a * b, 1)
  const shape = g.emit('Gather', [g.emit('Shape', [x]), g.integers(axes)])
  return g.cast(g.emit('ReduceProd', [shape], { keepdims: 0 }), g.dtype(x))
}

/** Equal extrema share the cotangent evenly, as PyTorch's amax and amin do. */
const extremum = reduction((g, c, x, y, axes) => {
  const hit = g.cast(g.emit('Equal', [x, y]), g.dtype(x))
  return g.mul(hit, g.div(c, g.reduce('Sum', hit, axes)))
})

/** The product of the other elements: y / x, or where one element is 0 its own, and 0 with two zeros. */
const product = reduction((g, c, x, y, axes) => {
  const isZero = g.emit('Equal', [x, 0])
  const nonZero = g.where(isZero, 1, x)
  const zeros = g.reduce('Sum', g.cast(isZero, g.dtype(x)), axes)
  const alone = g.where(g.emit('Equal', [zeros, 1]), g.reduce('Prod', nonZero, axes), 0)
  return g.mul(c, g.where(isZero, alone, g.div(y, nonZero)))
})

/** c / y x, 0 where y is 0. */
const ReduceL2 = reduction((g, c, x, y) => {
  const isZero = g.emit('Equal', [y, 0])
  return g.mul(g.where(isZero, 0, g.div(c, g.where(isZero, 1, y))), x)
})

/** Sums along an axis from the start (or the end): the cotangent is summed from the other end. */
const CumSum: VjpRule = single((g, node, c) => {
  const exclusive = intAttribute(node, 'exclusive', 0)
  const reverse = 1 - intAttribute(node, 'reverse', 0)
  return [g.emit('CumSum', [c, node.input[1]!], { exclusive, reverse }), null]
})

export const REDUCTION: Record<string, VjpRule> = {
  ReduceSum: reduction((_g, c) => c),
  ReduceMean: reduction((g, c, x, _y, axes) => g.div(c, count(g, x, axes))),
  ReduceMax: extremum,
  ReduceMin: extremum,
  ReduceProd: product,
  ReduceL1: reduction((g, c, x) => g.mul(c, g.emit('Sign', [x]))),
  ReduceL2,
  ReduceSumSquare: reduction((g, c, x) => g.mul(g.mul(c, 2), x)),
  ReduceLogSum: reduction((g, c, _x, y) => g.mul(c, g.emit('Exp', [g.emit('Neg', [y])]))),
  ReduceLogSumExp: reduction((g, c, x, y) => g.mul(c, g.emit('Exp', [g.sub(x, y)]))),
  CumSum,
}
