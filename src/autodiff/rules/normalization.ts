import { floatAttribute, intAttribute, type NodeProto } from '../../onnx/node.js'
import { product } from '../../onnx/valueInfo.js'
import { unbroadcast } from '../broadcast.js'
import type { GraphBuilder, Value } from '../builder.js'
import { single, unary, type VjpRule } from '../rule.js'

/** A vector over the channels (axis 1) in a shape that broadcasts against a value of `rank` axes. */
function perChannel(g: GraphBuilder, vector: Value, rank: number): Value {
  return g.reshape(vector, [null, ...Array(rank - 2).fill(1)])
}

/** The transpose of perChannel and of the broadcast after it: sums over all axes but the channels. */
function overChannels(g: GraphBuilder, value: Value, rank: number): Value {
  const axes = Array.from({ length: rank }, (_, i) => i).filter((axis) => axis !== 1)
  return g.reduce('Sum', value, axes, false)
}

/**
 * y = h scale + bias with h = (x - mean) / d, d = sqrt(variance + epsilon), per channel: dx = c scale / d, and with sums over
 * the channel dscale = sum c h, dbias = sum c, dmean = -sum c scale / d, dvariance = -sum c h scale / (2 d^2). With the
 * statistics of the batch see `byBatch`.
 */
const BatchNormalization: VjpRule = single((g, node, c) => {
  const [x, scale, , mean, variance] = node.input as Value[]
  if (intAttribute(node, 'training_mode', 0) === 1) return byBatch(g, node, c)
  const rank = g.dims(x!).length
  const deviation = g.emit('Sqrt', [g.add(variance!, floatAttribute(node, 'epsilon', 1e-5))])
  const slope = g.div(scale!, deviation)
  const h = g.div(g.sub(x!, perChannel(g, mean!, rank)), perChannel(g, deviation, rank))
  const [sum, along] = [overChannels(g, c, rank), overChannels(g, g.mul(c, h), rank)]
  return [
    g.mul(c, perChannel(g, slope, rank)),
    along,
    sum,
    g.emit('Neg', [g.mul(sum, slope)]),
    g.mul(g.mul(along, g.div(slope, deviation)), -0.5),
  ]
})

/**
 * Mean and variance are those of the n elements of x in each channel: with h as above, a = scale / d and the channel's means
 * over c and c h, dx = a (c - mean c - mean(c h) h). Only for a momentum of 0, where the operator's other outputs are these
 * statistics: with another, as files exported for training have it, pictures would influence each other in a batch that nobody
 * asked for.
 */
function byBatch(g: GraphBuilder, node: NodeProto, c: Value): (Value | null)[] {
  const [x, scale] = node.input as [Value, Value]
  const [, mean, variance] = node.output as [Value, Value?, Value?]
  if (floatAttribute(node, 'momentum', 0.9) !== 0 || !mean || !variance) return []
  const rank = g.dims(x).length
  const epsilon = floatAttribute(node, 'epsilon', 1e-5)
  const deviation = g.emit('Sqrt', [g.add(variance, epsilon)])
  const share = g.div(g.size(x, 1), g.cast(g.emit('Size', [x]), g.dtype(x)))
  const sum = overChannels(g, c, rank)
  const along = g.div(g.sub(overChannels(g, g.mul(c, x), rank), g.mul(mean, sum)), deviation)
  // One pass, as a normalisation of its own.
  const leaning = [x, g.mul(along, share), g.mul(sum, share), mean, variance]
  const within = g.sub(c, g.emit('BatchNormalization', leaning, { epsilon: { float: epsilon } }))
  const a = g.note(perChannel(g, g.div(scale, deviation), rank), [g.size(x, 1), ...Array(rank - 2).fill(1)])
  return [g.mul(within, a), along, sum, null, null]
}

/**
 * h = (x - mu) r over `axes`, r = 1 / sqrt(variance + epsilon), and `dx` = r (c - mean c - h mean(c h)) with c the cotangent
 * of h.
 */
function standardized(g: GraphBuilder, c: Value, x: Value, axes: readonly number[], epsilon: number) {
  const mean = (value: Value) => g.reduce('Mean', value, axes)
  const centred = g.sub(x, mean(x))
  const deviation = g.emit('Sqrt', [g.add(mean(g.mul(centred, centred)), epsilon)])
  const h = g.div(centred, deviation)
  const within = g.sub(g.sub(c, mean(c)), g.mul(h, mean(g.mul(c, h))))
  return { h, dx: g.div(within, deviation) }
}

