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

/** For each element of filters of sizes `dims`, all of whole blocks, its place among the packed ones. */
function* places([m, c, ...kernel]: readonly number[], block: number): Generator<number> {
  const volume = kernel.reduce((a, b) => a * b, 1)
  const row = (c! / block) * volume * block
  for (let out = 0; out < m!; out++)
    for (let from = 0; from < c!; from++)
      for (let at = 0; at < volume; at++) {
        const chunk = Math.floor(out / block) * row + (Math.floor(from / block) * volume + at) * block
        yield (chunk + (from % block)) * block + (out % block)
      }
}

/** The elements of filters as the packed ones have them. */
export function packedElements(plain: Float32Array, dims: readonly number[], block: number): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(plain.length)
  let i = 0
  for (const place of places(dims, block)) packed[place] = plain[i++]!
  return packed
}

/** The elements of filters of those of the packed ones. */
export function plainElements(packed: Float32Array, dims: readonly number[], block: number): Float32Array<ArrayBuffer> {
  const plain = new Float32Array(packed.length)
  let i = 0
  for (const place of places(dims, block)) plain[i++] = packed[place]!
  return plain
}
