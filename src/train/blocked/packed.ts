/**
 * Filters [M, C, h, w] in the order in which the kernels take them: [M / B, C / B, h, w, B of C, B of M], though they are declared
 * as before. Of whole blocks it is a permutation of the elements.
 */
import type { GraphBuilder, Value } from '../../autodiff/builder.js'
import { BLOCKED } from '../../onnx/node.js'

/** Filters [M, C, h, w]. */
type Filters = readonly [outputs: number, channels: number, height: number, width: number]

const filled = (channels: number, block: number) => Math.ceil(channels / block) * block

/**
 * Filters packed, filled up to whole blocks, or for plain inputs as [M / B, C, h, w, B]. ReorderInput, which brings the second axis
 * into blocks, is the fastest way to transpose.
 */
export function pack(g: GraphBuilder, block: number, w: Value, [m, c, h, width]: Filters, isPlain = false): Value {
  const [outs, ins] = [filled(m, block), isPlain ? c : filled(c, block)]
  const whole = g.pad(w, [0, 0, 0, 0], [-m & 3, ins - c, 0, 0])
  const blocks = g.emitOf(BLOCKED, 'ReorderInput', [g.reshape(whole, [1, m + (-m & 3), ins * h * width, 1])])
  const sizes = [outs, ins, h, width]
  if (isPlain || h * width === 1) return g.reshape(blocks, sizes)
  const split = g.reshape(blocks, [outs / block, ins / block, block, h * width, block])
  return g.reshape(g.transpose(split, [0, 1, 3, 2, 4]), sizes)
}

/** Filters [M, C, h, w] of packed ones, in blocks of `side` of the channels C. */
export function unpack(g: GraphBuilder, block: number, packed: Value, [m, c, h, w]: Filters, side = block): Value {
  const [outs, ins] = [Math.ceil(m / block), Math.ceil(c / side)]
  const split = g.reshape(packed, [outs, ins, h * w, side, block])
  const blocks = h * w === 1 ? split : g.transpose(split, [0, 1, 3, 2, 4])
  const order = g.reshape(blocks, [1, outs * block, ins * side * h * w, 1])
  const plain = g.reshape(g.emitOf(BLOCKED, 'ReorderOutput', [order], { channels: m }), [m, ins * side, h, w])
  return c === ins * side ? plain : g.slice(plain, [1], [0], [c])
}

/** The elements of filters of sizes `dims`, all of whole blocks, as the packed ones have them. */
export const packedElements = (
  plain: Float32Array,
  dims: readonly number[],
  block: number,
): Float32Array<ArrayBuffer> => moved(plain, dims, block, true)

/** The elements of filters of those of the packed ones. */
export const plainElements = (
  packed: Float32Array,
  dims: readonly number[],
  block: number,
): Float32Array<ArrayBuffer> => moved(packed, dims, block, false)

function moved(from: Float32Array, [m, c, ...kernel]: readonly number[], block: number, isPacking: boolean) {
  const to = new Float32Array(from.length)
  const volume = kernel.reduce((a, b) => a * b, 1)
  const row = c! * volume
  for (let out = 0; out < m!; out++) {
    let plain = out * row
    const first = (out - (out % block)) * row + (out % block)
    for (let channel = 0; channel < c!; channel++) {
      let packed = first + ((channel - (channel % block)) * volume + (channel % block)) * block
      for (let at = 0; at < volume; at++, plain++, packed += block * block) {
        if (isPacking) to[packed] = from[plain]!
        else to[plain] = from[packed]!
      }
    }
  }
  return to
}
