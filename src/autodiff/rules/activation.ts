import { elementwise, type VjpRule } from '../rule.js'

export const ACTIVATION: Record<string, VjpRule> = {
  /** max(x, 0): c where y > 0; the derivative at 0 is 0. */
  Relu: elementwise((g, node, c) => [g.mul(c, g.emit('Sign', [node.output[0]!]))]),
}
