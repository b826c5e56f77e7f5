/** Elementwise operators on blocked values. */
import type { Value } from '../../autodiff/builder.js'
import { above, below, limitOf, STEEP } from '../../autodiff/steps.js'
import type { Attributes, NodeProto } from '../../onnx/node.js'
import type { Deferred, Layouts, Sizes } from './layouts.js'
import { affine } from './perChannel.js'

/** Operators of one value, finite at 0: what fills up the blocks stays so. */
const UNARY = new Set(
  'Abs Cast Celu Cos Elu Erf Exp Gelu HardSigmoid HardSwish Identity LeakyRelu Mish Neg Not Relu Selu Sigmoid Sign Sin Softplus Softsign Sqrt Tanh'.split(
    ' ',
  ),
)
/** Operators of several values of one shape, or of scalars. */
const NARY = new Set(
  'Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Min Mul Or Sub Sum Where'.split(' '),
)

const isScalar = (l: Layouts, value: Value) => l.shape(value)?.every((size) => size === 1) === true
const same = (a: readonly number[] | undefined, b: readonly number[]) => a?.join() === b.join()

/** The activation of a convolution that does what `node` does, if its only reader does. */
function activationOf(l: Layouts, node: NodeProto): Attributes | null {
  if (node.opType === 'Relu') return { activation: 'Relu' }
  if (node.opType !== 'Clip') return null
  const [low, high] = [l.g.known(node.input[1])?.[0], l.g.known(node.input[2])?.[0]]
  if (low === undefined || high === undefined) return null
  return { activation: 'Clip', activation_params: { floats: [low, high] } }
}

/**
 * Both steps of a mask in two passes instead of three: with m of the first, s a power of two and s limit at most 1, the second is
 * that of m - s y - (1 - s limit), which is at most 0 where y is 0, where m is, and exactly 0 where y is the limit: s limit, above
 * 1/2, and what it lacks to 1 are both multiples of 2^-24.
 */
export function lowerInside(l: Layouts, node: NodeProto): void {
  const { g } = l
  const [x, limit, output] = [node.input[0]!, limitOf(node), node.output[0]!]
  const sizes = l.sizesOf(x)
  const scale = 2 ** -Math.ceil(Math.log2(limit))
  if (!sizes || !l.isBlocked(x)) {
    g.emit('Mul', [above(g, l.plain(x), 0), below(g, l.plain(x), limit)], {}, output)
    return
  }
  const vector = (value: number) => g.constant(g.dtype(x), Array(l.filled(sizes[1])).fill(value))
  const from = l.blocked(x)
  const second = { ...affine(l, from, sizes, vector(-scale), vector(scale * limit - 1)), sum: above(g, from, 0) }
  const step = { activation: 'HardSigmoid', activation_params: { floats: [STEEP, 0] } }
  l.setBlocked(output, l.settle(second, sizes, step), sizes)
}

/** Emits an elementwise operator in blocks, if one of its operands lies in blocks. */
export function lowerElementwise(l: Layouts, node: NodeProto, uses: (value: Value) => number): boolean {
  const x = node.input[0]!
  const output = node.output[0]!
  if (node.opType === 'Clip' || UNARY.has(node.opType)) {
    const sizes = l.sizesOf(x)
    if (!sizes || !l.isBlocked(x)) return false
    const activation = activationOf(l, node)
    const deferred = l.deferred(x)
    if (activation && deferred && uses(x) === 1) l.setBlocked(output, l.settle(deferred, sizes, activation), sizes)
    else l.setBlocked(output, l.g.emitLike(node, [l.blocked(x), ...node.input.slice(1)], []), sizes)
    return true
  }
  if (!NARY.has(node.opType)) return false
  const full = node.input
    .map((v) => l.sizesOf(v))
    .find((sizes, i) => sizes && l.isBlocked(node.input[i]!) && sizes[2] * sizes[3] > 1)
  if (!full) return false
  if (node.input.every((v) => same(l.shape(v), full) || isScalar(l, v))) return bySame(l, node, full, uses)
  return byChannel(l, node, full)
}

