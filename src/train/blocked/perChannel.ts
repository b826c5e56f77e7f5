/** Normalisations, sums and products by channel on blocked values. */
import type { Value } from '../../autodiff/builder.js'
import { BLOCKED, floatAttribute, intAttribute, intsAttribute, type NodeProto } from '../../onnx/node.js'
import type { Deferred, Layouts, Sizes } from './layouts.js'

/**
 * y = scale x + shift by channel (vectors of filled channels), or by channel of each picture (of N times as many): the depthwise
 * convolution with kernels of one element, which a sum and an activation may join.
 */
export function affine(
  l: Layouts,
  x: Value,
  [n, c, h, w]: Sizes,
  scale: Value,
  shift: Value | null,
  isPerPicture = false,
): Deferred {
  const group = (isPerPicture ? n : 1) * l.filled(c)
  const from = isPerPicture ? l.g.reshape(x, [1, group, h, w]) : x
  const filters = l.g.reshape(scale, [group, 1, 1, 1])
  return { x: from, w: filters, bias: shift, attributes: { kernel_shape: [1, 1], group }, sum: null, isPerPicture }
}

/** Filters [M, ...] with a factor for each of the M; packed ones lie as a blocked value of M channels does. */
export function scaledFilters(l: Layouts, w: Value, sizes: readonly number[], factor: Value, isPacked: boolean): Value {
  const { g } = l
  const [m, ...each] = sizes as [number, ...number[]]
  const positions = each.reduce((a, b) => a * b, 1)
  const one: Sizes = [1, m, positions, 1]
  const rows = isPacked
    ? l.settle(affine(l, g.reshape(w, one), one, factor, null), one)
    : g.mul(g.reshape(w, [m, positions]), g.reshape(factor, [m, 1]))
  const scaled = g.reshape(rows, sizes)
  l.setShape(scaled, sizes)
  return scaled
}

/** Sums over the positions of a product of two blocked values, as [N, filled channels]: a depthwise convolution of one by the other. */
function dot(l: Layouts, a: Value, b: Value, [n, c, h, w]: Sizes): Value {
  const group = n * l.filled(c)
  const operands = [l.g.reshape(a, [1, group, h, w]), l.g.reshape(b, [group, 1, h, w])]
  const sums = l.g.emitOf(BLOCKED, 'Conv', operands, { kernel_shape: [h, w], group })
  return l.g.reshape(sums, [n, l.filled(c)])
}

/** Means over the positions of a blocked value, [N, filled channels, 1, 1]. */
const means = (l: Layouts, x: Value): Value => l.g.emitOf(BLOCKED, 'GlobalAveragePool', [x])

/** The first `channels` of a vector of filled channels. */
const own = (l: Layouts, vector: Value, channels: number): Value =>
  l.filled(channels) === channels ? vector : l.g.slice(vector, [0], [0], [channels])

/** The mean of the squares of each channel. */
const squares = (l: Layouts, x: Value, sizes: Sizes): Value =>
  l.g.div(l.g.reduce('Sum', dot(l, x, x, sizes), [0], false), sizes[0] * sizes[2] * sizes[3])

/** The variance of each channel about its mean, in two passes. */
function varianceAround(l: Layouts, x: Value, sizes: Sizes, mean: Value): Value {
  const ones = l.g.constant(l.g.dtype(x), Array(l.filled(sizes[1])).fill(1))
  return squares(l, l.settle(affine(l, x, sizes, ones, l.g.emit('Neg', [mean])), sizes), sizes)
}

/** Of a square of a mean that is more than so many times the variance, a float32 keeps too little of the variance. */
const FAR = 100

/** The same in one pass, as the mean of squares less the square of the mean, unless a mean is too far from 0 for that. */
function varianceBeside(l: Layouts, x: Value, sizes: Sizes, mean: Value, epsilon: number): Value {
  const { g } = l
  const [ofSquares, ofMean] = [squares(l, x, sizes), g.mul(mean, mean)]
  const beyond = g.reduce('Min', g.sub(g.mul(ofSquares, 1 - 1 / FAR), ofMean), [0], false)
  return g.branch(
    g.emit('Less', [beyond, -epsilon]),
    () => varianceAround(l, x, sizes, mean),
    () => g.emit('Relu', [g.sub(ofSquares, ofMean)]),
  )
}

