/** Gather, Scatter and their like, and Resize: data picked by position. */
import { intAttribute, intsAttribute, type NodeProto, stringAttribute } from '../../onnx/node.js'
import { DataType } from '../../onnx/tensor.js'
import { product } from '../../onnx/valueInfo.js'
import type { GraphBuilder, Value } from '../builder.js'
import { single, type VjpRule } from '../rule.js'

/** A Gather along an axis as long as the batch makes it: every cotangent is added where its element came from. */
function scattered(g: GraphBuilder, c: Value, x: Value, indices: Value, axis: number): Value {
  const rank = g.dims(x).length
  const count = g.dims(indices).length
  const axes = Array.from({ length: rank + count - 1 }, (_, i) => i)
  const along = axes.splice(axis, count)
  const last = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis)
  const zeros = g.zerosLike(x)
  const place = g.unsqueeze(indices, [count])
  if (axis === 0) return g.emit('ScatterND', [zeros, place, c], { reduction: 'add' })
  const rows = g.transpose(zeros, [axis, ...last])
  const sums = g.emit('ScatterND', [rows, place, g.transpose(c, [...along, ...axes])], { reduction: 'add' })
  const back = [axis, ...last]
  return g.transpose(
    sums,
    back.map((_, i) => back.indexOf(i)),
  )
}

/**
 * Element i of the axis is the sum of the cotangents of all its copies: a product with the one-hot matrix of the indices,
 * which unlike a scattered sum is reproducible everywhere. A single constant index needs only padding; a view of the
 * whole (PyTorch's as_strided, where the batch is open) is a Reshape.
 */
const Gather: VjpRule = single((g, node, c) => {
  const [x, indices] = node.input as [Value, Value]
  const rank = g.dims(x).length
  const axis = (intAttribute(node, 'axis', 0) + rank) % rank
  if (g.dims(x)[axis] === null) {
    return [g.isWhole(x, indices) ? g.reshapeLike(c, x) : scattered(g, c, x, indices, axis), null]
  }
  const [before, after] = [g.dims(x).slice(0, axis), g.dims(x).slice(axis + 1)]
  const size = g.size(x, axis)
  const picked = g.dims(indices)
  const known = g.known(indices)
  if (known?.length === 1) {
    const at = (known[0]! + size) % size
    const one =
      picked.length === 0 ? g.unsqueeze(c, [axis]) : picked.length === 1 ? c : g.reshape(c, [...before, 1, ...after])
    const around = (n: number) => g.dims(x).map((_, i) => (i === axis ? n : 0))
    return [g.pad(one, around(at), around(size - 1 - at)), null]
  }
  const oneHot = g.emit(
    'OneHot',
    [g.reshape(indices, [product(picked)]), g.integers([size]), g.constant(g.dtype(c), [0, 1])],
    { axis: 0 },
  )
  const rows = g.reshape(c, [product(before), product(picked), product(after)])
  return [g.reshapeLike(g.emit('MatMul', [oneHot, rows]), x), null]
})

/** Adds every cotangent at the place its element came from. */
const GatherElements: VjpRule = single((g, node, c) => {
  const [x, indices] = node.input as [Value, Value]
  return [
    g.emit('ScatterElements', [g.zerosLike(x), indices, c], { axis: intAttribute(node, 'axis', 0), reduction: 'add' }),
    null,
  ]
})

/**
 * Adds every cotangent at the place its slice came from. With `batch_dims` each batch [P, T] (P places, slices of T) has its
 * own tuples of indices: made linear, they are one product with a one-hot matrix per batch, as for Gather.
 */
const GatherND: VjpRule = single((g, node, c) => {
  const [x, indices] = node.input as [Value, Value]
  const batchDims = intAttribute(node, 'batch_dims', 0)
  if (batchDims === 0) return [g.emit('ScatterND', [g.zerosLike(x), indices, c], { reduction: 'add' }), null]
  const picked = g.dims(indices)
  const depth = g.size(indices, picked.length - 1)
  const sizes = g.sizes(x, batchDims)
  const places = sizes.slice(0, depth)
  const strides = places.map((_, i) => places.slice(i + 1).reduce((a, b) => a * b, 1))
  const count = product(picked.slice(batchDims, -1))
  const batches = count === null ? product(picked.slice(0, batchDims)) : null
  const wrapped = g.emit('Mod', [indices, g.integers(places)])
  const linear = g.reduce('Sum', g.mul(wrapped, g.integers(strides)), [picked.length - 1])
  const total = places.reduce((a, b) => a * b, 1)
  const choices = [g.reshape(linear, [batches, count]), g.integers([total]), g.constant(g.dtype(c), [0, 1])]
  const rows = g.reshape(c, [batches, count, product(sizes.slice(depth))])
  return [g.reshapeLike(g.emit('MatMul', [g.emit('OneHot', choices, { axis: 1 }), rows]), x), null]
})

