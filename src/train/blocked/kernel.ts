/** Cotangents of the filters of convolutions, as convolutions on blocked values. */
import type { Value } from '../../autodiff/builder.js'
import { type Convolution, kernelCotangent, type Sides, sidesOf } from '../../autodiff/kernelCotangent.js'
import { BLOCKED, type NodeProto } from '../../onnx/node.js'
import { outputSize } from './filters.js'
import type { Layouts, Sizes } from './layouts.js'
import { scaledFilters } from './perChannel.js'

/**
 * Emits dW[m, c, k] = sum over n, i of narrow[n, m, i] wide[n, c, s i + d k - p] as the value that `node` makes: a convolution of
 * `wide` by `narrow`, stride and dilation swapped. In a depthwise one each channel of each picture is a channel; else the
 * channels of `wide` are the batch, and the pictures are the channels.
 */
export function lowerKernelCotangent(l: Layouts, node: NodeProto): void {
  const { sides: given, geo } = sidesOf(node)
  const { g } = l
  const [wide, narrow] = [l.sizesOf(given.wide), l.sizesOf(given.narrow)]
  const name = node.output[0]!
  const filters = [given.narrowSizes[0]!, given.wideSizes[0]! / geo.group, ...geo.kernel]
  const scaled = narrow && l.scaled(given.narrow, filters)
  const sides = scaled ? { ...given, narrow: scaled.x } : given
  const give = (found: Value) =>
    g.emit('Identity', [scaled ? scaledFilters(l, found, filters, scaled.factor) : found], {}, name)
  const isDepthwise = geo.group > 1 && wide?.[1] === geo.group && narrow?.[1] === geo.group
  const inBlocks =
    wide && narrow && (isDepthwise ? l.isBlocked(sides.wide) : geo.group === 1 && 2 * narrow[1] >= l.block)
  if (!inBlocks) {
    const plain = { ...sides, wide: l.plain(sides.wide), narrow: l.plain(sides.narrow) }
    give(kernelCotangent(g, plain, geo))
  } else if (isDepthwise) give(ofDepthwise(l, sides, geo, wide, narrow))
  else if (geo.kernel.every((k) => k === 1)) give(ofPoints(l, sides, geo, wide, narrow))
  else if (isLong(l, wide, geo)) give(ofRows(l, sides, geo, wide, narrow))
  else give(ofImages(l, sides, geo, wide, narrow))
}

/** How the convolution by `narrow` runs along each axis, and how many results it has, of which the first are meant. */
function crossing(geo: Convolution, wide: Sizes, narrow: Sizes) {
  const axes = [0, 1].map((i) => {
    const [size, length, stride, dilation] = [wide[2 + i]!, narrow[2 + i]!, geo.dilations[i]!, geo.strides[i]!]
    const before = geo.before[i]!
    const exact = (geo.kernel[i]! - 1) * stride + (length - 1) * dilation + 1 - size - before
    const after = Math.max(0, exact)
    return { stride, dilation, before, after, found: outputSize(size, length, stride, dilation, before + after) }
  })
  const [strides, dilations] = [axes.map((a) => a.stride), axes.map((a) => a.dilation)]
  const attributes = { kernel_shape: [narrow[2], narrow[3]], strides, dilations }
  return { axes, attributes, found: axes.map((a) => a.found) as [number, number] }
}

/** [..., found] cut to the kernel's sizes. */
function cut(l: Layouts, value: Value, found: readonly number[], kernel: readonly number[]): Value {
  return found.every((size, i) => size === kernel[i]) ? value : l.g.slice(value, [2, 3], [0, 0], kernel)
}

function ofDepthwise(l: Layouts, sides: Sides, geo: Convolution, wide: Sizes, narrow: Sizes): Value {
  const { g } = l
  const [n, c] = wide
  const channels = l.filled(c)
  const { axes, attributes, found } = crossing(geo, wide, narrow)
  const x = g.reshape(l.blocked(sides.wide), [1, n * channels, wide[2], wide[3]])
  const filter = g.reshape(l.blocked(sides.narrow), [n * channels, 1, narrow[2], narrow[3]])
  const pads = [...axes.map((a) => a.before), ...axes.map((a) => a.after)]
  const each = g.emitOf(BLOCKED, 'Conv', [x, filter], { ...attributes, pads, group: n * channels })
  const summed = g.reduce('Sum', g.reshape(each, [n, channels, ...found]), [0])
  const full = g.emitOf(BLOCKED, 'ReorderOutput', [summed], { channels: c })
  return cut(l, g.reshape(full, [c, 1, ...found]), found, geo.kernel)
}

