import { floatAttribute, intAttribute } from '../../onnx/node.js'
import type { Value } from '../builder.js'
import { single, type VjpRule } from '../rule.js'

/**
 * y = alpha A' B' + beta C with A' = A or its transpose, B' likewise: dA' = alpha c B'^T, dB' = alpha A'^T c, and each
 * transposed again where the operand was.
 */
const Gemm: VjpRule = single((g, node, c) => {
  const [a, b] = node.input as [Value, Value]
  const alpha = { float: floatAttribute(node, 'alpha', 1) }
  const transA = intAttribute(node, 'transA', 0)
  const transB = intAttribute(node, 'transB', 0)
  const product = (p: Value, q: Value, tp: number, tq: number) =>
    g.emit('Gemm', [p, q], { alpha, transA: tp, transB: tq })
  return [
    transA ? product(b, c, transB, 1) : product(c, b, 0, 1 - transB),
    transB ? product(c, a, 1, transA) : product(a, c, 1 - transA, 0),
  ]
})

export const LINALG: Record<string, VjpRule> = { Gemm }