/** y = scale (x - mean) / sqrt(variance + epsilon) + bias, of given statistics or those of the batch. */
export function lowerBatchNormalization(l: Layouts, node: NodeProto): boolean {
  const { g } = l
  const [x, scale, bias, givenMean, givenVariance] = node.input as [Value, Value, Value, Value, Value]
  const sizes = l.sizesOf(x)
  const isTraining = intAttribute(node, 'training_mode', 0) === 1
  if (!sizes || !l.isBlocked(x) || (isTraining && floatAttribute(node, 'momentum', 0.9) !== 0)) return false
  const [n, c] = sizes
  const from = l.blocked(x)
  const epsilon = floatAttribute(node, 'epsilon', 1e-5)
  let [mean, variance] = [givenMean, givenVariance]
  if (isTraining) {
    const ofBatch = g.reduce('Mean', g.reshape(means(l, from), [n, l.filled(c)]), [0], false)
    const spread = l.centred.has(x)
      ? varianceBeside(l, from, sizes, ofBatch, epsilon)
      : varianceAround(l, from, sizes, ofBatch)
    mean = g.emit('Identity', [own(l, ofBatch, c)], {}, node.output[1] || undefined)
    variance = g.emit('Identity', [own(l, spread, c)], {}, node.output[2] || undefined)
  }
  const slope = g.div(scale, g.emit('Sqrt', [g.add(variance, epsilon)]))
  const shift = g.sub(bias, g.mul(mean, slope))
  l.defer(node.output[0]!, affine(l, from, sizes, l.vector(slope, c), l.vector(shift, c)), sizes)
  return true
}

/** The same of the statistics of each channel of each picture. */
export function lowerInstanceNormalization(l: Layouts, node: NodeProto): boolean {
  const { g } = l
  const [x, scale, bias] = node.input as [Value, Value, Value]
  const sizes = l.sizesOf(x)
  if (!sizes || !l.isBlocked(x)) return false
  const [n, c, h, w] = sizes
  const [from, channels] = [l.blocked(x), l.filled(c)]
  const mean = g.reshape(means(l, from), [n, channels])
  const ones = g.constant(g.dtype(from), Array(n * channels).fill(1))
  const flat = (value: Value) => g.reshape(value, [n * channels])
  const centred = l.settle(affine(l, from, sizes, ones, flat(g.emit('Neg', [mean])), true), sizes)
  const variance = g.div(dot(l, centred, centred, sizes), h * w)
  const deviation = g.emit('Sqrt', [g.add(variance, floatAttribute(node, 'epsilon', 1e-5))])
  const slope = g.div(l.vector(scale, c), deviation)
  const shift = g.emit('Expand', [l.vector(bias, c), g.integers([n, channels])])
  l.defer(node.output[0]!, affine(l, centred, sizes, flat(slope), flat(shift), true), sizes)
  return true
}

/** Sums and means over positions, or over pictures and positions. */
export function lowerReduction(l: Layouts, node: NodeProto): boolean {
  const { g } = l
  const x = node.input[0]!
  const sizes = l.sizesOf(x)
  const axes = intsAttribute(node, 'axes') ?? g.known(node.input[1])
  if (!sizes || !axes) return false
  const [n, c, h, w] = sizes
  const keeps = intAttribute(node, 'keepdims', 1) === 1
  const over = [...axes].sort().join()
  const isMean = node.opType === 'ReduceMean'
  const factors = l.product(x)
  if (!factors && !l.isBlocked(x)) return false
  if (over !== '2,3' && over !== '0,2,3') return false
  let each: Value
  if (factors) each = g.reshape(dot(l, l.blocked(factors[0]), l.blocked(factors[1]), sizes), [n, l.filled(c), 1, 1])
  else each = g.mul(means(l, l.blocked(x)), h * w)
  const output = node.output[0]!
  if (over === '2,3') {
    if (!keeps) return false
    l.setBlocked(output, isMean ? g.div(each, h * w) : each, [n, c, 1, 1])
    return true
  }
  const summed = own(l, g.reduce('Sum', g.reshape(each, [n, l.filled(c)]), [0], false), c)
  const result = isMean ? g.div(summed, n * h * w) : summed
  g.emit('Reshape', [result, g.integers(keeps ? [1, c, 1, 1] : [c])], {}, output)
  l.setShape(output, keeps ? [1, c, 1, 1] : [c])
  return true
}
