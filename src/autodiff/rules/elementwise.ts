import { elementwise, type VjpRule } from '../rule.js'

export const ELEMENTWISE: Record<string, VjpRule> = {
  Add: elementwise((_g, _node, c) => [c, c]),
  Sub: elementwise((g, _node, c) => [c, g.emit('Neg', [c])]),
  Mul: elementwise((g, { input: [a, b] }, c) => [g.mul(c, b!), g.mul(c, a!)]),
  Identity: elementwise((_g, _node, c) => [c]),
}
