/** Weights of a few bits each, packed into bytes from the lowest bits on, as onnxruntime's weight-only quantisers write them. */
import { intAttribute, type NodeProto } from '../node.js'
import { DataType, rawTensor } from '../tensor.js'
import type { Reals } from './reals.js'

/** The integers in rows of `width` bytes, `count` of each row. */
function unpacked(bytes: Uint8Array, bits: number, width: number, count: number): Uint8Array {
  const rows = bytes.length / width
  const values = new Uint8Array(rows * count)
  const [each, mask] = [8 / bits, 2 ** bits - 1]
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < count; i++)
      values[row * count + i] = (bytes[row * width + Math.floor(i / each)]! >> (bits * (i % each))) & mask
  return values
}

/** The zero points [N, blocks]: packed like the weights, real numbers, or the middle of the range. */
function zerosOf(reals: Reals, name: string | undefined, bits: number, blocks: number): ArrayLike<number> | undefined {
  const tensor = name ? reals.tensor(name) : undefined
  if (tensor?.dataType !== DataType.UINT8) return name ? reals.known(name) : undefined
  return unpacked(tensor.rawData, bits, Math.ceil((blocks * bits) / 8), blocks)
}

/**
 * A W^T + bias with W [N, K] = (q - zero) scale, one scale and zero point for each block of a row. The weight is written as
 * float32 [K, N].
 */
export function matMulNBits(reals: Reals, node: NodeProto): boolean {
  const [a, b, scale, zero, order, bias] = node.input as [string, string, string, string?, string?, string?]
  const of = (name: string, fallback = 0) => intAttribute(node, name, fallback)
  const [n, k, bits, size] = [of('N'), of('K'), of('bits', 4), of('block_size')]
  const [packed, scales] = [reals.tensor(b), reals.known(scale)]
  const blocks = Math.ceil(k / size)
  const width = (blocks * size * bits) / 8
  const isKnown = n > 0 && k > 0 && packed?.rawData.length === n * width && scales?.length === n * blocks
  if (!isKnown || ![2, 4, 8].includes(bits) || order || (zero && !reals.tensor(zero))) return false
  const integers = unpacked(packed.rawData, bits, width, k)
  const zeros = zerosOf(reals, zero, bits, blocks)
  const weights = new Float32Array(k * n)
  for (let row = 0; row < n; row++) {
    for (let i = 0; i < k; i++) {
      const block = row * blocks + Math.floor(i / size)
      weights[i * n + row] = (integers[row * k + i]! - (zeros ? zeros[block]! : 2 ** (bits - 1))) * scales[block]!
    }
  }
  const name = reals.fresh()
  reals.initializers.set(name, rawTensor(name, DataType.FLOAT, [k, n], weights))
  const product = reals.emit('MatMul', [a, name])
  reals.name(bias ? reals.emit('Add', [product, bias]) : product, node.output[0]!)
  return true
}
