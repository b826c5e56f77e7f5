import { type Extra, float, floats, one, type RuleCase, weight } from './ruleCase.js'

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

const contrib = (
  op: string,
  sizes: readonly (readonly number[] | undefined)[],
  attributes: Parameters<typeof one>[2] = {},
  extra: Extra = {},
) => one(op, sizes, attributes, { domain: 'com.microsoft', ...extra })

const [x, w] = [
  [2, 4, 5, 6],
  [4, 2, 3, 3],
]
const conv = (activation: string, extra: Extra = {}) =>
  contrib('FusedConv', [x, w, [4]], { activation, group: 2, pads: [1, 1, 1, 1], strides: [1, 2] }, extra)
const negative = { weights: { 1: weight(w!, Array(72).fill(-0.3)) } }
const labels = (values: readonly number[]) => ({ 1: values })
const angles = {
  2: weight([2, 3, 2]),
  1: weight(
    [2, 3, 2],
    Array.from({ length: 12 }, (_, i) => Math.cos(i)),
  ),
}
/** Points that keep off pixels and edges, some outside. */
const points = weight(
  [2, 2, 3, 2],
  Array.from({ length: 24 }, (_, i) => 1.4 * Math.sin(2.3 * i + 0.2)),
)
const sampled = ['linear', 'nearest', 'cubic'].flatMap((mode) =>
  ['zeros', 'border', 'reflection'].map((padding_mode, i) =>
    one(
      'GridSample',
      [[2, 2, 4, 5]],
      { mode, padding_mode, align_corners: i % 2 },
      { opset: 20, weights: { 1: points } },
    ),
  ),
)

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
  RotaryEmbedding: [
    one('RotaryEmbedding', [[2, 3, 8]], { num_heads: 2 }, { opset: 23, weights: angles }),
    one('RotaryEmbedding', [[2, 2, 3, 4]], { interleaved: 1 }, { opset: 23, weights: angles }),
    one('RotaryEmbedding', [[2, 3, 12]], { num_heads: 2, rotary_embedding_dim: 4 }, { opset: 23, weights: angles }),
  ],
  Swish: [one('Swish', [[2, 3]], { alpha: float(1.3) }, { opset: 24 })],
  GridSample: [
    ...sampled,
    one(
      'GridSample',
      [
        [2, 2, 4, 5],
        [2, 2, 3, 2],
      ],
      {},
      { opset: 20, range: [-0.93, 0.95] },
    ),
    one('GridSample', [[1, 2, 3, 4, 2]], {}, { opset: 20, weights: { 1: weight([1, 2, 2, 2, 3]) } }),
  ],
  NegativeLogLikelihoodLoss: [
    one(
      'NegativeLogLikelihoodLoss',
      [[3, 4]],
      {},
      { integers: labels([3, 0, 3]), weights: { 2: weight([4], [1, 2, 3, 4]) } },
    ),
    one('NegativeLogLikelihoodLoss', [[3, 4]], { ignore_index: 0, reduction: 'sum' }, { integers: labels([3, 0, 3]) }),
  ],
  SoftmaxCrossEntropyLoss: [
    one('SoftmaxCrossEntropyLoss', [[3, 4]], {}, { integers: labels([3, 0, 3]), outputs: 2 }),
    one('SoftmaxCrossEntropyLoss', [[3, 4]], { ignore_index: -1, reduction: 'none' }, { integers: labels([3, -1, 1]) }),
  ],
  'com.microsoft.FusedConv': [
    conv('Tanh'),
    conv('Sigmoid'),
    contrib('FusedConv', [x, w, [4], [2, 4, 3, 4]], { activation: 'Relu', group: 2 }, { range: [0.05, 0.4] }),
    contrib('FusedConv', [x, w, [4]], { activation: 'HardSigmoid', activation_params: floats(0.01, 0.5), group: 2 }),
    contrib(
      'FusedConv',
      [x],
      { activation: 'LeakyRelu', activation_params: floats(0.3), group: 2 },
      { range: [0.1, 2], ...negative },
    ),
    contrib(
      'FusedConv',
      [x],
      { activation: 'Clip', activation_params: floats(-99, 1.2), group: 2 },
      { range: [0.1, 2], ...negative },
    ),
  ],
  'com.microsoft.FusedGemm': [contrib('FusedGemm', [[2, 3], [4, 3], [4]], { activation: 'Tanh', transB: 1 })],
  'com.microsoft.FusedMatMul': [
    contrib(
      'FusedMatMul',
      [
        [2, 3, 4],
        [2, 5, 4],
      ],
      { transB: 1, alpha: float(0.5) },
    ),
    contrib(
      'FusedMatMul',
      [
        [2, 4, 3],
        [4, 5],
      ],
      { transA: 1 },
    ),
  ],
  'com.microsoft.Gelu': [contrib('Gelu', [[2, 3]])],
  'com.microsoft.BiasGelu': [contrib('BiasGelu', [[2, 3], [3]])],
  'com.microsoft.FastGelu': [contrib('FastGelu', [[2, 3], [3]]), contrib('FastGelu', [[2, 3]])],
  'com.microsoft.QuickGelu': [contrib('QuickGelu', [[2, 3]], { alpha: float(1.5) })],
  'com.microsoft.SkipLayerNormalization': [
    contrib('SkipLayerNormalization', [[2, 3, 8], [2, 3, 8], [8], [8], [8]], { epsilon: float(0.1) }),
    contrib('SkipLayerNormalization', [[2, 3, 8], [2, 3, 8], [8]], {}, { outputs: ['y', '', '', 'sum'] }),
  ],
  'com.microsoft.SkipSimplifiedLayerNormalization': [
    contrib('SkipSimplifiedLayerNormalization', [[2, 3, 8], [2, 3, 8], [8]], {}, { outputs: ['y', '', '', 'sum'] }),
  ],
  'com.microsoft.MultiHeadAttention': [
    contrib('MultiHeadAttention', [q3, k3, v3, [22]], { num_heads: 2 }),
    contrib('MultiHeadAttention', [q3, k3, v3], { num_heads: 2, scale: float(0.4) }),
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
