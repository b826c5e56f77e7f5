import type { GraphBuilder, Value } from './builder.js'

/** What a convolution does along its spatial axes, one element an axis. */
export interface Convolution {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly before: readonly number[]
  readonly after: readonly number[]
  readonly group: number
}

/** Swaps the batch of [N, group C, ...] with the channels of one group: [C, group N, ...]. */
function channelsFirst(g: GraphBuilder, value: Value, [channels, ...sizes]: readonly number[], group: number): Value {
  const each = channels! / group
  const split = g.reshape(value, [null, group, each, ...sizes])
  return g.reshape(g.transpose(split, [2, 1, 0, ...sizes.map((_, i) => i + 3)]), [each, null, ...sizes])
}

/**
 * Cotangent [M, C, k...] of the weights of a convolution with M output channels and C input channels a group:
 *     dW[m, c, k] = sum over n, i of narrow[n, m, i] wide[n, c, s i + d k - p],
 * a convolution of `wide` with `narrow` as its kernel, the batch as its channels, and stride and dilation swapped.
 * `wide` is the input of Conv and the cotangent of ConvTranspose, `narrow` the other one; `sizes` are [channels, ...]
 * of `wide`.
 */
export function kernelCotangent(
  g: GraphBuilder,
  wide: Value,
  narrow: Value,
  sizes: readonly number[],
  { kernel, strides, dilations, before, after, group }: Convolution,
): Value {
  const axes = kernel.map((_, i) => i + 2)
  const swapped = [1, 0, ...axes]
  const attributes = { strides: dilations, dilations: strides, pads: [...before, ...after], group }
  const operands = [channelsFirst(g, wide, sizes, group), g.transpose(narrow, swapped)]
  const zeros = axes.map(() => 0)
  return g.transpose(g.slice(g.emit('Conv', operands, attributes), axes, zeros, kernel), swapped)
}
