/**
 * Steps at a limit. A HardSigmoid, clamp(slope (x - limit), 0, 1), is one pass, and onnxruntime's CPU provider computes it in the
 * blocked layout of the convolutions around it, which a comparison leaves. It has no kernel for doubles.
 */
import { floatAttribute, type NodeProto } from '../onnx/node.js'
import { DataType } from '../onnx/tensor.js'
import type { GraphBuilder, Operand, Value } from './builder.js'
import { COMPOSITE } from './composite.js'

/** Steep enough for a step; a power of two, so that products with it are exact, and 2^27 times it is a float32. */
export const STEEP = 2 ** 100

/** clamp(alpha x + beta, 0, 1). */
const hardSigmoid = (g: GraphBuilder, x: Value, alpha: number, beta: number): Value =>
  g.emit('HardSigmoid', [x], { alpha: { float: alpha }, beta: { float: beta } })

function step(g: GraphBuilder, x: Value, limit: Operand, slope: number, comparison: string): Value {
  const number = typeof limit === 'number' ? limit : g.known(limit ?? '')?.[0]
  if (number !== undefined && Math.abs(number) < 2 ** 27 && g.dtype(x) === DataType.FLOAT)
    return hardSigmoid(g, x, slope, -slope * number)
  return g.cast(g.emit(comparison, [x, limit]), g.dtype(x))
}

/** 1 where the original value x is above `limit` and 0 where it equals it; x must not be below. */
export const above = (g: GraphBuilder, x: Value, limit: Operand) => step(g, x, limit, STEEP, 'Greater')

/** 1 where the original value x is below `limit` and 0 where it equals it; x must not be above. */
export const below = (g: GraphBuilder, x: Value, limit: Operand) => step(g, x, limit, -STEEP, 'Less')

/** The upper limit of a composite node `Inside`: 1 where its operand is between 0 and that, 0 where it equals one of them. */
export const limitOf = (node: NodeProto): number => floatAttribute(node, 'limit', 1)

/** 1 where the original value x is between `low` and `high` and 0 where it equals one of them; it must be nowhere else. */
export function inside(g: GraphBuilder, x: Value, low: Operand, high: Operand): Value {
  const [from, to] = [low, high].map((limit) => (typeof limit === 'number' ? limit : g.known(limit ?? '')?.[0]))
  const isKnown = from === 0 && to !== undefined && to > 0 && Math.abs(to) < 2 ** 27
  if (g.composes && isKnown && g.dtype(x) === DataType.FLOAT && g.dims(x).length === 4)
    return g.note(g.emitOf(COMPOSITE, 'Inside', [x], { limit: { float: to } }), g.dims(x))
  return g.mul(above(g, x, low), below(g, x, high))
}

/** 1 - x for an original value x between 0 and 1. */
export const complement = (g: GraphBuilder, x: Value): Value =>
  g.dtype(x) === DataType.FLOAT ? hardSigmoid(g, x, -1, 1) : g.sub(1, x)