/** So many positions that a product for every picture is faster than one of long columns. */
const MANY = 400

/** Of a kernel of one element: a product of two matrices. */
function ofPoints(l: Layouts, sides: Sides, geo: Convolution, wide: Sizes, narrow: Sizes): Value {
  const { g } = l
  const isWhole = geo.strides.every((s) => s === 1) && wide[2] === narrow[2] && wide[3] === narrow[3]
  const x = isWhole ? l.rows(sides.wide) : g.reshape(thinned(l, sides.wide, geo, narrow), [null, wide[1]])
  const [n, m, h, w] = narrow
  const sizes = [m, wide[1], 1, 1]
  if (h * w < MANY) return g.reshape(g.emit('Gemm', [l.rows(sides.narrow), x], { transA: 1 }), sizes)
  const columns = g.reshape(l.plain(sides.narrow), [n, m, h * w])
  const each = g.emit('MatMul', [columns, g.reshape(x, [n, h * w, wide[1]])])
  return g.reshape(g.reduce('Sum', each, [0], false), sizes)
}

/** The elements [N, h, w, C] of `wide` that a kernel of one element with strides meets. */
function thinned(l: Layouts, wide: Value, { strides, before }: Convolution, narrow: Sizes): Value {
  const { g, block } = l
  const [n, c, height, width] = l.sizesOf(wide)!
  const five = g.reshape(l.blocked(wide), [n, l.filled(c) / block, height, width, block])
  const ends = strides.map((s, i) => (narrow[2 + i]! - 1) * s + 1)
  const after = ends.map((end, i) => Math.max(0, end - before[i]! - [height, width][i]!))
  const around = g.pad(five, [0, 0, ...before, 0], [0, 0, ...after, 0])
  const met = g.slice(around, [2, 3], [0, 0], ends, strides)
  const blocks = g.reshape(met, [n, l.filled(c), narrow[2], narrow[3]])
  return g.emitOf(BLOCKED, 'ReorderOutput', [blocks], { channels: c, channels_last: 1 })
}

function ofImages(l: Layouts, sides: Sides, geo: Convolution, wide: Sizes, narrow: Sizes): Value {
  const { g, block } = l
  const [, m, ...outputs] = narrow
  const [n, c] = wide
  const { axes, attributes, found } = crossing(geo, wide, narrow)
  const pictures = n < block ? n : l.filled(n)
  const pads = [axes[0]!.before, 0, axes[0]!.after, 0]
  const x = n < block ? swapped(l, sides.wide, axes[1]!) : swappedBlocks(l, sides.wide, axes[1]!)
  const filter = g.reshape(filterOf(l, sides.narrow), [l.filled(m), pictures, ...outputs])
  const each = g.emitOf(BLOCKED, 'Conv', [x, filter], { ...attributes, pads })
  const plain = g.emitOf(BLOCKED, 'ReorderOutput', [each], { channels: m })
  const order = g.transpose(g.reshape(plain, [c, m, found[0] * found[1]]), [1, 0, 2])
  return cut(l, g.reshape(order, [m, c, ...found]), found, geo.kernel)
}

/** Enough channels, or kernels of a picture wide enough, to fill the registers; where a stride leaves few outputs, twice as many. */
const isLong = ({ block }: Layouts, [, c]: Sizes, { kernel, strides }: Convolution): boolean =>
  c >= (strides[0]! > 1 ? 4 : 2) * block || (c < block && kernel[0]! > 5)

/**
 * The same with the rows of all pictures as channels and the channels of `wide` as the axis along which results lie: one
 * convolution for each row of the kernel, whose filters are the columns of `narrow`. It is as fast as the forward pass.
 */
function ofRows(l: Layouts, sides: Sides, geo: Convolution, wide: Sizes, narrow: Sizes): Value {
  const { g, block } = l
  const [c, m, outs] = [wide[1], narrow[1], l.filled(narrow[1]) / block]
  const [kh, kw] = geo.kernel as [number, number]
  const { axes, found } = crossing(geo, wide, narrow)
  const { stride, dilation, before, after } = axes[1]!
  const filter = columnsOf(l, sides.narrow)
  const along = {
    kernel_shape: [narrow[3], 1],
    strides: [stride, 1],
    dilations: [dilation, 1],
    pads: [before, 0, after, 0],
  }
  const taps = rowsOf(l, sides.wide, geo, narrow).map((rows) => {
    const each = g.reshape(g.emitOf(BLOCKED, 'Conv', [rows, filter], along), [outs, found[1], c, block])
    return found[1] === kw ? each : g.slice(each, [1], [0], [kw])
  })
  const joined = g.reshape(g.emit('Concat', taps, { axis: 1 }), [outs, kh * kw, c, block])
  const blocks = g.reshape(g.transpose(joined, [0, 2, 1, 3]), [1, outs * block, c * kh * kw, 1])
  return g.reshape(g.emitOf(BLOCKED, 'ReorderOutput', [blocks], { channels: m }), [m, c, kh, kw])
}

