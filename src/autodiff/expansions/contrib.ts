/**
 * Operators of onnxruntime's own domain, which its optimisers write when an optimised model is saved. But for
 * FusedMatMul nothing looks at sizes: for some the CPU provider has no kernel to find them out with.
 */
import {
  attributesWithout,
  floatAttribute,
  floatsAttribute,
  intAttribute,
  type NodeProto,
  stringAttribute,
} from '../../onnx/node.js'
import { revise } from '../../onnx/revise.js'
import type { GraphBuilder, Operand, Value } from '../builder.js'
import type { Expansion } from '../expansion.js'

const float = (value: number) => ({ float: value })

/** The activation that a fused operator names, with its parameters. */
function activated(g: GraphBuilder, x: Value, name: string, [a, b]: readonly number[]): Value | undefined {
  if (name === '') return x
  if (name === 'LeakyRelu') return g.emit(name, [x], { alpha: float(a ?? 0.01) })
  if (name === 'HardSigmoid') return g.emit(name, [x], { alpha: float(a ?? 0.2), beta: float(b ?? 0.5) })
  if (name === 'Clip') return g.emit(name, [x, a ?? null, b ?? null])
  return ['HardSwish', 'Relu', 'Sigmoid', 'Tanh'].includes(name) ? g.emit(name, [x]) : undefined
}

/** `node` under its standard name, without the attributes that only the fused one has. */
function plain(g: GraphBuilder, node: NodeProto, op: string, operands: readonly Operand[], dropped: string[]): Value {
  const standard = revise(node, { opType: op, attribute: attributesWithout(node, dropped) })
  return g.emitLike(standard, operands, [])
}

/** A convolution, a fourth input added to it, and an activation. */
const FusedConv: Expansion = (g, node) => {
  const [x, w, bias, sum] = node.input as [Value, Value, Value?, Value?]
  const y = plain(g, node, 'Conv', bias ? [x, w, bias] : [x, w], ['activation', 'activation_params'])
  const parameters = floatsAttribute(node, 'activation_params') ?? []
  const result = activated(g, sum ? g.add(y, sum) : y, stringAttribute(node, 'activation', ''), parameters)
  return result === undefined ? undefined : [result]
}

const FusedGemm: Expansion = (g, node) => {
  const own = ['activation', 'activation_alpha', 'activation_beta', 'activation_gamma']
  const y = plain(
    g,
    node,
    'Gemm',
    node.input.map((v) => v || null),
    own,
  )
  const name = stringAttribute(node, 'activation', '')
  const given = own.slice(1, 3).filter((key) => node.attribute.some((a) => a.name === key))
  const result = activated(
    g,
    y,
    name,
    given.map((key) => floatAttribute(node, key, 0)),
  )
  return result === undefined ? undefined : [result]
}

/** x Phi(x). */
function gelu(g: GraphBuilder, x: Value): Value {
  if (g.opset >= 20) return g.emit('Gelu', [x])
  return g.mul(g.mul(x, 0.5), g.add(g.emit('Erf', [g.mul(x, Math.SQRT1_2)]), 1))
}

/** x (1 + tanh(k (x + .044715 x^3))) / 2, k = sqrt(2 / pi). */
function fastGelu(g: GraphBuilder, x: Value): Value {
  const inner = g.mul(g.mul(x, Math.sqrt(2 / Math.PI)), g.add(g.mul(g.mul(x, x), 0.044715), 1))
  return g.mul(g.mul(x, 0.5), g.add(g.emit('Tanh', [inner]), 1))
}

/** x with the bias added that is the second input. */
const biased = (g: GraphBuilder, [x, bias]: readonly string[]) => (bias ? g.add(x!, bias) : x!)

const QuickGelu: Expansion = (g, node) => {
  const x = node.input[0]!
  return [g.mul(x, g.emit('Sigmoid', [g.mul(x, floatAttribute(node, 'alpha', 1.702))]))]
}

