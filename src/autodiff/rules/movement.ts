import { single, type VjpRule } from '../rule.js'

/** The elements stay in order, so the cotangent takes the input's shape again. */
const reshaped: VjpRule = single((g, node, c) => [g.reshapeLike(c, node.input[0]!), null])

export const MOVEMENT: Record<string, VjpRule> = {
  Flatten: reshaped,
  Reshape: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
}
