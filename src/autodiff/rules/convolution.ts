import { intAttribute, intsAttribute, type NodeProto, stringAttribute } from '../../onnx/node.js'
import type { GraphBuilder, Value } from '../builder.js'
import { single, type VjpRule } from '../rule.js'
import { autoPad, interleave } from '../window.js'

/** What a convolution does along its spatial axes, one element an axis. */
interface Convolution {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly before: readonly number[]
  readonly after: readonly number[]
  readonly group: number
}

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

/**
 * Weights [M, C / group, k...] for the cotangent of a convolution of stride s: [C s..., M / group, ceil(k / s)...]. Output
 * channel (c, q) holds the taps k = q + s t, t mirrored; for s = 1 it is the point-mirrored kernel of the transposed
 * product.
 */
function mirrored(g: GraphBuilder, weights: Value, { kernel, strides, group }: Convolution): Value {
  const [m, c] = g.sizes(weights)
  const rank = kernel.length
  const taps = kernel.map((k, i) => Math.ceil(k / strides[i]!))
  const excess = kernel.map((k, i) => taps[i]! * strides[i]! - k)
  const padded = g.pad(weights, [0, 0, ...kernel.map(() => 0)], [0, 0, ...excess])
  const split = g.reshape(padded, [group, m! / group, c!, ...taps.flatMap((t, i) => [t, strides[i]!])])
  const tapAxes = taps.map((_, i) => 3 + 2 * i)
  const flipped = g.slice(
    split,
    tapAxes,
    taps.map(() => -1),
    taps.map(() => -(2 ** 31)),
    taps.map(() => -1),
  )
  const ordered = g.transpose(flipped, [0, 2, ...tapAxes.map((a) => a + 1), 1, ...tapAxes])
  const phases = strides.reduce((a, b) => a * b, 1)
  return rank > 0 ? g.reshape(ordered, [group * c! * phases, m! / group, ...taps]) : ordered
}

/** Convolution with pads of which negative ones cut. */
function convolve(
  g: GraphBuilder,
  c: Value,
  weights: Value,
  before: readonly number[],
  after: readonly number[],
  more: { dilations?: readonly number[]; group: number },
): Value {
  const [cut, keep] = [(p: number) => Math.min(p, 0), (p: number) => Math.max(p, 0)]
  const inside = g.pad(c, [0, 0, ...before.map(cut)], [0, 0, ...after.map(cut)])
  return g.emit('Conv', [inside, weights], { pads: [...before.map(keep), ...after.map(keep)], ...more })
}

/**
 * y[m, i] = sum over c, k of W[m, c, k] x[c, s i + d k - p]. The cotangent of x is the transposed convolution of that of
 * y. For stride 1 that is a convolution with the mirrored kernel and pads d (k - 1) - p, as fast as the forward one,
 * where ConvTranspose takes 1.5 to 6 times as long. For stride s it is s^2 such convolutions, one for every residue of
 * the position modulo s, done as one convolution with s^2 times the channels and a DepthToSpace.
 */
const Conv: VjpRule = single((g, node, c) => {
  const [x, w] = node.input as [Value, Value]
  const y = node.output[0]!
  const geo = convolution(g, node, x, y)
  const { kernel, strides, dilations, before, after, group } = geo
  if (strides.every((s) => s === 1)) {
    const reach = kernel.map((k, i) => dilations[i]! * (k - 1))
    return [
      convolve(
        g,
        c,
        mirrored(g, w, geo),
        reach.map((r, i) => r - before[i]!),
        reach.map((r, i) => r - after[i]!),
        { dilations, group },
      ),
    ]
  }
  const [n, channels] = g.dims(x)
  const [sizes, counts] = [g.sizes(x, 2), g.sizes(y, 2)]
  const frame = (full: Value, covered: readonly number[]) =>
    g.pad(full, [0, 0, ...before.map((p) => -p)], [0, 0, ...sizes.map((size, i) => size + before[i]! - covered[i]!)])
  if (kernel.every((k) => k === 1)) {
    const value = convolve(
      g,
      c,
      mirrored(g, w, { ...geo, strides: kernel }),
      kernel.map(() => 0),
      kernel.map(() => 0),
      { group },
    )
    const origin = strides.map(() => 0).join()
    const spaced = interleave(g, new Map([[origin, value]]), strides, [n!, channels!, ...counts])
    return [
      frame(
        spaced,
        counts.map((count, i) => count * strides[i]!),
      ),
    ]
  }
  if (strides.length === 2 && strides[0] === strides[1] && dilations.every((d) => d === 1)) {
    const extra = kernel.map((k) => Math.ceil(k / strides[0]!) - 1)
    const phases = convolve(g, c, mirrored(g, w, geo), extra, extra, { group })
    const full = g.emit('DepthToSpace', [phases], { blocksize: strides[0]!, mode: 'CRD' })
    return [
      frame(
        full,
        counts.map((count, i) => (count + extra[i]!) * strides[i]!),
      ),
    ]
  }
  const full = g.emit('ConvTranspose', [c, w], { strides, dilations, group })
  return [
    frame(
      full,
      counts.map((count, i) => (count - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1),
    ),
  ]
})

/** The transpose of a convolution: the cotangent of its input is that convolution of the output's cotangent. */
const ConvTranspose: VjpRule = single((g, node, c) => {
  const [x, w] = node.input as [Value, Value]
  const { strides, dilations, group, before, after } = convolution(g, node, node.output[0]!, x)
  return [g.emit('Conv', [c, w], { strides, dilations, group, pads: [...before, ...after] })]
})

export const CONVOLUTION: Record<string, VjpRule> = { Conv, ConvTranspose }