/**
 * Elements of `data` are replaced by `updates` (or these are added): the updates gather their cotangents, and what was
 * replaced gets none. No rule for the other reductions.
 */
function scatter(attributesOf: (node: NodeProto) => Record<string, number>, gather: string): VjpRule {
  return single((g, node, c) => {
    const [, indices, updates] = node.input as [Value, Value, Value]
    const reduction = stringAttribute(node, 'reduction', 'none')
    if (reduction !== 'none' && reduction !== 'add') return []
    const attributes = attributesOf(node)
    const rest = reduction === 'add' ? c : g.emit(node.opType, [c, indices, g.zerosLike(updates)], attributes)
    return [rest, null, g.emit(gather, [c, indices], attributes)]
  })
}

/** The k largest values: their cotangents go back to where they were found. */
const TopK: VjpRule = single((g, node, c) => {
  const attributes = { axis: intAttribute(node, 'axis', -1) }
  return [g.emit('ScatterElements', [g.zerosLike(node.input[0]!), node.output[1]!, c], attributes), null]
})

/** An axis that a Resize changes, and the factor that it is given; null where it takes sizes. */
interface Stretch {
  readonly axis: number
  readonly factor: number | null
}

/** The axes that a Resize changes; undefined for a form that the rule does not cover. */
function stretches(g: GraphBuilder, node: NodeProto): Stretch[] | undefined {
  const [x, , scales] = node.input as [Value, Value?, Value?]
  if (stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize') return undefined
  if (stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch') return undefined
  const factors = g.known(scales)
  if (scales && !factors) return undefined
  const [from, to] = [g.dims(x), g.dims(node.output[0]!)]
  const axes = intsAttribute(node, 'axes')?.map((axis) => (axis + from.length) % from.length) ?? from.map((_, i) => i)
  const scaled = axes.map((axis, i) => ({ axis, factor: factors?.[i] ?? null })).filter(({ factor }) => factor !== 1)
  // Of open sizes only the batch's is taken to stay.
  const [kept, changed] = [true, false].map((wanted) =>
    scaled.filter((s) => (from[s.axis] === to[s.axis] && (from[s.axis] !== null || s.axis === 0)) === wanted),
  ) as [Stretch[], Stretch[]]
  // A factor that leaves the size moves pixels all the same, if another axis changes and without antialias.
  const isMoved = kept.some(({ factor }) => factor !== null) && intAttribute(node, 'antialias', 0) === 0
  return isMoved && changed.length > 0 ? undefined : changed
}

/**
 * Interpolation is linear in the pixels and works axis by axis, y = R x, so dx = R^T c along each resized axis. R^T is what
 * the same operator makes of an identity matrix, which onnxruntime computes once, when it loads the model: the same
 * coordinates by construction, whatever the mode.
 */
const Resize: VjpRule = single((g, node, c) => {
  const [x, y] = [node.input[0]!, node.output[0]!]
  const rank = g.dims(x).length
  const changed = stretches(g, node)
  if (!changed) return []
  let value = c
  for (const { axis, factor } of changed) {
    const length = g.size(x, axis)
    const eye = Array.from({ length: length * length }, (_, i) => (i % (length + 1) === 0 ? 1 : 0))
    const rows = g.constant(g.dtype(x), eye, [length, 1, length, 1])
    const scale = factor === null ? null : g.constant(DataType.FLOAT, [1, 1, factor, 1])
    const size = scale ? null : g.integers([length, 1, g.size(y, axis), 1])
    const columns = g.emitLike(node, size ? [rows, null, null, size] : [rows, null, scale], ['axes'])
    const matrix = g.transpose(g.reshape(columns, [length, g.dims(y)[axis]!]), [1, 0])
    value = alongAxis(g, value, matrix, axis, rank)
  }
  return [value, null, null, null].slice(0, node.input.length)
})

/** Multiplies every line of `value` along `axis` by `matrix` [old, new]. */
function alongAxis(g: GraphBuilder, value: Value, matrix: Value, axis: number, rank: number): Value {
  if (axis === rank - 1) return g.emit('MatMul', [value, matrix])
  if (axis === rank - 2) return g.emit('MatMul', [g.transpose(matrix, [1, 0]), value])
  const perm = Array.from({ length: rank }, (_, i) => i)
  perm[axis] = rank - 1
  perm[rank - 1] = axis
  return g.transpose(g.emit('MatMul', [g.transpose(value, perm), matrix]), perm)
}

export const INDEXING: Record<string, VjpRule> = {
  Gather,
  GatherElements,
  GatherND,
  ScatterElements: scatter((node) => ({ axis: intAttribute(node, 'axis', 0) }), 'GatherElements'),
  ScatterND: scatter(() => ({}), 'GatherND'),
  TopK,
  Resize,
}
