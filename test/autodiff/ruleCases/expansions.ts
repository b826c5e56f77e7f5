import { type Extra, float, one, type RuleCase, weight } from './ruleCase.js'

const attention = (
  sizes: readonly (readonly number[] | undefined)[],
  attributes: Parameters<typeof one>[2] = {},
  extra: Extra = {},
) => one('Attention', sizes, attributes, { opset: 23, ...extra })

const [q3, k3, v3] = [
  [2, 3, 8],
  [2, 5, 8],
  [2, 5, 6],
]
const [q4, k4, v4] = [
  [2, 4, 3, 4],
  [2, 2, 5, 4],
  [2, 2, 5, 3],
]
const two = { q_num_heads: 2, kv_num_heads: 2 }
/** The second row sees nothing. */
const masked = { 3: weight([3, 5], [1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]) }
const seen = { 3: weight([3, 5], [1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 1, 1, 1]) }

const rms = (op: string, opset: number) => [
  one(op, [[2, 3, 8], [8]], {}, { opset }),
  one(op, [[2, 3, 4]], { axis: 1, epsilon: float(0.1) }, { opset, weights: { 1: weight([3, 4]) } }),
]

export const EXPANDED: Record<string, readonly RuleCase[]> = {
  Attention: [
    attention([q3, k3, v3], two),
    attention([q4, k4, v4]),
    attention([[2, 3, 16], k3, v3], { q_num_heads: 4, kv_num_heads: 2, scale: float(0.7) }),
    attention([q3, k3, v3, [3, 5]], { ...two, softcap: float(1.5) }),
    attention([q3, k3, v3], two, { booleans: seen }),
    attention([q3, k3, v3], two, { booleans: masked }),
    attention([q3, k3, v3], { ...two, is_causal: 1 }),
    attention([q4, k4, v4], { is_causal: 1 }, { booleans: { 3: weight([3, 5], Array(15).fill(1)) } }),
    attention([q4, k4, v4, [2, 1, 3, 8], [2, 2, 3, 4], [2, 2, 3, 3]], {}, { outputs: 3 }),
    attention([q4, k4, v4], { qk_matmul_output_mode: 3 }, { outputs: ['y', '', '', 'shown'] }),
  ],
  RMSNormalization: rms('RMSNormalization', 23),
  SimplifiedLayerNormalization: rms('SimplifiedLayerNormalization', 17),
  MeanVarianceNormalization: [
    one('MeanVarianceNormalization', [[2, 3, 2, 4]]),
    one('MeanVarianceNormalization', [[2, 3, 4]], { axes: [1, 2] }),
  ],
}

export const EXTRA_OUTPUTS: readonly RuleCase[] = [
  one('LayerNormalization', [[2, 3, 8], [8], [8]], {}, { outputs: 3, range: [-1, 3] }),
  one('LayerNormalization', [[2, 3, 4], [4]], { epsilon: float(0.1) }, { outputs: ['y', '', 'factor'] }),
]
