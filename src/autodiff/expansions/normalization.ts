import { floatAttribute, intAttribute, intsAttribute, type NodeProto } from '../../onnx/node.js'
import type { GraphBuilder, Value } from '../builder.js'
import type { Expansion } from '../expansion.js'

/** The axes from the attribute `axis` (the last one by default) on. */
function trailingAxes(g: GraphBuilder, node: NodeProto): number[] {
  const rank = g.dims(node.input[0]!).length
  const axis = (intAttribute(node, 'axis', -1) + rank) % rank
  return Array.from({ length: rank - axis }, (_, i) => axis + i)
}

/** 1 / sqrt(mean of the squares + epsilon) over `axes`. */
function inverseScale(g: GraphBuilder, x: Value, axes: readonly number[], epsilon: number): Value {
  return g.emit('Reciprocal', [g.emit('Sqrt', [g.add(g.reduce('Mean', g.mul(x, x), axes), epsilon)])])
}

/** x / sqrt(mean x^2 + epsilon), scaled; and that factor of x. */
const RMSNormalization: Expansion = (g, node) => {
  const [x, scale] = node.input as [Value, Value]
  const factor = inverseScale(g, x, trailingAxes(g, node), floatAttribute(node, 'epsilon', 1e-5))
  return [g.mul(g.mul(x, factor), scale), factor]
}

/** The mean and the reciprocal of the deviation, where they are asked for, beside the normalisation. */
const LayerNormalization: Expansion = (g, node) => {
  if (!node.output.slice(1).some((output) => output !== '')) return undefined
  const x = node.input[0]!
  const axes = trailingAxes(g, node)
  const mean = g.reduce('Mean', x, axes)
  const factor = inverseScale(g, g.sub(x, mean), axes, floatAttribute(node, 'epsilon', 1e-5))
  return [
    g.emitLike(
      node,
      node.input.map((v) => v || null),
      [],
    ),
    mean,
    factor,
  ]
}

/** (x - mean) / deviation over `axes`. */
const MeanVarianceNormalization: Expansion = (g, node) => {
  const x = node.input[0]!
  const axes = intsAttribute(node, 'axes') ?? [0, 2, 3]
  const centred = g.sub(x, g.reduce('Mean', x, axes))
  // As the standard's function body has it.
  const deviation = g.emit('Sqrt', [g.reduce('Mean', g.mul(centred, centred), axes)])
  return [g.div(centred, g.add(deviation, 1e-9))]
}

export const NORMALIZATION: Record<string, Expansion> = {
  RMSNormalization,
  SimplifiedLayerNormalization: RMSNormalization,
  LayerNormalization,
  MeanVarianceNormalization,
}
