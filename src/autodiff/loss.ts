import { DataType } from '../onnx/tensor.js'
import type { GraphBuilder, Value } from './builder.js'
import { rowSum } from './rowSum.js'

export type Loss = 'ce' | 'bce' | 'logit'

/** One-hot rows [N, K], float32, at the largest entry (the first one) of each row of `values` [N, K]. */
export function oneHotOfMax(g: GraphBuilder, values: Value, classes: number): Value {
  return g.cast(peak(g, values, classes), DataType.FLOAT)
}

/** Boolean [N, K]: true at the first largest entry of each row. */
function peak(g: GraphBuilder, values: Value, classes: number): Value {
  const index = g.emit('ArgMax', [values], { axis: 1, keepdims: 1 })
  return g.emit('Equal', [index, g.integers(Array.from({ length: classes }, (_, k) => k))])
}

/**
 * Cotangent of the loss on the logits `z`, [N, K] float32, for label distributions `target` y, [N, K] float32, each row
 * up to a positive factor of its own, chosen so that it neither under- nor overflows: its largest entry is near 1.
 *
 * Let k = argmax y, s = (1 - p_k) + (1 - y_k), p = softmax(z), w = (1 - p_k) / s, r = softmax of z without z_k,
 * u = y without y_k. Then for cross-entropy
 *     (p - y) / s = w r - u / s  away from k,  and  (1 - w) - w  at k,
 * which subtracts nothing nearly equal however confident the classifier is. For a one-hot y, w = 1 even where
 * 1 - p_k is 0 in float32.
 *
 * Binary cross-entropy of softmax(z) against y: with b = 1 - y, beta_i = b_i p_i / s, d = argmax z, and t = softmax of
 * z without z_d,
 *     c = (p - y) / s + beta - p (sum gamma - gamma) - beta_d t,  gamma_i = beta_i / (1 - p_i) for i != d, else 0,
 * where 1 - p_i >= 1/2, and the quotient that could overflow, p_j / (1 - p_d), is t_j.
 */
export function lossCotangent(g: GraphBuilder, z: Value, target: Value, classes: number, loss: Loss): Value {
  if (loss === 'logit') return target
  const atLabel = peak(g, target, classes)
  const others = without(g, z, atLabel)
  const r = g.emit('Softmax', [others], { axis: 1 })
  const u = g.where(atLabel, 0, target)
  const rest = rowSum(g, u, classes)
  const oneHot = g.emit('Equal', [rest, 0])
  const doubt = confidenceGap(g, z, others, atLabel, classes)
  const s = g.where(oneHot, 1, g.add(doubt, rest))
  const w = g.where(oneHot, 1, g.div(doubt, s))
  const known = g.div(rest, s)
  const away = g.sub(g.mul(w, r), g.div(u, s))
  const ce = g.where(atLabel, g.sub(known, w), away)
  if (loss === 'ce') return ce

  const p = g.emit('Softmax', [z], { axis: 1 })
  const beta = g.where(atLabel, g.mul(known, p), g.mul(g.sub(1, target), g.mul(w, r)))
  const atMax = peak(g, z, classes)
  const t = g.emit('Softmax', [without(g, z, atMax)], { axis: 1 })
  const gamma = g.where(atMax, 0, g.div(beta, g.sub(1, g.where(atMax, 0, p))))
  const collected = g.mul(p, g.sub(rowSum(g, gamma, classes), gamma))
  const betaMax = rowSum(g, g.where(atMax, beta, 0), classes)
  return g.sub(g.sub(g.add(ce, beta), collected), g.mul(betaMax, t))
}

/** Logits with the marked one so low that its softmax is 0. */
function without(g: GraphBuilder, z: Value, marked: Value): Value {
  return g.where(marked, -3e38, z)
}

/**
 * 1 - p_k = S / (S + exp(z_k - m)), [N, 1], where m is the largest of the others and S the sum of exp(z_i - m) over them. Without a
 * logarithm: onnxruntime's gives an element other bits behind the last whole vector of a batch.
 */
function confidenceGap(g: GraphBuilder, z: Value, others: Value, atLabel: Value, classes: number): Value {
  const max = g.reduce('Max', others, [1])
  const sum = rowSum(g, g.emit('Exp', [g.sub(others, max)]), classes)
  const label = rowSum(g, g.where(atLabel, z, 0), classes)
  return g.div(sum, g.add(sum, g.emit('Exp', [g.sub(label, max)])))
}
