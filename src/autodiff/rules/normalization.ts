import { floatAttribute } from '../../onnx/node.js'
import type { Value } from '../builder.js'
import { single, type VjpRule } from '../rule.js'

/** y = (x - mean) scale / sqrt(variance + epsilon) + bias with constant statistics, per channel (axis 1). */
const BatchNormalization: VjpRule = single((g, node, c) => {
  const [x, scale, , , variance] = node.input as Value[]
  const deviation = g.emit('Sqrt', [g.add(variance!, floatAttribute(node, 'epsilon', 1e-5))])
  const factor = g.div(scale!, deviation)
  const trailing = g
    .dims(x!)
    .slice(2)
    .map(() => 1)
  return [g.mul(c, g.reshape(factor, [null, ...trailing]))]
})

export const NORMALIZATION: Record<string, VjpRule> = { BatchNormalization }
