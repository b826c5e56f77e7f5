/** Cotangents of the filters of convolutions, as convolutions on blocked values. */
import type { Value } from '../../autodiff/builder.js'
import { type Convolution, kernelCotangent, type Sides, sidesOf } from '../../autodiff/kernelCotangent.js'
import { BLOCKED, type NodeProto } from '../../onnx/node.js'
import { outputSize } from './filters.js'
import type { Layouts, Sizes } from './layouts.js'
import { pack, unpack } from './packed.js'
import { scaledFilters } from './perChannel.js'
import { picked } from './picked.js'

/**
 * Emits dW[m, c, k] = sum over n, i of narrow[n, m, i] wide[n, c, s i + d k - p] as the value that `node` makes: a convolution of
 * `wide` by `narrow`, stride and dilation swapped. In a depthwise one each channel of each picture is a channel; else each picture
 * is one.
 */
export function lowerKernelCotangent(l: Layouts, node: NodeProto): void {
  const { sides: given, geo } = sidesOf(node)
  const { g } = l
  const [wide, narrow] = [l.sizesOf(given.wide), l.sizesOf(given.narrow)]
  const name = node.output[0]!
  const filters = [given.narrowSizes[0]!, given.wideSizes[0]! / geo.group, ...geo.kernel] as unknown as Sizes
  const scaled = narrow && l.scaled(given.narrow, filters)
  const sides = scaled ? { ...given, narrow: scaled.x } : given
  const isPacked = l.packed.has(name)
  const isDepthwise = geo.group > 1 && wide?.[1] === geo.group && narrow?.[1] === geo.group
  const inBlocks = wide && narrow && (isDepthwise ? l.isBlocked(sides.wide) : isDense(l, narrow, geo))
  const give = (found: Value, ofPacked = false) => {
    const whole = scaled ? scaledFilters(l, found, filters, scaled.factor, ofPacked) : found
    g.emit('Identity', [isPacked && !ofPacked ? pack(g, l.block, whole, filters) : whole], {}, name)
  }
  if (!inBlocks) {
    const plain = { ...sides, wide: l.plain(sides.wide), narrow: l.plain(sides.narrow) }
    give(kernelCotangent(g, plain, geo))
  } else if (isDepthwise) give(ofDepthwise(l, sides, geo, wide, narrow))
  else {
    const { side, packed } = ofPictures(l, sides, geo, wide, narrow)
    if (isPacked) give(packed, true)
    else give(unpack(g, l.block, packed, filters, side))
  }
}

/** Between the columns of a kernel with dilation others are found, too, which must not be too many. */
const isDense = (l: Layouts, narrow: Sizes, { group, dilations }: Convolution): boolean =>
  group === 1 && dilations[1]! <= 2 && 2 * narrow[1] >= l.block

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

/** How the pictures of both operands become channels. */
interface Plan {
  /** Channels of `wide` that lie side by side, blocks of those, and blocks of the channels of `narrow`. */
  readonly side: number
  readonly ins: number
  readonly outs: number
  /** Pictures, filled up, pieces that the rows of each are cut into, and pictures that are summed by the convolution. */
  readonly pictures: number
  readonly pieces: number
  readonly each: number
}

/** Filters of so many elements stay in a core's cache while all results that they meet are found. */
const CACHED = 2 ** 18

function planOf({ block }: Layouts, isBlocked: boolean, geo: Convolution, wide: Sizes, narrow: Sizes): Plan {
  const [n, c] = wide
  const [, m, h, w] = narrow
  // A few channels are one block of their own.
  const isFew = 2 * c < block && !isBlocked
  const [side, ins, outs] = [isFew ? c : block, isFew ? 1 : Math.ceil(c / block), Math.ceil(m / block)]
  const pictures = n < block ? n : Math.ceil(n / block) * block
  const least = Math.ceil((Math.min(outs, 4) * block * h * w) / CACHED)
  // More pieces than that would have more sums of their own than they save; the kernel takes whole blocks, or less than one.
  const fits = (count: number) => count < block || count % block === 0
  const pieces = range(4 * least).find((i) => i >= least && h % i === 0 && fits(pictures * i)) ?? 1
  // Pictures of a group must lie side by side in each block of channels: alone they do, but then their sums are written one by one.
  const isAlone = pieces > 1 || (outs > 1 && ins * side * geo.kernel[0]! * geo.kernel[1]! < 2 * h * w)
  let each = isAlone ? 1 : Math.min(pictures, block - 1)
  while (pictures % each !== 0) each--
  return { side, ins, outs, pictures, pieces, each }
}

/**
 * The same with the pictures as channels, both operands nearly as they lie: an axis of `wide` holds the positions of a row and in
 * each the channels of a block, the other one the blocks and in each the rows. Gives packed filters in blocks of `side` channels.
 */
