import { stringAttribute } from '../../onnx/node.js'
import type { GraphBuilder, Value } from '../builder.js'
import type { Expansion } from '../expansion.js'

const transposed = (g: GraphBuilder, value: Value, from: readonly string[], to: readonly string[]) =>
  from.join('') === to.join('')
    ? value
    : g.transpose(
        value,
        to.map((letter) => from.indexOf(letter)),
      )

/**
 * A sum over one letter of two operands as a MatMul: any letters that both and the result have, one that each has alone. What
 * runs it loads and computes that faster; other equations stay.
 */
const Einsum: Expansion = (g, node) => {
  const [left = '', right] = stringAttribute(node, 'equation', '').replaceAll(' ', '').split('->')
  const [a, b, ...others] = left.split(',').map((term) => [...term])
  if (right === undefined || !a || !b || others.length > 0 || left.includes('.')) return undefined
  const result = [...right]
  const isUnique = [a, b, result].every((letters) => new Set(letters).size === letters.length)
  const batch = result.filter((letter) => a.includes(letter) && b.includes(letter))
  const [rows, columns] = [a, b].map((letters) => result.filter((l) => letters.includes(l) && !batch.includes(l)))
  const summed = a.filter((letter) => b.includes(letter) && !result.includes(letter))
  const isProduct = [rows!, columns!, summed].every((letters) => letters.length === 1)
  if (!isUnique || !isProduct || a.length !== batch.length + 2 || b.length !== batch.length + 2) return undefined
  const [i, j, k] = [rows![0]!, columns![0]!, summed[0]!]
  // One that is repeated is no product of matrices.
  if (g.dims(node.input[0]!)[a.indexOf(k)] !== g.dims(node.input[1]!)[b.indexOf(k)]) return undefined
  const factors = [
    transposed(g, node.input[0]!, a, [...batch, i, k]),
    transposed(g, node.input[1]!, b, [...batch, k, j]),
  ]
  return [transposed(g, g.emit('MatMul', factors), [...batch, i, j], result)]
}

export const EINSUM: Record<string, Expansion> = { Einsum }
