import { intAttribute, intsAttribute, type NodeProto, stringAttribute } from '../../onnx/node.js'
import type { Dim } from '../../onnx/valueInfo.js'
import { unbroadcast } from '../broadcast.js'
import type { GraphBuilder, Value } from '../builder.js'
import { single, unary, type VjpRule } from '../rule.js'
import { interleave } from '../window.js'

/** The elements stay in order, so the cotangent takes the input's shape again. */
const reshaped: VjpRule = single((g, node, c) => [g.reshapeLike(c, node.input[0]!, node.output[0]!), null])

const axisOf = (g: GraphBuilder, node: NodeProto, fallback: number): number => {
  const rank = g.dims(node.input[0]!).length
  return (intAttribute(node, 'axis', fallback) + rank) % rank
}

const Transpose: VjpRule = unary((g, c, x, _y, node) => {
  const rank = g.dims(x).length
  const perm = intsAttribute(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
  return g.transpose(
    c,
    perm.map((_, axis) => perm.indexOf(axis)),
  )
})

/** Each operand gets its own stretch of the axis. */
const Concat: VjpRule = single((g, node, c) => {
  const axis = axisOf(g, node, 0)
  let start = 0
  return node.input.map((input) => {
    const end = start + g.size(input, axis)
    const part = g.slice(c, [axis], [start], [end])
    start = end
    return part
  })
})

const Split: VjpRule = (g, node, cotangents) => {
  const parts = cotangents.map((c, i) => c ?? g.zerosLike(node.output[i]!))
  return [parts.length === 1 ? parts[0]! : g.emit('Concat', parts, { axis: axisOf(g, node, 0) }), null]
}

/** One sliced axis: elements start, start + step, ... (`count` of them) of `size`. */
interface Cut {
  readonly axis: number
  readonly start: number
  readonly step: number
}

/** The slices of a Slice node, from constant inputs, starts clamped as the operator does; undefined if not constant. */
function cutsOf(g: GraphBuilder, node: NodeProto): Cut[] | undefined {
  const [x, ...parameters] = node.input as [Value, Value, Value, Value?, Value?]
  const [starts, ends, axes, steps] = parameters.map((value) => g.known(value))
  if (!starts || !ends) return undefined
  const rank = g.dims(x).length
  return starts.flatMap((start, i) => {
    const axis = ((axes?.[i] ?? i) + rank) % rank
    const step = steps?.[i] ?? 1
    const size = g.dims(x)[axis]!
    if (size === null && step === 1 && start === 0 && ends[i]! >= 2 ** 31 - 1) return []
    const fixed = g.size(x, axis)
    const from = start < 0 ? start + fixed : start
    return [{ axis, step, start: Math.min(Math.max(from, 0), step > 0 ? fixed : fixed - 1) }]
  })
}

/** The cotangent lies where the elements were taken from, zeros between and around. */
const Slice: VjpRule = single((g, node, c) => {
  const [x, y] = [node.input[0]!, node.output[0]!]
  const cuts = cutsOf(g, node)
  if (!cuts) return []
  const dims: Dim[] = [...g.dims(y)]
  const before = dims.map(() => 0)
  const after = dims.map(() => 0)
  let value = c
  for (const { axis, start, step } of cuts) {
    const count = g.size(y, axis)
    const stride = Math.abs(step)
    if (step < 0) value = g.slice(value, [axis], [-1], [-(2 ** 31)], [-1])
    if (stride > 1) {
      const strides = dims.slice(axis).map((_, i) => (i === 0 ? stride : 1))
      value = interleave(g, new Map([[strides.map(() => 0).join(), value]]), strides, dims)
      dims[axis] = count * stride
    }
    before[axis] = step > 0 ? start : start + step * (count - 1)
    after[axis] = g.size(x, axis) - before[axis]! - count * stride
  }
  return [g.pad(value, before, after), null, null, null, null].slice(0, node.input.length)
})

/** The stretch [from, from + length) of an axis, cut out, reversed if asked, and put at `to` of an axis of `size`. */
interface Echo {
  readonly axis: number
  readonly from: number
  readonly length: number
  readonly to: number
  readonly size: number
}

function echo(
  g: GraphBuilder,
  value: Value,
  rank: number,
  { axis, from, length, to, size }: Echo,
  mode: string,
): Value {
  const at = (n: number) => Array.from({ length: rank }, (_, i) => (i === axis ? n : 0))
  let piece = g.slice(value, [axis], [from], [from + length])
  if (mode === 'reflect') piece = g.slice(piece, [axis], [-1], [-(2 ** 31)], [-1])
  if (mode === 'edge') piece = g.reduce('Sum', piece, [axis])
  return g.pad(piece, at(to), at(size - to - (mode === 'edge' ? 1 : length)))
}

/** Where on x the `length` padding elements on one side came from. */
function source(mode: string, length: number, size: number, isBefore: boolean): number {
  if (mode === 'reflect') return isBefore ? 1 : size - 1 - length
  if (mode === 'edge') return isBefore ? 0 : size - 1
  return isBefore ? size - length : 0
}

/** The frame is cut off; with reflect, edge or wrap it is first added back to where it was copied from, axis by axis. */
const Pad: VjpRule = single((g, node, c) => {
  const x = node.input[0]!
  const pads = g.known(node.input[1])
  if (!pads) return []
  const rank = g.dims(x).length
  const axes = g.known(node.input[3])?.map((axis) => (axis + rank) % rank) ?? g.dims(x).map((_, i) => i)
  const mode = stringAttribute(node, 'mode', 'constant')
  let value = c
  for (const [i, axis] of axes.entries()) {
    const [before, after] = [pads[i]!, pads[axes.length + i]!]
    if (before === 0 && after === 0) continue
    const at = (n: number) => Array.from({ length: rank }, (_, j) => (j === axis ? n : 0))
    let inner = g.pad(value, at(-before), at(-after))
    for (const isBefore of mode === 'constant' ? [] : [true, false]) {
      const length = isBefore ? before : after
      if (length <= 0) continue
      const size = g.size(x, axis)
      const from = isBefore ? 0 : Math.max(before, 0) + size + Math.min(before, 0)
      inner = g.add(
        inner,
        echo(g, value, rank, { axis, from, length, to: source(mode, length, size, isBefore), size }, mode),
      )
    }
    value = inner
  }
  // What was padded is of the one value that is given for it.
  const sum = (of: Value) => g.reduce('Sum', of, [...g.dims(x).keys()], false)
  return node.input.map((_, i) => (i === 0 ? value : i === 2 && mode === 'constant' ? g.sub(sum(c), sum(value)) : null))
})

const Expand: VjpRule = single((g, node, c) => [
  unbroadcast(g, c, g.dims(node.output[0]!), g.dims(node.input[0]!)),
  null,
])

/** Sums over the copies: each repeated axis is split into [copies, size] first. */
const Tile: VjpRule = single((g, node, c) => {
  const x = node.input[0]!
  const repeats = g.known(node.input[1])
  if (!repeats) return []
  const dims = g.dims(x).flatMap((dim, i) => (repeats[i] === 1 ? [dim] : [repeats[i]!, dim]))
  const axes = repeats.flatMap((r, i) => (r === 1 ? [] : [i + repeats.slice(0, i).filter((q) => q !== 1).length]))
  return [axes.length === 0 ? c : g.reduce('Sum', g.reshape(c, dims), axes, false), null]
})

/** [N, C b^2, H, W] -> [N, C, H b, W b]; DCR: channel (i, j, c), CRD: channel (c, i, j). */
const DepthToSpace: VjpRule = unary((g, c, x, y, node) => {
  const blocksize = intAttribute(node, 'blocksize', 1)
  if (stringAttribute(node, 'mode', 'DCR') === 'DCR') return g.emit('SpaceToDepth', [c], { blocksize })
  const [n, channels] = g.dims(y)
  const [height, width] = g.sizes(x, 2)
  const blocks = g.reshape(c, [n!, channels!, height!, blocksize, width!, blocksize])
  return g.reshapeLike(g.transpose(blocks, [0, 1, 3, 5, 2, 4]), x)
})

const SpaceToDepth: VjpRule = unary((g, c, _x, _y, node) =>
  g.emit('DepthToSpace', [c], { blocksize: intAttribute(node, 'blocksize', 1), mode: 'DCR' }),
)

const Trilu: VjpRule = single((g, node, c) => {
  const upper = intAttribute(node, 'upper', 1)
  return [g.emit('Trilu', [c, node.input[1] || null], { upper }), null]
})

export const MOVEMENT: Record<string, VjpRule> = {
  Flatten: reshaped,
  Reshape: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose,
  Concat,
  Split,
  Slice,
  Pad,
  Expand,
  Tile,
  DepthToSpace,
  SpaceToDepth,
  Trilu,
}