/** For each row of the kernel the rows of `wide` that it meets, as [1, N h, W, C] in blocks. */
function rowsOf(l: Layouts, wide: Value, { kernel, strides, dilations, before }: Convolution, narrow: Sizes): Value[] {
  const { g } = l
  const [n, c, height, width] = l.sizesOf(wide)!
  const lines = n * narrow[2]
  const all = g.reshape(l.rows(wide), [n, height, width * c])
  return Array.from({ length: kernel[0]! }, (_, k) => {
    const start = k * dilations[0]! - before[0]!
    const end = start + (narrow[2] - 1) * strides[0]! + 1
    const span = g.pad(all, [0, -start, 0], [0, end - height, 0])
    const met = strides[0] === 1 ? span : g.slice(span, [1], [0], [end - start], [strides[0]!])
    const flat = g.pad(g.reshape(met, [1, lines, width * c, 1]), [0, 0, 0, 0], [0, l.filled(lines) - lines, 0, 0])
    return g.reshape(g.emitOf(BLOCKED, 'ReorderInput', [flat]), [1, l.filled(lines), width, c])
  })
}

/** A value as filters [M, N h, w, 1]: the channels they take are the rows of all pictures. */
function columnsOf(l: Layouts, value: Value): Value {
  const { g, block } = l
  const [n, m, h, w] = l.sizesOf(value)!
  const [outs, lines] = [l.filled(m) / block, l.filled(n * h)]
  const planes = g.transpose(g.reshape(l.blocked(value), [n, outs, h * w * block]), [1, 0, 2])
  const rows = g.pad(g.reshape(planes, [outs, n * h, w * block]), [0, 0, 0], [0, lines - n * h, 0])
  const order = g.transpose(g.reshape(rows, [outs, lines / block, block, w, block]), [0, 1, 3, 2, 4])
  return g.reshape(order, [outs * block, lines, w, 1])
}

interface Padding {
  readonly before: number
  readonly after: number
}

/** [N, C, H, W] as [C, N, H, W], padded along W: at the edges the runtime's kernel computes one position at a time. */
function swapped(l: Layouts, value: Value, { before, after }: Padding): Value {
  const { g } = l
  const [n, c, h, w] = l.sizesOf(value)!
  const planes = g.transpose(g.reshape(l.plain(value), [n, c, h * w]), [1, 0, 2])
  return g.pad(g.reshape(planes, [c, n, h, w]), [0, 0, 0, before], [0, 0, 0, after])
}

/** The same with the pictures in blocks, filled up. */
function swappedBlocks(l: Layouts, value: Value, { before, after }: Padding): Value {
  const { g, block } = l
  const [n, c, h, w] = l.sizesOf(value)!
  const pictures = l.filled(n)
  const all = g.pad(l.plain(value), [0, 0, 0, 0], [pictures - n, 0, 0, 0])
  const blocks = g.emitOf(BLOCKED, 'ReorderInput', [g.reshape(all, [1, pictures, c * h, w])])
  const planes = g.transpose(g.reshape(blocks, [pictures / block, c, h * w * block]), [1, 0, 2])
  const lines = g.reshape(planes, [c * (pictures / block) * h, w * block])
  const padded = g.pad(lines, [0, before * block], [0, after * block])
  return g.reshape(padded, [c, pictures, h, before + w + after])
}

/** A value as filters whose input channels are the pictures. */
function filterOf(l: Layouts, value: Value): Value {
  const { g, block } = l
  const [n, m, h, w] = l.sizesOf(value)!
  const outs = l.filled(m) / block
  const blocks = l.blocked(value)
  if (n < block) return outs === 1 ? blocks : g.transpose(g.reshape(blocks, [n, outs, h * w * block]), [1, 0, 2])
  const pictures = l.filled(n)
  const all = g.pad(g.reshape(blocks, [n, outs, h * w, block]), [0, 0, 0, 0], [pictures - n, 0, 0, 0])
  return g.transpose(g.reshape(all, [pictures / block, block, outs, h * w, block]), [2, 0, 3, 1, 4])
}