/** A sum, with a bias, normalised over the last axis: by mean and deviation, or by the root mean square alone. */
const skip =
  (isCentred: boolean): Expansion =>
  (g, node) => {
    const [x, residual, scale, fourth, fifth] = node.input as [Value, Value, Value, Value?, Value?]
    const [shift, bias] = isCentred ? [fourth, fifth] : [undefined, fourth]
    const added = g.add(x, residual)
    const sum = bias ? g.add(added, bias) : added
    const epsilon = floatAttribute(node, 'epsilon', 1e-5)
    const mean = g.reduce('Mean', sum, [-1])
    const centred = isCentred ? g.sub(sum, mean) : sum
    const variance = g.reduce('Mean', g.mul(centred, centred), [-1])
    const factor = g.emit('Reciprocal', [g.emit('Sqrt', [g.add(variance, epsilon)])])
    const normalised = isCentred
      ? g.emit('LayerNormalization', [sum, scale, ...(shift ? [shift] : [])], { axis: -1, epsilon: float(epsilon) })
      : g.mul(g.mul(sum, factor), scale)
    return [normalised, mean, factor, sum]
  }

/** Attention of heads that lie side by side in the last axis; no packed, masked or cached form. */
const MultiHeadAttention: Expansion = (g, node) => {
  const [query, key, value, bias, mask, extra, ...cache] = node.input as (Value | undefined)[]
  if (!query || !key || !value || mask || cache.some(Boolean) || intAttribute(node, 'unidirectional', 0))
    return undefined
  const heads = intAttribute(node, 'num_heads', 1)
  const width = (of: Value) => g.emit('Shape', [of], { start: 2 })
  const parts = bias
    ? g.emitMany('Split', [bias, g.emit('Concat', [query, key, value].map(width), { axis: 0 })], { axis: 0 }, 3)
    : undefined
  const split = (of: Value, i: number) => {
    const full = parts ? g.add(of, parts[i]!) : of
    return g.transpose(g.reshape(full, [0, 0, heads, null]), [0, 2, 1, 3])
  }
  const [q, k, v] = [query, key, value].map(split) as [Value, Value, Value]
  const depth = g.cast(g.emit('Shape', [q], { start: 3 }), g.dtype(q))
  const given = floatAttribute(node, 'scale', 0)
  const scaled = given > 0 ? g.mul(q, given) : g.div(q, g.emit('Sqrt', [depth]))
  const product = g.emit('MatMul', [scaled, g.transpose(k, [0, 1, 3, 2])])
  const weights = g.emit('Softmax', [extra ? g.add(product, extra) : product], { axis: -1 })
  const result = g.transpose(g.emit('MatMul', [weights, v]), [0, 2, 1, 3])
  return [g.reshape(result, [0, 0, null])]
}

/** alpha A' B', where A' is A or that with its last two axes swapped; no form with the batch last. */
const FusedMatMul: Expansion = (g, node) => {
  const [a, b] = node.input as [Value, Value]
  if (intAttribute(node, 'transBatchA', 0) || intAttribute(node, 'transBatchB', 0)) return undefined
  const turned = (value: Value, flag: string) => {
    const axes = g.dims(value).map((_, axis) => axis)
    if (!intAttribute(node, flag, 0) || axes.length < 2) return value
    return g.transpose(value, [...axes.slice(0, -2), axes.length - 1, axes.length - 2])
  }
  const alpha = floatAttribute(node, 'alpha', 1)
  const factor = turned(a, 'transA')
  return [g.emit('MatMul', [alpha === 1 ? factor : g.mul(factor, alpha), turned(b, 'transB')])]
}

export const SIZED_CONTRIB: Record<string, Expansion> = {
  'com.microsoft.FusedMatMul': FusedMatMul,
}

export const CONTRIB: Record<string, Expansion> = {
  'com.microsoft.FusedConv': FusedConv,
  'com.microsoft.FusedGemm': FusedGemm,
  'com.microsoft.Gelu': (g, { input }) => [gelu(g, input[0]!)],
  'com.microsoft.BiasGelu': (g, { input }) => [gelu(g, biased(g, input))],
  'com.microsoft.FastGelu': (g, { input }) => [fastGelu(g, biased(g, input))],
  'com.microsoft.QuickGelu': QuickGelu,
  'com.microsoft.SkipLayerNormalization': skip(true),
  'com.microsoft.SkipSimplifiedLayerNormalization': skip(false),
  'com.microsoft.MultiHeadAttention': MultiHeadAttention,
}
