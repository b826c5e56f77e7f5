/** Convolutions on blocked values. */
import type { Value } from '../../autodiff/builder.js'
import type { Rearrangement } from '../../autodiff/inputCotangent.js'
import { BLOCKED, intAttribute, intsAttribute, type NodeProto, stringAttribute } from '../../onnx/node.js'
import type { Layouts, Sizes, Turned } from './layouts.js'
import { pack } from './packed.js'
import { scaledFilters } from './perChannel.js'

/** Fewer channels than half a block are not worth filling up. */
const isWide = (l: Layouts, channels: number) => 2 * channels >= l.block

/**
 * Filters [M, C, k...] turned into ones from M to C channels: [C / B, M / B, taps..., B of M, B of C], by their rows of B: of a
 * Transpose that swaps the first axes onnxruntime makes one thread's work, and the elements of the kernel change places too.
 */
function turned(l: Layouts, w: Value, { places: [places], taps }: Rearrangement): Value {
  const { g, block } = l
  const [m, c, ...kernel] = l.shape(w)!
  const volume = product(kernel)
  const [outs, ins] = [l.filled(c!), l.filled(m!)]
  // Filters of one element are rows of blocks as they are, once filled up.
  const missing = volume === 1 ? outs - c! : -c! & 3
  const whole = g.pad(g.reshape(w, [m!, c!, volume, 1]), [0, 0, 0, 0], [ins - m!, missing, 0, 0])
  const [count, blocks] = [(ins * outs * volume) / block, outs / block]
  const rows = g.reshape(volume === 1 ? whole : g.emitOf(BLOCKED, 'ReorderInput', [whole]), [count, block])
  const all = places!.includes(volume) ? g.pad(rows, [0, 0], [1, 0]) : rows
  const order: number[] = []
  for (let out = 0; out < blocks; out++)
    for (let from = 0; from < ins; from += block)
      for (const place of places!)
        for (let i = from; i < from + block; i++)
          order.push(place === volume ? count : (i * blocks + out) * volume + place)
  return g.reshape(g.emit('Gather', [all, g.integers(order)], { axis: 0 }), [outs, ins, ...taps])
}

/** The same of packed filters, of which blocks of B x B change places and are transposed. */
function turnedPacked(l: Layouts, w: Value, { places: [places], taps }: Rearrangement): Value {
  const { g, block } = l
  const [m, c, ...kernel] = l.shape(w)!
  const volume = product(kernel)
  const [outs, ins] = [c! / block, m! / block]
  const count = outs * ins * volume
  const chunks = g.reshape(w, [count, block * block])
  const all = places!.includes(volume) ? g.pad(chunks, [0, 0], [1, 0]) : chunks
  const order: number[] = []
  for (let out = 0; out < outs; out++)
    for (let from = 0; from < ins; from++)
      for (const place of places!) order.push(place === volume ? count : (from * outs + out) * volume + place)
  const met = g.reshape(g.emit('Gather', [all, g.integers(order)], { axis: 0 }), [order.length, block, block, 1])
  return g.reshape(g.emitOf(BLOCKED, 'ReorderInput', [met]), [c!, m!, ...taps])
}

/** The elements `places` of [_, volume, _], zeros for places beyond it. */
function taken(l: Layouts, value: Value, places: readonly number[], volume: number): Value {
  const { g } = l
  if (places.every((place, i) => place === i) && places.length === volume) return value
  const all = places.includes(volume) ? g.pad(value, [0, 0, 0], [0, 1, 0]) : value
  return g.emit('Gather', [all, g.integers(places)], { axis: 1 })
}

