import type { NodeProto } from '../onnx/node.js'
import type { GraphBuilder, Value } from './builder.js'

/**
 * Vector-Jacobian product of one operator: from the cotangents of its outputs (null where nothing depends on one) the
 * cotangent of every input, in that input's shape; null where the operator does not depend on it differentiably. Inputs
 * beyond the end of the answer have no rule: an error if a differentiated value arrives there.
 */
export type VjpRule = (g: GraphBuilder, node: NodeProto, cotangents: readonly (Value | null)[]) => (Value | null)[]

/** The rule of an operator with one output that matters. */
export function single(rule: (g: GraphBuilder, node: NodeProto, cotangent: Value) => (Value | null)[]): VjpRule {
  return (g, node, cotangents) => (cotangents[0] ? rule(g, node, cotangents[0]) : node.input.map(() => null))
}

/** Sums a cotangent in the shape of `output` down to the shape of `input`, which was broadcast to it. */
function unbroadcast(g: GraphBuilder, cotangent: Value, output: Value, input: Value): Value {
  const from = g.dims(output)
  const to = g.dims(input)
  const lead = from.length - to.length
  const leading = from.slice(0, lead).map((_, axis) => axis)
  const repeated = to.map((dim, i) => (dim === 1 && from[lead + i] !== 1 ? lead + i : -1)).filter((axis) => axis >= 0)
  const axes = [...leading, ...repeated]
  if (axes.length === 0) return cotangent
  const summed = g.reduce('Sum', cotangent, axes)
  return lead > 0 ? g.squeeze(summed, leading) : summed
}

/** The rule of an elementwise operator: `rule` answers in the output's shape, and broadcasting is undone here, once. */
export function elementwise(rule: (g: GraphBuilder, node: NodeProto, cotangent: Value) => (Value | null)[]): VjpRule {
  return single((g, node, c) =>
    rule(g, node, c).map((value, i) =>
      value === null ? null : unbroadcast(g, value, node.output[0]!, node.input[i]!),
    ),
  )
}
