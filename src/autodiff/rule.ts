import type { NodeProto } from '../onnx/node.js'
import { unbroadcast } from './broadcast.js'
import type { GraphBuilder, Value } from './builder.js'

/**
 * Vector-Jacobian product of one operator: from the cotangents of its outputs (null where nothing depends on one) the
 * cotangent of every input, in that input's shape; null where the operator does not depend on it differentiably. Inputs
 * beyond the end of the answer have no rule: an error if a differentiated value arrives there.
 */
export type VjpRule = (g: GraphBuilder, node: NodeProto, cotangents: readonly (Value | null)[]) => (Value | null)[]

/** The rule of an operator for its first output; there is none for the others, such as the mean of a normalisation. */
export function single(rule: (g: GraphBuilder, node: NodeProto, cotangent: Value) => (Value | null)[]): VjpRule {
  return (g, node, [c, ...others]) => {
    if (others.some((other) => other)) return []
    return c ? rule(g, node, c) : node.input.map(() => null)
  }
}

/** The rule of an elementwise operator: `rule` answers in the output's shape, and broadcasting is undone here, once. */
export function elementwise(rule: (g: GraphBuilder, node: NodeProto, cotangent: Value) => (Value | null)[]): VjpRule {
  return single((g, node, c) =>
    rule(g, node, c).map((value, i) => value && unbroadcast(g, value, g.dims(node.output[0]!), g.dims(node.input[i]!))),
  )
}

/** The rule of an operator with one input: `derivative` maps (x, y, c) to the cotangent of x. */
export function unary(derivative: (g: GraphBuilder, c: Value, x: Value, y: Value, node: NodeProto) => Value): VjpRule {
  return single((g, node, c) => [derivative(g, c, node.input[0]!, node.output[0]!, node)])
}

/** The rule of an operator through which nothing is differentiated: shapes, indices, comparisons, steps. */
export const stop: VjpRule = (_g, node) => node.input.map(() => null)