/** Filters [C, 1, h, w] of a depthwise convolution as [C / B, h, w, B], rearranged or not. */
function depthwise(l: Layouts, w: Value, [m, , ...kernel]: Sizes, turn: Rearrangement | undefined): Value {
  const { g, block } = l
  const outs = l.filled(m)
  const volume = product(turn ? l.shape(w)!.slice(2) : kernel)
  const whole = g.pad(g.reshape(w, [1, m, volume, 1]), [0, 0, 0, 0], [0, -m & 3, 0, 0])
  const blocks = g.reshape(g.emitOf(BLOCKED, 'ReorderInput', [whole]), [outs / block, volume, block])
  const order = turn ? taken(l, blocks, turn.places[0]!, volume) : blocks
  return g.reshape(order, [outs, 1, ...kernel])
}

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1)

/** Sizes along an axis of a convolution's result. */
export function outputSize(size: number, kernel: number, stride: number, dilation: number, padding: number): number {
  return Math.floor((size + padding - (kernel - 1) * dilation - 1) / stride) + 1
}

function filtersOf(
  l: Layouts,
  { w, turn }: Turned | { readonly w: Value; readonly turn?: undefined },
  sizes: Sizes,
  isDepthwise: boolean,
  isPlain: boolean,
): Value {
  if (isDepthwise) return depthwise(l, w, sizes, turn)
  const isPacked = l.packed.has(w)
  if (turn) return isPacked ? turnedPacked(l, w, turn) : turned(l, w, turn)
  return isPacked ? w : pack(l.g, l.block, w, sizes, isPlain)
}

/** The blocked value that turned filters meet, and those: a factor per channel goes to them where that costs less. */
function turnedOperands(l: Layouts, x: Value, { w, turn }: Turned): { readonly from: Value; readonly turn: Turned } {
  const sizes = l.shape(w)!
  const scaled = l.scaled(x, sizes)
  if (!scaled) return { from: l.blocked(x), turn: { w, turn } }
  const filters = scaledFilters(l, w, sizes, scaled.factor, l.packed.has(w))
  if (l.packed.has(w)) l.packed.add(filters)
  return { from: l.blocked(scaled.x), turn: { w: filters, turn } }
}

/** Defers a Conv in blocks, if there is a kernel for it that pays. */
export function lowerConv(l: Layouts, node: NodeProto): boolean {
  const [x, w, bias] = node.input as [Value, Value, Value?]
  const [sizes, filter] = [l.sizesOf(x), l.sizesOf(w)]
  if (!sizes || !filter || stringAttribute(node, 'auto_pad', 'NOTSET') !== 'NOTSET') return false
  const [n, c, height, width] = sizes
  const [m, each, ...kernel] = filter
  const group = intAttribute(node, 'group', 1)
  const strides = intsAttribute(node, 'strides') ?? [1, 1]
  const dilations = intsAttribute(node, 'dilations') ?? [1, 1]
  const pads = intsAttribute(node, 'pads') ?? [0, 0, 0, 0]
  const isDepthwise = group > 1 && group === c && m === c
  const inWholes = [each, m / group].every((channels) => channels % l.block === 0)
  if (!isWide(l, m) || (group > 1 && !isDepthwise && !inWholes)) return false
  const isDense = group === 1
  const isPlain = isDense && c < l.block && !l.isBlocked(x)
  const given = isDense || isDepthwise ? l.turned(w) : undefined
  const met = given && !isPlain ? turnedOperands(l, x, given) : undefined
  const from = met?.from ?? (isPlain ? l.plain(x) : l.blocked(x))
  const filters = filtersOf(
    l,
    met?.turn ?? { w: isDense && l.packed.has(w) ? w : l.plain(w) },
    filter,
    isDepthwise,
    isPlain,
  )
  const at = (i: 0 | 1) => outputSize(sizes[2 + i]!, kernel[i], strides[i]!, dilations[i]!, pads[i]! + pads[i + 2]!)
  const attributes = { kernel_shape: kernel, strides, dilations, pads, group: isDepthwise ? l.filled(c) : group }
  const result: Sizes = [n, m, at(0), at(1)]
  if (height * width === 0) return false
  l.defer(
    node.output[0]!,
    { x: from, w: filters, bias: bias ? l.vector(bias, m) : null, attributes, sum: null, isPerPicture: false },
    result,
  )
  return true
}
