import { intAttribute, intsAttribute, type NodeProto } from '../onnx/node.js'
import type { GraphBuilder, Value } from './builder.js'
import { COMPOSITE } from './composite.js'

/** What a convolution does along its spatial axes, one element per axis. */
export interface Convolution {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly before: readonly number[]
  readonly after: readonly number[]
  readonly group: number
}

/** The two values that a convolution relates, and their sizes behind the batch: [channels, ...]. */
export interface Sides {
  readonly wide: Value
  readonly narrow: Value
  readonly wideSizes: readonly number[]
  readonly narrowSizes: readonly number[]
}

/** So few positions that a copy of the input for each element of the kernel takes little room. */
const FEW = 64

/**
 * Cotangent [M, C, k...] of the weights of a convolution with M output channels and C input channels per group:
 *     dW[m, c, k] = sum over n, i of narrow[n, m, i] wide[n, c, s i + d k - p].
 * `wide` is the input of Conv and the cotangent of ConvTranspose, `narrow` the other one. For each k that is a product of two
 * matrices over all n and i, the second a shifted slice of `wide`; where there are few positions the slices are put together
 * for one product. In a depthwise convolution it is an elementwise product and a sum, and with a stride, where slices are slow
 * to take, a convolution of its own.
 */
export function kernelCotangent(g: GraphBuilder, sides: Sides, geo: Convolution): Value {
  const { wideSizes, narrowSizes } = sides
  const isDepthwise = geo.group > 1 && wideSizes[0] === geo.group && narrowSizes[0] === geo.group
  if (g.composes && geo.kernel.length === 2) return composite(g, sides, geo)
  if (!isDepthwise) return byProducts(g, sides, geo)
  return geo.strides.every((s) => s === 1) ? bySums(g, sides, geo) : byConvolution(g, sides, geo)
}

/** It as one node, for a pass that knows how the values lie in memory. */
function composite(g: GraphBuilder, { wide, narrow, wideSizes, narrowSizes }: Sides, geo: Convolution): Value {
  const { kernel, strides, dilations, before, after, group } = geo
  const attributes = { kernel, strides, dilations, before, after, group, wideSizes, narrowSizes }
  return g.emitOf(COMPOSITE, 'KernelCotangent', [wide, narrow], attributes)
}

/** What such a node stands for. */
export function sidesOf(node: NodeProto): { readonly sides: Sides; readonly geo: Convolution } {
  const [wide, narrow] = node.input as [Value, Value]
  const ints = (name: string) => intsAttribute(node, name)!
  const [wideSizes, narrowSizes] = [ints('wideSizes'), ints('narrowSizes')]
  const [kernel, strides, dilations] = [ints('kernel'), ints('strides'), ints('dilations')]
  const geo = {
    kernel,
    strides,
    dilations,
    before: ints('before'),
    after: ints('after'),
    group: intAttribute(node, 'group', 1),
  }
  return { sides: { wide, narrow, wideSizes, narrowSizes }, geo }
}

/** The elements of `wide` [_, _, sizes...] that each element of the kernel meets, in the kernel's order. */
function shifted(g: GraphBuilder, wide: Value, { wideSizes, narrowSizes }: Sides, geo: Convolution): Value[] {
  const { kernel, strides, dilations, before } = geo
  const [sizes, outputs] = [wideSizes.slice(1), narrowSizes.slice(1)]
  const spans = outputs.map((n, i) => (n - 1) * strides[i]! + 1)
  const reached = spans.map((span, i) => span + (kernel[i]! - 1) * dilations[i]!)
  const after = reached.map((length, i) => length - before[i]! - sizes[i]!)
  const padded = g.pad(wide, [0, 0, ...before], [0, 0, ...after])
  const axes = sizes.map((_, i) => i + 2)
  const offsets = kernel.reduce<number[][]>(
    (found, length, i) => found.flatMap((at) => Array.from({ length }, (_, k) => [...at, k * dilations[i]!])),
    [[]],
  )
  const isWhole = offsets.length === 1 && strides.every((s) => s === 1)
  return offsets.map((at) => {
    const ends = at.map((start, i) => start + spans[i]!)
    return isWhole ? padded : g.slice(padded, axes, at, ends, strides)
  })
}

function byProducts(g: GraphBuilder, sides: Sides, geo: Convolution): Value {
  const { wide, narrow, wideSizes, narrowSizes } = sides
  const { kernel, group } = geo
  const [c, m] = [wideSizes[0]! / group, narrowSizes[0]! / group]
  const channelsFirst = (value: Value) => g.transpose(value, [1, 0, ...kernel.map((_, i) => i + 2)])
  const slices = shifted(g, channelsFirst(wide), sides, geo)
  const product = (rows: Value, columns: Value) =>
    group === 1
      ? g.emit('Gemm', [rows, columns], { transB: 1 })
      : g.emit('MatMul', [rows, g.transpose(columns, [0, 2, 1])])
  const lead = group === 1 ? [] : [group]
  const rows = g.reshape(channelsFirst(narrow), [...lead, m, null])
  const columns = slices.map((slice) => g.reshape(slice, [...lead, c, ...(isFew(narrowSizes) ? [1] : []), null]))
  const last = lead.length
  if (columns.length === 1 || isFew(narrowSizes)) {
    const joined = columns.length === 1 ? columns[0]! : g.emit('Concat', columns, { axis: last + 1 })
    const matrix = g.reshape(joined, [...lead, c * columns.length, null])
    return g.reshape(product(rows, matrix), [group * m, c, ...kernel])
  }
  const each = columns.map((matrix) => g.unsqueeze(product(rows, matrix), [0]))
  const stacked = g.reshape(g.emit('Concat', each, { axis: 0 }), [each.length, group * m, c])
  return g.reshape(g.transpose(stacked, [1, 2, 0]), [group * m, c, ...kernel])
}

const isFew = ([, ...outputs]: readonly number[]) => outputs.reduce((a, b) => a * b, 1) <= FEW

function bySums(g: GraphBuilder, sides: Sides, geo: Convolution): Value {
  const axes = [0, ...geo.kernel.map((_, i) => i + 2)]
  const sums = shifted(g, sides.wide, sides, geo).map((slice) =>
    g.reduce('Sum', g.mul(slice, sides.narrow), axes, false),
  )
  const stacked = g.emit(
    'Concat',
    sums.map((sum) => g.unsqueeze(sum, [1])),
    { axis: 1 },
  )
  return g.reshape(stacked, [geo.group, 1, ...geo.kernel])
}

/** A convolution of `wide` with `narrow` as its kernel, the batch as its channels, and stride and dilation swapped. */
function byConvolution(g: GraphBuilder, { wide, narrow, wideSizes }: Sides, geo: Convolution): Value {
  const { kernel, strides, dilations, before, after, group } = geo
  const [channels, ...sizes] = wideSizes as [number, ...number[]]
  const each = channels / group
  const axes = kernel.map((_, i) => i + 2)
  const swapped = [1, 0, ...axes]
  // Swaps the batch of [N, group C, ...] with the channels of one group: [C, group N, ...].
  const split = g.transpose(g.reshape(wide, [null, group, each, ...sizes]), [2, 1, 0, ...sizes.map((_, i) => i + 3)])
  const operands = [g.reshape(split, [each, null, ...sizes]), g.transpose(narrow, swapped)]
  const attributes = { strides: dilations, dilations: strides, pads: [...before, ...after], group }
  const zeros = axes.map(() => 0)
  return g.transpose(g.slice(g.emit('Conv', operands, attributes), axes, zeros, kernel), swapped)
}
