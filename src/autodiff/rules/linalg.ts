import { floatAttribute, intAttribute, stringAttribute } from '../../onnx/node.js'
import type { Dim } from '../../onnx/valueInfo.js'
import { unbroadcast } from '../broadcast.js'
import type { GraphBuilder, Value } from '../builder.js'
import { single, type VjpRule } from '../rule.js'

/**
 * y = alpha A' B' + beta C with A' = A or its transpose, B' likewise: dA' = alpha c B'^T, dB' = alpha A'^T c, and each
 * transposed again where the operand was.
 */
const Gemm: VjpRule = single((g, node, c) => {
  const [a, b, bias] = node.input as [Value, Value, Value?]
  const alpha = { float: floatAttribute(node, 'alpha', 1) }
  const [transA, transB] = [intAttribute(node, 'transA', 0), intAttribute(node, 'transB', 0)]
  const product = (p: Value, q: Value, tp: number, tq: number) =>
    g.emit('Gemm', [p, q], { alpha, transA: tp, transB: tq })
  return [
    transA ? product(b, c, transB, 1) : product(c, b, 0, 1 - transB),
    transB ? product(c, a, 1, transA) : product(a, c, 1 - transA, 0),
    bias ? unbroadcast(g, g.mul(c, floatAttribute(node, 'beta', 1)), g.dims(node.output[0]!), g.dims(bias)) : null,
  ]
})

/** `value` with its last two axes swapped. */
function swapped(g: GraphBuilder, value: Value, rank: number): Value {
  const axes = Array.from({ length: rank }, (_, i) => i)
  return g.transpose(value, [...axes.slice(0, -2), rank - 1, rank - 2])
}

/**
 * C B^T of a matrix B, as one Gemm of all rows of C: onnxruntime would fold a Transpose of a weight, which copies it (a tenth of
 * the time in which the gradient of a ViT-B is loaded).
 */
function timesTransposed(g: GraphBuilder, c: Value, b: Value): Value {
  return g.emit('Gemm', [g.reshape(c, [null, g.size(b, 1)]), b], { transB: 1 })
}

/** Y = A B over the last two axes: dA = C B^T, dB = A^T C, summed over broadcast axes. A vector is one row, or column. */
const MatMul: VjpRule = single((g, node, c) => {
  const [a, b] = node.input as [Value, Value]
  const [isRow, isColumn] = [g.dims(a).length === 1, g.dims(b).length === 1]
  const dims = (value: Value, isVector: boolean, at: number): Dim[] =>
    isVector ? g.dims(value).toSpliced(at, 0, 1) : [...g.dims(value)]
  const [dimsA, dimsB] = [dims(a, isRow, 0), dims(b, isColumn, 1)]
  const matrixA = isRow ? g.unsqueeze(a, [0]) : a
  const matrixB = isColumn ? g.unsqueeze(b, [1]) : b
  const lost = [...(isRow ? [-2] : []), ...(isColumn ? [-1] : [])]
  const cotangent = lost.length > 0 ? g.unsqueeze(c, lost) : c
  const batch = [...g.dims(node.output[0]!)].slice(0, Math.max(dimsA.length, dimsB.length) - 2)
  const isMatrix = !isRow && dimsB.length === 2 && !isColumn && dimsB[1] !== null
  const da = isMatrix ? timesTransposed(g, c, b) : g.emit('MatMul', [cotangent, swapped(g, matrixB, dimsB.length)])
  const db = g.emit('MatMul', [swapped(g, matrixA, dimsA.length), cotangent])
  return [
    g.reshapeLike(isMatrix ? da : unbroadcast(g, da, [...batch, ...dimsA.slice(-2)], dimsA), a),
    g.reshapeLike(unbroadcast(g, db, [...batch, ...dimsB.slice(-2)], dimsB), b),
  ]
})

/** The terms of an Einsum equation, without blanks, the implied output written out, '...' replaced by capital letters. */
function equation(g: GraphBuilder, text: string, inputs: readonly Value[]): string[] {
  const [left, right] = text.replaceAll(' ', '').split('->') as [string, string?]
  const terms = left.split(',')
  const once = [...new Set(left.replace(/[,.]/g, ''))].sort().filter((letter) => left.split(letter).length === 2)
  const result = right ?? `${left.includes('...') ? '...' : ''}${once.join('')}`
  const free = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].filter((letter) => !text.includes(letter))
  const ellipsis = (count: number) => free.slice(0, count).reverse().join('')
  const counts = terms.map((term, i) => g.dims(inputs[i]!).length - (term.length - 3))
  const widest = Math.max(0, ...counts.filter((_, i) => terms[i]!.includes('...')))
  return [...terms.map((term, i) => term.replace('...', ellipsis(counts[i]!))), result.replace('...', ellipsis(widest))]
}

/** Size of a letter of an Einsum among some of its terms: the one that is not broadcast. */
function sizeOf(letter: string, terms: readonly string[], dims: readonly (readonly Dim[])[]): Dim {
  const sizes = terms.flatMap((term, i) => [...term].flatMap((l, axis) => (l === letter ? [dims[i]![axis]!] : [])))
  const size = sizes.find((s) => s !== 1)
  return size === undefined ? 1 : size
}

/** 1 where the axes of equal letters of `term` have equal positions, else 0, for each letter that is repeated. */
function diagonals(g: GraphBuilder, term: string, operand: Value): Value[] {
  return [...term].flatMap((letter, axis) => {
    const first = term.indexOf(letter)
    if (first === axis) return []
    const size = g.size(operand, axis)
    const eye = Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0))
    const dims = [...term].map((_, i) => (i === first || i === axis ? size : 1))
    return [g.constant(g.dtype(operand), eye, dims)]
  })
}

/**
 * The cotangent of each operand is the Einsum of c and the other operands with that operand's letters as the result,
 * summed over axes on which the operand was broadcast. Letters that only this operand has were summed away: they are
 * repeated. Of a repeated letter ("ii") only the diagonal was read.
 */
const Einsum: VjpRule = single((g, node, c) => {
  const inputs = node.input
  const terms = equation(g, stringAttribute(node, 'equation', ''), inputs)
  const result = terms.pop()!
  return inputs.map((input, i) => {
    const others = inputs.filter((_, j) => j !== i)
    const given = [result, ...terms.filter((_, j) => j !== i)]
    const givenDims = [node.output[0]!, ...others].map((v) => g.dims(v))
    const term = terms[i]!
    const own = [...new Set(term)]
    const shared = own.filter((letter) => given.some((t) => t.includes(letter)))
    const summed = g.emit('Einsum', [c, ...others], { equation: `${given.join(',')}->${shared.join('')}` })
    const missing = [...term].flatMap((l, axis) => (shared.includes(l) && term.indexOf(l) === axis ? [] : [axis]))
    const found = [...term].map((l, axis) => (missing.includes(axis) ? 1 : sizeOf(l, given, givenDims)))
    const spread = missing.length > 0 ? g.unsqueeze(summed, missing) : summed
    const value = diagonals(g, term, input).reduce(g.mul, unbroadcast(g, spread, found, g.dims(input)))
    return found.some((size, axis) => size === 1 && g.dims(input)[axis] !== 1) ? g.expandLike(value, input) : value
  })
})

export const LINALG: Record<string, VjpRule> = { Gemm, MatMul, Einsum }
