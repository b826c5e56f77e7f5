import { makeNode } from '../../../src/onnx/node.js'
import { EXTRA_OUTPUTS } from './expansions.js'
import { type Extra, float, one, positive, type RuleCase, weight } from './ruleCase.js'

/** Normalised by the statistics of the batch, of which nothing but y is used. */
const byBatch = (sizes: readonly (readonly number[])[], epsilon: number, extra: Extra = {}): RuleCase => {
  const attributes = { training_mode: 1, momentum: float(0), epsilon: float(epsilon) }
  const item = one('BatchNormalization', sizes, attributes, { ...extra, outputs: 3 })
  return { ...item, nodes: [...item.nodes, makeNode('Identity', ['y'], ['z'])] }
}

const normalized = (extra: Extra = {}) => ({ ...extra, range: [-1, 3] as const })

export const ALGEBRA: Record<string, readonly RuleCase[]> = {
  BatchNormalization: [
    one('BatchNormalization', [[2, 3, 4], [3], [3], [3], [3]], { epsilon: float(0.1) }, positive),
    one(
      'BatchNormalization',
      [[2, 3, 4, 2]],
      { epsilon: float(0.1) },
      {
        weights: { 1: weight([3]), 2: weight([3]), 3: weight([3]), 4: weight([3], [0.5, 1, 2]) },
      },
    ),
    one(
      'BatchNormalization',
      [[4, 3]],
      {},
      {
        weights: { 1: weight([3]), 2: weight([3]), 3: weight([3]), 4: weight([3], [0.5, 1, 2]) },
      },
    ),
    byBatch([[2, 3, 4, 2], [3], [3], [3], [3]], 0.1),
    byBatch([[6, 3], [3], [3], [3], [3]], 1e-3),
    // onnxruntime overwrites the given statistics, and with them any equal constant.
    byBatch([[2, 3, 5]], 1e-2, {
      weights: { 1: weight([3]), 2: weight([3]), 3: weight([3], [7, 8, 9]), 4: weight([3], [4, 5, 6]) },
    }),
  ],
  LayerNormalization: [
    ...EXTRA_OUTPUTS,
    one('LayerNormalization', [[2, 3, 8], [8], [8]], {}, normalized()),
    one('LayerNormalization', [[0, 4], [4], [4]]),
    one('LayerNormalization', [[2, 3, 4]], {}, normalized({ weights: { 1: weight([4]), 2: weight([4]) } })),
    one(
      'LayerNormalization',
      [[2, 3, 4]],
      { axis: 1, epsilon: float(0.1) },
      normalized({ weights: { 1: weight([3, 4]) } }),
    ),
  ],
  InstanceNormalization: [
    one('InstanceNormalization', [[2, 3, 8], [3], [3]], {}, normalized()),
    one(
      'InstanceNormalization',
      [[2, 3, 4, 2]],
      { epsilon: float(0.1) },
      normalized({ weights: { 1: weight([3]), 2: weight([3]) } }),
    ),
    one('InstanceNormalization', [[2, 3, 16]], {}, normalized({ weights: { 1: weight([3]), 2: weight([3]) } })),
    one(
      'InstanceNormalization',
      [[2, 3, 16]],
      { epsilon: float(0.01) },
      normalized({ weights: { 1: weight([3]), 2: weight([3]) } }),
    ),
  ],
  GroupNormalization: [
    one('GroupNormalization', [[2, 6, 4], [3], [3]], { num_groups: 3 }, normalized({ opset: 18 })),
    one('GroupNormalization', [[2, 6, 4], [6], [6]], { num_groups: 3 }, normalized({ opset: 21, isCoarse: true })),
    one(
      'GroupNormalization',
      [[2, 6, 3, 2]],
      { num_groups: 3 },
      normalized({ opset: 18, weights: { 1: weight([3]), 2: weight([3]) } }),
    ),
    one(
      'GroupNormalization',
      [[2, 6, 3, 2]],
      { num_groups: 3, epsilon: float(0.1) },
      normalized({ opset: 21, isCoarse: true, weights: { 1: weight([6]), 2: weight([6]) } }),
    ),
    one(
      'GroupNormalization',
      [[2, 4, 5]],
      { num_groups: 4 },
      normalized({ opset: 21, isCoarse: true, weights: { 1: weight([4]), 2: weight([4]) } }),
    ),
  ],
  LpNormalization: [one('LpNormalization', [[2, 3, 4]]), one('LpNormalization', [[2, 3, 4]], { axis: 1, p: 1 })],
  LRN: [
    one('LRN', [[2, 7, 3, 2]], { size: 5, alpha: float(0.5), beta: float(0.75), bias: float(1.5) }),
    one('LRN', [[2, 6, 4, 1]], { size: 3 }),
    one('LRN', [[2, 6, 4, 1]], { size: 3, alpha: float(0.5), beta: float(1.2) }),
  ],

  Gemm: [
    one('Gemm', [[2, 3], [3, 4], [4]], { alpha: float(0.5), beta: float(2) }),
    one(
      'Gemm',
      [
        [3, 2],
        [3, 4],
        [2, 1],
      ],
      { transA: 1 },
    ),
    one(
      'Gemm',
      [
        [2, 3],
        [4, 3],
      ],
      { transB: 1 },
    ),
    one('Gemm', [[3, 2], [4, 3], []], { transA: 1, transB: 1, alpha: float(1.5) }),
  ],
  MatMul: [
    one('MatMul', [
      [2, 3],
      [3, 4],
    ]),
    one('MatMul', [
      [5, 2, 3],
      [3, 4],
    ]),
    one('MatMul', [
      [5, 1, 2, 3],
      [4, 3, 2],
    ]),
    one('MatMul', [
      [2, 0],
      [0, 3],
    ]),
    one('MatMul', [[3], [3]]),
    one('MatMul', [[3], [2, 3, 4]]),
    one('MatMul', [[2, 5, 3], [3]]),
  ],
  Einsum: [
    one(
      'Einsum',
      [
        [2, 3],
        [3, 4],
      ],
      { equation: 'ij,jk->ik' },
    ),
    one(
      'Einsum',
      [
        [2, 5, 3],
        [2, 4, 3],
      ],
      { equation: 'bid,bjd->bij' },
    ),
    one('Einsum', [[2, 3, 4]], { equation: 'ijk->kj' }),
    one('Einsum', [[2, 3], [4]], { equation: 'ij , k' }),
    one(
      'Einsum',
      [
        [2, 5, 3],
        [2, 3, 4],
      ],
      { equation: '...ij,...jk' },
    ),
    one(
      'Einsum',
      [
        [2, 5, 3],
        [3, 4],
      ],
      { equation: '...i,ij->...j' },
    ),
    one('Einsum', [[2, 3], [3], [2]], { equation: 'ij,j,i->' }),
    one('Einsum', [[4, 4]], { equation: 'ii->i' }),
    one('Einsum', [[4, 4]], { equation: 'ii' }),
    one('Einsum', [[3, 3, 2], [2, 4], [3]], { equation: 'iij,jk,i->ik' }),
    one(
      'Einsum',
      [
        [3, 2, 3, 3],
        [2, 3],
      ],
      { equation: 'ijii,ji->j' },
    ),
    one(
      'Einsum',
      [
        [2, 1],
        [3, 4],
      ],
      { equation: 'ij,jk->ik' },
    ),
    one(
      'Einsum',
      [
        [1, 2, 3],
        [5, 3, 4],
      ],
      { equation: '...ij,...jk->...ik' },
    ),
  ],
}
