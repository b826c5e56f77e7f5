import { floatAttribute, intAttribute } from '../../onnx/node.js'
import { product } from '../../onnx/valueInfo.js'
import type { GraphBuilder, Value } from '../builder.js'
import { single, unary, type VjpRule } from '../rule.js'

/** A vector over the channels (axis 1) in a shape that broadcasts against a value of `rank` axes. */
function perChannel(g: GraphBuilder, vector: Value, rank: number): Value {
  return g.reshape(vector, [null, ...Array(rank - 2).fill(1)])
}

/** y = (x - mean) scale / sqrt(variance + epsilon) + bias with constant statistics, per channel. No rule in training mode. */
const BatchNormalization: VjpRule = single((g, node, c) => {
  const [x, scale, , , variance] = node.input as Value[]
  if (intAttribute(node, 'training_mode', 0) === 1) return []
  const deviation = g.emit('Sqrt', [g.add(variance!, floatAttribute(node, 'epsilon', 1e-5))])
  return [g.mul(c, perChannel(g, g.div(scale!, deviation), g.dims(x!).length))]
})

/**
 * h = (x - mu) r over `axes`, r = 1 / sqrt(variance + epsilon): with c the cotangent of h,
 * dx = r (c - mean c - h mean(c h)).
 */
function standardized(g: GraphBuilder, c: Value, x: Value, axes: readonly number[], epsilon: number): Value {
  const mean = (value: Value) => g.reduce('Mean', value, axes)
  const centred = g.sub(x, mean(x))
  const deviation = g.emit('Sqrt', [g.add(mean(g.mul(centred, centred)), epsilon)])
  const h = g.div(centred, deviation)
  const within = g.sub(g.sub(c, mean(c)), g.mul(h, mean(g.mul(c, h))))
  return g.div(within, deviation)
}

/** Over the axes from `axis` on, scaled elementwise. */
const LayerNormalization: VjpRule = single((g, node, c) => {
  const [x, scale] = node.input as [Value, Value]
  const rank = g.dims(x).length
  const axis = (intAttribute(node, 'axis', -1) + rank) % rank
  const axes = Array.from({ length: rank - axis }, (_, i) => axis + i)
  return [standardized(g, g.mul(c, scale), x, axes, floatAttribute(node, 'epsilon', 1e-5))]
})

/** Per image and channel. */
const InstanceNormalization: VjpRule = single((g, node, c) => {
  const [x, scale] = node.input as [Value, Value]
  const rank = g.dims(x).length
  const axes = Array.from({ length: rank - 2 }, (_, i) => i + 2)
  return [standardized(g, g.mul(c, perChannel(g, scale, rank)), x, axes, floatAttribute(node, 'epsilon', 1e-5))]
})

/** Per image and group of channels; the scale is per group before opset 21, per channel from then on. */
const GroupNormalization: VjpRule = single((g, node, c) => {
  const [x, scale] = node.input as [Value, Value]
  const [, channels, ...sizes] = g.dims(x)
  const groups = intAttribute(node, 'num_groups', 1)
  const inGroups = [0, groups, channels! / groups, product(sizes)]
  const perScale = g.dims(scale)[0] === groups && groups !== channels ? [groups, 1, 1] : [groups, channels! / groups, 1]
  const scaled = g.mul(g.reshape(c, inGroups), g.reshape(scale, perScale))
  const dx = standardized(g, scaled, g.reshape(x, inGroups), [2, 3], floatAttribute(node, 'epsilon', 1e-5))
  return [g.reshapeLike(dx, x)]
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
