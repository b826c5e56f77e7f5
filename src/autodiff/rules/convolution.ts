import { intAttribute, intsAttribute, type NodeProto, stringAttribute } from '../../onnx/node.js'
import type { GraphBuilder, Value } from '../builder.js'
import { inputCotangent } from '../inputCotangent.js'
import { type Convolution, kernelCotangent } from '../kernelCotangent.js'
import { single, type VjpRule } from '../rule.js'
import { autoPad } from '../window.js'

/** The geometry of a convolution from `wide` to `narrow`: x and y of Conv, y and x of ConvTranspose. */
function convolution(g: GraphBuilder, node: NodeProto, wide: Value, narrow: Value): Convolution {
  const kernel = g.sizes(node.input[1]!, 2)
  const strides = intsAttribute(node, 'strides') ?? kernel.map(() => 1)
  const dilations = intsAttribute(node, 'dilations') ?? kernel.map(() => 1)
  const shared = { kernel, strides, dilations, group: intAttribute(node, 'group', 1) }
  const mode = stringAttribute(node, 'auto_pad', 'NOTSET')
  if (mode === 'NOTSET' && !intsAttribute(node, 'output_shape')) {
    const pads = intsAttribute(node, 'pads') ?? [...kernel, ...kernel].map(() => 0)
    return { ...shared, before: pads.slice(0, kernel.length), after: pads.slice(kernel.length) }
  }
  const [sizes, counts] = [g.sizes(wide, 2), g.sizes(narrow, 2)]
  const totals = kernel.map((k, i) => (counts[i]! - 1) * strides[i]! + (k - 1) * dilations[i]! + 1 - sizes[i]!)
  // A given output_shape alone puts the odd element before.
  const before = totals.map((total) => autoPad(mode === 'NOTSET' ? 'SAME_LOWER' : mode, total))
  return { ...shared, before, after: totals.map((total, i) => Math.max(total, 0) - before[i]!) }
}

/** y[m, i] = sum over c, k of W[m, c, k] x[c, s i + d k - p]. */
const Conv: VjpRule = single((g, node, c) => {
  const [x, w] = node.input as [Value, Value]
  const y = node.output[0]!
  return [inputCotangent(g, c, x, y, w, convolution(g, node, x, y))]
})

/** The transpose of a convolution: the cotangent of its input is that convolution of the output's cotangent. */
const ConvTranspose: VjpRule = single((g, node, c) => {
  const [x, w] = node.input as [Value, Value]
  const { strides, dilations, group, before, after } = convolution(g, node, node.output[0]!, x)
  return [g.emit('Conv', [c, w], { strides, dilations, group, pads: [...before, ...after] })]
})

/**
 * Completes `ofInput`, the rule for the input of a convolution, for weights that are computed and for the bias, whose
 * cotangent is the sum over images and positions.
 */
function withWeights(ofInput: VjpRule, isTransposed: boolean): VjpRule {
  return single((g, node, c) => {
    const [x, w] = node.input as [Value, Value]
    const y = node.output[0]!
    const [wide, narrow] = isTransposed ? [y, x] : [x, y]
    const weights = () => {
      const [from, to] = isTransposed ? [c, x] : [x, c]
      const sizes = { wideSizes: g.sizes(wide, 1), narrowSizes: g.sizes(narrow, 1) }
      return kernelCotangent(g, { wide: from, narrow: to, ...sizes }, convolution(g, node, wide, narrow))
    }
    const positions = g.dims(y).flatMap((_, axis) => (axis === 1 ? [] : [axis]))
    const bias = node.input[2] ? g.reduce('Sum', c, positions, false) : null
    return [ofInput(g, node, [c])[0]!, g.isInitializer(w) ? null : weights(), bias]
  })
}

/**
 * x [N, C K, L] holds C windows of K elements at each of L places, which add up to a picture: the cotangent of a window is what the
 * picture's has there, cut out by a convolution of K filters a channel, each of which takes one element.
 */
const Col2Im: VjpRule = single((g, node, c) => {
  const block = g.known(node.input[2])
  const x = node.input[0]!
  if (!block) return []
  const elements = block.reduce((a, b) => a * b)
  const channels = g.size(x, 1) / elements
  const filters = new Float32Array(channels * elements * elements)
  for (let i = 0; i < channels * elements; i++) filters[i * elements + (i % elements)] = 1
  const given = (name: string, fallback: number) => intsAttribute(node, name) ?? Array(block.length).fill(fallback)
  const [strides, dilations] = [given('strides', 1), given('dilations', 1)]
  const pads = intsAttribute(node, 'pads') ?? Array(2 * block.length).fill(0)
  const weights = g.cast(g.weights(filters, [channels * elements, 1, ...block]), g.dtype(c))
  const windows = g.emit('Conv', [c, weights], { strides, dilations, pads, group: channels, kernel_shape: block })
  return [g.reshapeLike(windows, x), null, null]
})

export const CONVOLUTION: Record<string, VjpRule> = {
  Col2Im,
  Conv: withWeights(Conv, false),
  ConvTranspose: withWeights(ConvTranspose, true),
}