/** Over the axes from `axis` on, scaled elementwise. */
const LayerNormalization: VjpRule = single((g, node, c) => {
  const [x, scale, bias] = node.input as [Value, Value, Value?]
  const rank = g.dims(x).length
  const axis = (intAttribute(node, 'axis', -1) + rank) % rank
  const axes = Array.from({ length: rank - axis }, (_, i) => axis + i)
  const { h, dx } = standardized(g, g.mul(c, scale), x, axes, floatAttribute(node, 'epsilon', 1e-5))
  const summed = (value: Value, like: Value) => unbroadcast(g, value, g.dims(x), g.dims(like))
  return [dx, summed(g.mul(c, h), scale), bias ? summed(c, bias) : null]
})

/** Per image and channel. */
const InstanceNormalization: VjpRule = single((g, node, c) => {
  const [x, scale] = node.input as [Value, Value]
  const rank = g.dims(x).length
  const axes = Array.from({ length: rank - 2 }, (_, i) => i + 2)
  const scaled = g.mul(c, perChannel(g, scale, rank))
  const { h, dx } = standardized(g, scaled, x, axes, floatAttribute(node, 'epsilon', 1e-5))
  return [dx, overChannels(g, g.mul(c, h), rank), overChannels(g, c, rank)]
})

/** Per image and group of channels; scale and bias are per group before opset 21, per channel from then on. */
const GroupNormalization: VjpRule = single((g, node, c) => {
  const [x, scale] = node.input as [Value, Value]
  const [, channels, ...sizes] = g.dims(x)
  const groups = intAttribute(node, 'num_groups', 1)
  const inGroups = [0, groups, channels! / groups, product(sizes)]
  const isPerGroup = g.dims(scale)[0] === groups
  const cotangent = g.reshape(c, inGroups)
  const scaled = g.mul(cotangent, g.reshape(scale, [groups, isPerGroup ? 1 : channels! / groups, 1]))
  const { h, dx } = standardized(g, scaled, g.reshape(x, inGroups), [2, 3], floatAttribute(node, 'epsilon', 1e-5))
  const summed = (value: Value) => g.reshapeLike(g.reduce('Sum', value, isPerGroup ? [0, 2, 3] : [0, 3], false), scale)
  return [g.reshapeLike(dx, x), summed(g.mul(cotangent, h)), summed(cotangent)]
})

/** y = x / |x|_p along one axis: p = 2: (c - y sum c y) / |x|; p = 1: (c - sign(x) sum c y) / |x|. */
const LpNormalization: VjpRule = unary((g, c, x, y, node) => {
  const axes = [intAttribute(node, 'axis', -1)]
  const p = intAttribute(node, 'p', 2)
  const along = g.reduce('Sum', g.mul(c, y), axes)
  const direction = p === 1 ? g.emit('Sign', [x]) : y
  return g.div(g.sub(c, g.mul(direction, along)), g.reduce(p === 1 ? 'L1' : 'L2', x, axes))
})

/**
 * y = x B^-beta, B = bias + alpha / size S(x^2), S the sum over `size` neighbouring channels, lower of the two halves
 * first: dx = c B^-beta - 2 alpha beta / size x S'(c y / B), S' the sum over the mirrored window.
 */
const LRN: VjpRule = unary((g, c, x, y, node) => {
  const size = intAttribute(node, 'size', 1)
  const [alpha, beta] = [floatAttribute(node, 'alpha', 1e-4), floatAttribute(node, 'beta', 0.75)]
  const [, channels, ...spatial] = g.dims(x)
  const below = Math.floor((size - 1) / 2)
  const neighbours = (value: Value, before: number) => {
    const rows = g.reshape(value, [0, 1, channels!, product(spatial)])
    const pads = [before, 0, size - 1 - before, 0]
    const mean = g.emit('AveragePool', [rows], { kernel_shape: [size, 1], pads, count_include_pad: 1 })
    return g.reshapeLike(g.mul(mean, size), x)
  }
  const base = g.add(g.mul(neighbours(g.mul(x, x), below), alpha / size), floatAttribute(node, 'bias', 1))
  const shared = neighbours(g.div(g.mul(c, y), base), size - 1 - below)
  const direct = g.mul(c, g.emit('Pow', [base, -beta]))
  return g.sub(direct, g.mul(g.mul(x, (2 * alpha * beta) / size), shared))
})

export const NORMALIZATION: Record<string, VjpRule> = {
  BatchNormalization,
  LayerNormalization,
  InstanceNormalization,
  GroupNormalization,
  LpNormalization,
  LRN,
}
