/** The transpose of a strided convolution as plain convolutions, which runtimes compute several times faster. */
import { intAttribute, intsAttribute, type NodeProto } from '../onnx/node.js'
import { DataType } from '../onnx/tensor.js'
import type { GraphBuilder, Value } from './builder.js'
import { COMPOSITE } from './composite.js'
import type { Convolution } from './kernelCotangent.js'
import { interleave } from './window.js'

/** How one axis of y reaches the positions of x that have some residues modulo a block. */
interface Meeting {
  /** By residue and tap, which element of the kernel connects them; the kernel's length where none does. */
  readonly elements: readonly (readonly number[])[]
  readonly stride: number
  readonly dilation: number
  readonly before: number
  readonly after: number
}

/** Fewer channels than this leave some of the convolution's vector lanes empty. */
const LANES = 8
/** Enough output channels to keep its registers busy. */
const BUSY = 3 * LANES

const count = (length: number) => Array.from({ length }, (_, i) => i)
const product = (factors: readonly number[]) => factors.reduce((a, b) => a * b, 1)
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/**
 * x at block j + r meets y at i = (block / s) j + u through k if r + p = s u + d k. So the cotangent of x at those
 * positions is a convolution over y whose taps are the u. Null where no element of the kernel meets `residues`.
 */
function meeting(
  { kernel, strides, dilations, before }: Convolution,
  axis: number,
  block: number,
  residues: readonly number[],
  [size, outputs]: readonly [number, number],
): Meeting | null {
  const [length, s, d, p] = [kernel[axis]!, strides[axis]!, dilations[axis]!, before[axis]!]
  const reached = residues.flatMap((r) => count(length).map((k) => (r + p - d * k) / s)).filter(Number.isInteger)
  if (reached.length === 0) return null
  const [first, last] = [Math.min(...reached), Math.max(...reached)]
  const dilation = reached.map((u) => u - first).reduce(gcd, 0) || 1
  const elements = residues.map((r) =>
    count((last - first) / dilation + 1).map((t) => {
      const k = (r + p - s * (first + t * dilation)) / d
      return Number.isInteger(k) && k >= 0 && k < length ? k : length
    }),
  )
  const stride = block / s
  const end = (Math.ceil(size / block) - 1) * stride + last
  return { elements, stride, dilation, before: -first, after: end - (outputs - 1) }
}

/** All ways to take one element of each list, the last varying fastest. */
function combinations<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((found, list) => found.flatMap((head) => list.map((item) => [...head, item])), [[]])
}

/** Filters made of the elements of others; see `rearrange`. */
export interface Rearrangement {
  readonly group: number
  /** For every residue, which element of the kernel each tap is; as many as there are, for 0. */
  readonly places: readonly (readonly number[])[]
  readonly taps: readonly number[]
}

/** Weights [M, C / group, k...] as [residues, C, M / group, taps...]; several residues only of one group. */
function rearranged(g: GraphBuilder, w: Value, geo: Convolution, axes: readonly Meeting[]): Value {
  const { kernel, group } = geo
  const volume = product(kernel)
  const places = combinations(axes.map((a) => count(a.elements.length))).map((residues) =>
    combinations(axes.map((a, i) => a.elements[residues[i]!]!)).map((at) =>
      at.some((k, i) => k === kernel[i]) ? volume : at.reduce((place, k, i) => place * kernel[i]! + k, 0),
    ),
  )
  const taps = axes.map((a) => a.elements[0]!.length)
  if (!g.composes || places.length > 1 || taps.length !== 2) return rearrange(g, w, { group, places, taps }, g.sizes(w))
  const sizes = [group * g.size(w, 1), g.size(w, 0) / group, ...taps]
  return g.note(g.emitOf(COMPOSITE, 'Rearrange', [w], { group, places: places[0]!, taps }), sizes)
}

/** What a composite node of one residue stands for. */
export function rearrangementOf(node: NodeProto): Rearrangement {
  const ints = (name: string) => intsAttribute(node, name)!
  return { group: intAttribute(node, 'group', 1), places: [ints('places')], taps: ints('taps') }
}