function ofPictures(l: Layouts, sides: Sides, geo: Convolution, wide: Sizes, narrow: Sizes) {
  const { g, block } = l
  const [kh, kw] = geo.kernel as [number, number]
  const span = (kw - 1) * geo.dilations[1]! + 1
  const plan = planOf(l, l.isBlocked(sides.wide), geo, wide, narrow)
  const { side, ins, outs } = plan
  const groups = (plan.pictures * plan.pieces) / plan.each
  const filter = filterOf(l, sides.narrow, plan, narrow)
  const x = linesOf(l, sides.wide, plan, geo, narrow)
  const parts = passesOf(geo, narrow[2] / plan.pieces, ins).map(({ top, step, found, first }) => {
    const all = g.emitOf(BLOCKED, 'Conv', [x, filter], {
      kernel_shape: [narrow[2] / plan.pieces, narrow[3]],
      strides: [step, 1],
      dilations: [geo.strides[0]!, geo.strides[1]! * side],
      pads: [top, 0, 0, 0],
      group: groups,
    })
    const own = [outs, found, span * side * block]
    const sums = groups === 1 ? g.reshape(all, own) : g.reduce('Sum', g.reshape(all, [groups, ...own]), [0], false)
    const meant = first === 0 ? sums : g.slice(sums, [1], [first], [found])
    const taps = g.reshape(meant, [outs, ins, (found - first) / ins, span, side * block])
    return span === kw ? taps : g.slice(taps, [3], [0], [span], [geo.dilations[1]!])
  })
  const joined = parts.length === 1 ? parts[0]! : g.emit('Concat', parts, { axis: 2 })
  return { side, packed: g.reshape(joined, [outs * block, ins * side, kh, kw]) }
}

/** How many elements of an axis `count` results along it meet. */
const reachOf = ({ kernel, strides, dilations }: Convolution, axis: 0 | 1, count: number): number =>
  (count - 1) * strides[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1

/** What one convolution finds: rows of the kernel, or one for every block of channels, behind `first` results of no meaning. */
interface Pass {
  readonly top: number
  readonly step: number
  readonly found: number
  readonly first: number
}

/** All rows of the kernel in one convolution where there is one block, else each in one of its own. */
function passesOf(geo: Convolution, h: number, ins: number): readonly Pass[] {
  const [rows, dilation] = [geo.kernel[0]!, geo.dilations[0]!]
  if (ins === 1) return [{ top: 0, step: dilation, found: rows, first: 0 }]
  const step = reachOf(geo, 0, h)
  // To begin inside the first block, begin one before it: of that no element is met, so it costs nothing.
  return Array.from({ length: rows }, (_, k) =>
    k === 0 ? { top: 0, step, found: ins, first: 0 } : { top: step - k * dilation, step, found: ins + 1, first: 1 },
  )
}

/** `wide` as [1, pictures and pieces, blocks and rows, columns and channels], with zeros around. */
function linesOf(l: Layouts, wide: Value, plan: Plan, geo: Convolution, [, , h, w]: Sizes): Value {
  const { g, block } = l
  const { side, ins, pictures, pieces } = plan
  const [n, , height, width] = l.sizesOf(wide)!
  const [above, left] = geo.before as [number, number]
  const [all, tall, columns] = [reachOf(geo, 0, h), reachOf(geo, 0, h / pieces), reachOf(geo, 1, w)]
  const [below, right] = [all - above - height, columns - left - width]
  const value = side === block ? l.blocked(wide) : l.rows(wide)
  const isLarger = pictures === n && side === block && [above, left, below, right].every((p) => p >= 0)
  const axes = [
    { start: -above, step: 1, count: height + above + below },
    { start: -left, step: 1, count: width + left + right },
  ] as const
  const around = isLarger
    ? picked(l, value, l.sizesOf(wide)!, axes)!
    : g.pad(
        g.reshape(value, [n, ins, height, width * side]),
        [0, 0, above, left * side],
        [pictures - n, 0, below, right * side],
      )
  const sizes = [1, pictures * pieces, ins * tall, columns * side]
  if (pieces === 1) return g.reshape(around, sizes)
  const step = (h / pieces) * geo.strides[0]!
  const met = range(pieces).flatMap((p) =>
    range(ins).flatMap((i) => range(tall).map((row) => i * all + p * step + row)),
  )
  const rows = g.reshape(around, [pictures, ins * all, columns * side])
  return g.reshape(g.emit('Gather', [rows, g.integers(met)], { axis: 1 }), sizes)
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** `narrow` as filters of every group, whose input channels are pictures, or pieces of them. */
function filterOf(l: Layouts, value: Value, { outs, pictures, pieces, each }: Plan, [n, , h, w]: Sizes): Value {
  const { g, block } = l
  const chunk = (h / pieces) * w * block
  const all = g.pad(g.reshape(l.blocked(value), [n, outs * pieces * chunk]), [0, 0], [pictures - n, 0])
  const chunks = g.reshape(all, [pictures / each, each * outs * pieces, chunk])
  const order = range(pieces).flatMap((p) =>
    range(outs).flatMap((out) => range(each).map((e) => (e * outs + out) * pieces + p)),
  )
  const inOrder = order.every((from, i) => from === i)
    ? chunks
    : g.emit('Gather', [chunks, g.integers(order)], { axis: 1 })
  return g.reshape(inOrder, [(pictures / each) * pieces * outs * block, each, h / pieces, w])
}
