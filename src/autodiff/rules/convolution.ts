import { intAttribute, intsAttribute, type NodeProto, stringAttribute } from '../../onnx/node.js'
import type { GraphBuilder, Value } from '../builder.js'
import { type Convolution, kernelCotangent } from '../kernelCotangent.js'
import { single, type VjpRule } from '../rule.js'
import { autoPad, interleave } from '../window.js'

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

/** How the cotangent of a convolution's input is a convolution of stride 1, along each spatial axis. */
interface Mirror {
  /** Zeros put before the kernel so that tap k'' = k + lead lands on residue k'' mod stride of the input's positions. */
  readonly lead: readonly number[]
  readonly taps: readonly number[]
  readonly before: readonly number[]
  readonly after: readonly number[]
  /** Positions of each residue. */
  readonly outputs: readonly number[]
}

/**
 * With k + lead = r + s t and before + lead = s P, x at s j + r meets y at j - t + P, t < taps: reversed, a convolution
 * with taps - 1 - P elements of padding before.
 */
function mirror({ kernel, strides, dilations, before }: Convolution, sizes: number[], counts: number[]): Mirror {
  const lead = strides.map((s, i) => (s - (before[i]! % s)) % s)
  const taps = kernel.map((k, i) => Math.ceil((k + lead[i]!) / strides[i]!))
  const outputs = sizes.map((size, i) => Math.ceil(size / strides[i]!))
  const pads = taps.map((t, i) => (t - 1) * dilations[i]! - (before[i]! + lead[i]!) / strides[i]!)
  const after = outputs.map((n, i) => n + (taps[i]! - 1) * dilations[i]! - counts[i]! - pads[i]!)
  return { lead, taps, before: pads, after, outputs }
}

/** Weights [M, C / group, k...] as [C s..., M / group, taps...]: output channel (c, r) holds the taps of residue r. */
function mirrored(g: GraphBuilder, weights: Value, { kernel, strides, group }: Convolution, to: Mirror): Value {
  const [m, c] = g.sizes(weights)
  const excess = kernel.map((k, i) => to.taps[i]! * strides[i]! - k - to.lead[i]!)
  const padded = g.pad(weights, [0, 0, ...to.lead], [0, 0, ...excess])
  const split = g.reshape(padded, [group, m! / group, c!, ...to.taps.flatMap((t, i) => [t, strides[i]!])])
  const tapAxes = to.taps.map((_, i) => 3 + 2 * i)
  const flipped = g.slice(
    split,
    tapAxes,
    to.taps.map(() => -1),
    to.taps.map(() => -(2 ** 31)),
    to.taps.map(() => -1),
  )
  const ordered = g.transpose(flipped, [0, 2, ...tapAxes.map((a) => a + 1), 1, ...tapAxes])
  const residues = strides.reduce((a, b) => a * b, 1)
  return g.reshape(ordered, [group * c! * residues, m! / group, ...to.taps])
}

/** Convolution with pads of which negative ones cut. */
function convolve(g: GraphBuilder, c: Value, weights: Value, to: Mirror, dilations: readonly number[], group: number) {
  const [cut, keep] = [(p: number) => Math.min(p, 0), (p: number) => Math.max(p, 0)]
  const inside = g.pad(c, [0, 0, ...to.before.map(cut)], [0, 0, ...to.after.map(cut)])
  return g.emit('Conv', [inside, weights], { pads: [...to.before.map(keep), ...to.after.map(keep)], dilations, group })
}

/**
 * y[m, i] = sum over c, k of W[m, c, k] x[c, s i + d k - p]. The cotangent of x is the transposed convolution of that of
 * y. For stride 1 that is a convolution with the mirrored kernel, as fast as the forward one, where ConvTranspose takes
 * 1.5 to 6 times as long. For stride s it is s^2 such convolutions, one for every residue of the position modulo s, done
 * as one convolution with s^2 times the channels and a DepthToSpace; not for depthwise convolutions, whose many channels
 * have no fast kernel.
 */
const Conv: VjpRule = single((g, node, c) => {
  const [x, w] = node.input as [Value, Value]
  const y = node.output[0]!
  const geo = convolution(g, node, x, y)
  const { kernel, strides, dilations, group } = geo
  const [sizes, counts] = [g.sizes(x, 2), g.sizes(y, 2)]
  const isDepthwise = group > 1 && g.size(w, 0) === group && g.size(w, 1) === 1
  if (strides.every((s) => s === 1)) {
    const to = mirror(geo, sizes, counts)
    return [convolve(g, c, mirrored(g, w, geo, to), to, dilations, group)]
  }
  if (kernel.every((k) => k === 1) && geo.before.every((p) => p === 0)) return [spaced(g, c, x, w, geo, counts)]
  if (!isDepthwise && strides.length === 2 && strides[0] === strides[1] && dilations.every((d) => d === 1)) {
    const to = mirror(geo, sizes, counts)
    const residues = convolve(g, c, mirrored(g, w, geo, to), to, dilations, group)
    const full = g.emit('DepthToSpace', [residues], { blocksize: strides[0]!, mode: 'CRD' })
    return [g.pad(full, [0, 0, 0, 0], [0, 0, ...sizes.map((size, i) => size - to.outputs[i]! * strides[i]!)])]
  }
  return [transposed(g, c, w, geo, sizes, counts)]
})

/** The cotangent of a strided 1 x 1 convolution: that of a plain one, with zeros between. */
function spaced(g: GraphBuilder, c: Value, x: Value, w: Value, geo: Convolution, counts: number[]): Value {
  const plain = { ...geo, strides: geo.kernel, dilations: geo.kernel }
  const to = mirror(plain, counts, counts)
  const value = convolve(g, c, mirrored(g, w, plain, to), to, plain.dilations, geo.group)
  const origin = geo.strides.map(() => 0).join()
  const full = interleave(g, new Map([[origin, value]]), geo.strides, [...g.dims(x).slice(0, 2), ...counts])
  const excess = g.sizes(x, 2).map((size, i) => size - counts[i]! * geo.strides[i]!)
  return g.pad(full, [0, 0, ...excess.map(() => 0)], [0, 0, ...excess])
}

/** ConvTranspose to the given sizes. */
function transposed(g: GraphBuilder, c: Value, w: Value, geo: Convolution, sizes: number[], counts: number[]): Value {
  const { kernel, strides, dilations, before, group } = geo
  const excess = sizes.map(
    (size, i) => size + before[i]! - (counts[i]! - 1) * strides[i]! - (kernel[i]! - 1) * dilations[i]! - 1,
  )
  const pads = [...before, ...excess.map((e) => Math.max(0, -e))]
  const output_padding = excess.map((e) => Math.max(0, e))
  return g.emit('ConvTranspose', [c, w], { strides, dilations, group, pads, output_padding })
}

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
      return kernelCotangent(g, from, to, g.sizes(wide, 1), convolution(g, node, wide, narrow))
    }
    const positions = g.dims(y).flatMap((_, axis) => (axis === 1 ? [] : [axis]))
    const bias = node.input[2] ? g.reduce('Sum', c, positions, false) : null
    return [ofInput(g, node, [c])[0]!, g.isInitializer(w) ? null : weights(), bias]
  })
}

export const CONVOLUTION: Record<string, VjpRule> = {
  Conv: withWeights(Conv, false),
  ConvTranspose: withWeights(ConvTranspose, true),
}
