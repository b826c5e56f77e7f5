import type { GraphBuilder, Value } from './builder.js'

/**
 * Sums of the rows of `value` [N, M], as [N, 1], with zeros added to M up to a multiple of 8 first: onnxruntime adds in an
 * order that depends on where a row begins in memory modulo 32 bytes, so sums would change with the place in the batch.
 */
export function rowSum(g: GraphBuilder, value: Value, columns: number): Value {
  return g.reduce('Sum', g.pad(value, [0, 0], [0, -columns & 7]), [1])
}
