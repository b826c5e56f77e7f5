/** Values repeated along axes, and sums over what was repeated. */
import { DataType } from '../onnx/tensor.js'
import { type Dim, product } from '../onnx/valueInfo.js'
import type { GraphBuilder, Value } from './builder.js'

/** Whether float32 [N, C, 1, 1] meets [N, C, H, W] here, one element per channel, with known height and width. */
function isPerChannel(
  g: GraphBuilder,
  value: Value,
  [n, channels, ...sizes]: readonly Dim[],
  to: readonly Dim[],
): boolean {
  const meets = to.length === 4 && to[0] === n && to[1] === channels && to.slice(2).every((d) => d === 1)
  return meets && sizes.length === 2 && sizes.every((d) => d !== null && d > 0) && g.dtype(value) === DataType.FLOAT
}

/**
 * [N, C, 1, ...] as [N, C, ...sizes]: the elements repeated (MaxPool) or shared out evenly (AveragePool), one axis at a time:
 * windows as long as the axis see that element and padding. Unlike Expand, onnxruntime's CPU provider computes it in the
 * blocked layout of the convolutions around it.
 */
export function overPixels(
  g: GraphBuilder,
  pool: 'MaxPool' | 'AveragePool',
  value: Value,
  sizes: readonly number[],
): Value {
  const counted = pool === 'AveragePool' ? { count_include_pad: 1 } : {}
  return sizes.reduceRight((pooled, size, axis) => {
    if (size === 1) return pooled
    const along = (length: number, others: number) => sizes.map((_, i) => (i === axis ? length : others))
    const pads = [...along(size - 1, 0), ...along(size - 1, 0)]
    return g.emit(pool, [pooled], { kernel_shape: along(size, 1), pads, ...counted })
  }, value)
}

/** An original value ready for a product with one of sizes `dims`, to which it broadcasts. */
export function broadcast(g: GraphBuilder, value: Value, dims: readonly Dim[]): Value {
  if (!isPerChannel(g, value, dims, g.dims(value))) return value
  return overPixels(g, 'MaxPool', value, dims.slice(2) as number[])
}

/** The cotangent of something of sizes `to` that was broadcast to sizes `from`, those of `value`. */
export function unbroadcast(g: GraphBuilder, value: Value, from: readonly Dim[], to: readonly Dim[]): Value {
  const lead = from.length - to.length
  const leading = from.slice(0, lead).map((_, axis) => axis)
  const repeated = to.map((dim, i) => (dim === 1 && from[lead + i] !== 1 ? lead + i : -1)).filter((axis) => axis >= 0)
  const axes = [...leading, ...repeated]
  if (axes.length === 0) return value
  if (isPerChannel(g, value, from, to)) return g.mul(g.emit('GlobalAveragePool', [value]), product(from.slice(2))!)
  const summed = g.reduce('Sum', value, axes)
  return lead > 0 ? g.squeeze(summed, leading) : summed
}