/** Weights [M, C / group, k...] as [residues, C, M / group, taps...]; `sizes` are theirs. */
export function rearrange(
  g: GraphBuilder,
  w: Value,
  { group, places, taps }: Rearrangement,
  sizes: readonly number[],
): Value {
  const [m, c, ...kernel] = sizes
  const volume = product(kernel)
  const split = g.reshape(w, [group, m! / group, c!, volume])
  const hasNone = places.flat().includes(volume)
  const padded = hasNone ? g.pad(split, [0, 0, 0, 0], [0, 0, 0, 1]) : split
  const dims = [places.length, places[0]!.length]
  const index = g.constant(DataType.INT64, places.flat(), dims)
  const gathered = g.emit('Gather', [g.transpose(padded, [3, 0, 1, 2]), index], { axis: 0 })
  return g.reshape(g.transpose(gathered, [0, 2, 4, 3, 1]), [dims[0]! * group * c!, m! / group, ...taps])
}

/** Convolution of `c` at the positions that `axes` describe, with pads of which negative ones cut. */
function convolve(g: GraphBuilder, c: Value, w: Value, geo: Convolution, axes: readonly Meeting[]): Value {
  const pads = [axes.map((a) => a.before), axes.map((a) => a.after)] as const
  const [before, after] = pads.map((list) => [0, 0, ...list.map((p) => Math.min(p, 0))])
  return g.emit('Conv', [g.pad(c, before!, after!), rearranged(g, w, geo, axes)], {
    strides: axes.map((a) => a.stride),
    dilations: axes.map((a) => a.dilation),
    pads: pads.flat().map((p) => Math.max(p, 0)),
    group: geo.group,
  })
}

/** The strides, doubled until a block of positions has enough channels to fill a convolution. */
function blockOf(strides: readonly number[], channels: number): number[] {
  const block = [...strides]
  while (channels * product(block) < BUSY) block[block.lastIndexOf(Math.min(...block))]! *= 2
  return block
}

/**
 * The cotangent of the input x of a convolution with weights `w`, from that of its output. For stride 1 it is one
 * convolution with the mirrored kernel. For stride s it is one for every residue of the position modulo s, together as
 * much work as the forward one, and their results interleave. An x of few channels, a picture, is done as one
 * convolution with a channel for each position of a block. A depthwise convolution is bound by memory, not work: there
 * c itself is spread out with zeros, so that interleaving ends before the convolution and not after it.
 */
export function inputCotangent(g: GraphBuilder, c: Value, x: Value, y: Value, w: Value, geo: Convolution): Value {
  const isDepthwise = geo.group > 1 && g.size(w, 1) === 1
  const outputs = g.sizes(y, 2)
  if (!isDepthwise || geo.strides.every((s) => s === 1)) return byResidues(g, c, x, outputs, w, geo)
  const spread = interleave(g, new Map([[geo.strides.map(() => 0).join(), c]]), geo.strides, [
    ...g.dims(y).slice(0, 2),
    ...outputs,
  ])
  const wide = outputs.map((n, i) => n * geo.strides[i]!)
  return byResidues(g, spread, x, wide, w, { ...geo, strides: geo.strides.map(() => 1) })
}

/** The cotangent of x from the cotangent `c` of sizes `outputs`. */
function byResidues(
  g: GraphBuilder,
  c: Value,
  x: Value,
  outputs: readonly number[],
  w: Value,
  geo: Convolution,
): Value {
  const sizes = g.sizes(x, 2)
  const channels = g.size(x, 1)
  const isPicture = geo.group === 1 && channels < LANES
  const block = isPicture ? blockOf(geo.strides, channels) : geo.strides
  const counts = sizes.map((size, i) => Math.ceil(size / block[i]!))
  const at = (residues: readonly (readonly number[])[]) => {
    const axes = residues.map((r, i) => meeting(geo, i, block[i]!, r, [sizes[i]!, outputs[i]!]))
    if (axes.includes(null)) return null
    const places = residues.reduce((count, { length }) => count * length, 1)
    return g.note(convolve(g, c, w, geo, axes as Meeting[]), [g.dims(x)[0]!, places * channels, ...counts])
  }
  const positions = combinations(block.map(count))
  const phases = isPicture
    ? g.emitMany(
        'Split',
        [at(block.map(count))!, g.integers(positions.map(() => channels))],
        { axis: 1 },
        positions.length,
      )
    : positions.map((position) => at(position.map((r) => [r])))
  const found = new Map(positions.flatMap((position, i) => (phases[i] ? [[position.join(), phases[i]]] : [])))
  const full = interleave(g, found, block, [...g.dims(x).slice(0, 2), ...counts])
  const excess = sizes.map((size, i) => size - counts[i]! * block[i]!)
  return g.pad(full, [0, 0, ...excess.map(() => 0)], [0, 0, ...excess])
}