function bySame(l: Layouts, node: NodeProto, sizes: Sizes, uses: (value: Value) => number): boolean {
  const output = node.output[0]!
  // 1 / 0 in what fills up the blocks would not stay finite.
  if (node.opType === 'Div' && l.filled(sizes[1]) !== sizes[1] && !isScalar(l, node.input[1]!)) return false
  const joined = /^(Add|Sub)$/.test(node.opType) ? joinedSum(l, node, sizes, uses) : null
  if (joined) {
    l.defer(output, joined, sizes)
    return true
  }
  if (node.opType === 'Mul' && node.input.every((v) => same(l.shape(v), sizes)) && uses(output) === 1) {
    l.setProduct(output, [node.input[0]!, node.input[1]!], sizes)
    return true
  }
  const operands = node.input.map((v) => (same(l.shape(v), sizes) ? l.blocked(v) : l.plain(v)))
  l.setBlocked(output, l.g.emitLike(node, operands, []), sizes)
  return true
}

/** a + b or a - b as part of the convolution that makes one of them, and that nothing else reads. */
function joinedSum(l: Layouts, node: NodeProto, sizes: Sizes, uses: (value: Value) => number): Deferred | null {
  const [a, b] = node.input as [Value, Value]
  if (a === b || !same(l.shape(a), sizes) || !same(l.shape(b), sizes)) return null
  const open = (v: Value) => {
    const deferred = uses(v) === 1 ? l.deferred(v) : undefined
    return deferred?.sum === null ? deferred : undefined
  }
  const [first, second] = [open(a), open(b)]
  if (node.opType === 'Add') {
    if (second) return { ...second, sum: l.blocked(a) }
    return first ? { ...first, sum: l.blocked(b) } : null
  }
  if (!second?.bias) return null
  const negated = { w: l.g.emit('Neg', [second.w]), bias: l.g.emit('Neg', [second.bias]) }
  return { ...second, ...negated, sum: l.blocked(a) }
}

/** x with a value of one element per channel, or per channel of each picture. */
function byChannel(l: Layouts, node: NodeProto, sizes: Sizes): boolean {
  const { g } = l
  const [a, b] = node.input as [Value, Value]
  if (!/^(Add|Sub|Mul|Div)$/.test(node.opType)) return false
  const [n, c] = sizes
  const isFirst = same(l.shape(a), sizes)
  const [x, other] = isFirst ? [a, b] : [b, a]
  if (!same(l.shape(x), sizes) || (node.opType === 'Div' && !isFirst)) return false
  const shape = l.shape(other)
  if (!shape) return false
  const four = [...Array(4 - shape.length).fill(1), ...shape]
  if (four[1] !== c || four[2] !== 1 || four[3] !== 1 || (four[0] !== 1 && four[0] !== n)) return false
  const isPerPicture = four[0] !== 1
  const channels = l.filled(c)
  const given = node.opType === 'Div' ? g.div(1, l.plain(other)) : l.plain(other)
  const whole = g.pad(g.reshape(given, [isPerPicture ? n : 1, c]), [0, 0], [0, channels - c])
  const vector = g.reshape(whole, [(isPerPicture ? n : 1) * channels])
  const ones = (value: number) => g.constant(g.dtype(vector), Array((isPerPicture ? n : 1) * channels).fill(value))
  const isFactor = node.opType === 'Mul' || node.opType === 'Div'
  const scale = isFactor ? vector : ones(node.opType === 'Sub' && !isFirst ? -1 : 1)
  const shift = isFactor ? null : node.opType === 'Sub' && isFirst ? g.emit('Neg', [vector]) : vector
  const output = node.output[0]!
  l.defer(output, affine(l, l.blocked(x), sizes, scale, shift, isPerPicture), sizes)
  if (node.opType === 'Mul' && !isPerPicture) l.setScaled(output, { x, factor: g.reshape(given, [c]) })
  return true
}
