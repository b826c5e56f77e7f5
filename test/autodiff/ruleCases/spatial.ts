import type { Attributes } from '../../../src/onnx/node.js'
import { one, type RuleCase, weight } from './ruleCase.js'

const pool2d = (op: string, attributes: Attributes, sizes: readonly number[] = [2, 2, 7, 6]) =>
  one(op, [sizes], attributes)

const pools = (op: string) => [
  pool2d(op, { kernel_shape: [2, 2], strides: [2, 2] }),
  pool2d(op, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  pool2d(op, { kernel_shape: [3, 2], strides: [1, 1], pads: [1, 0, 1, 1] }),
  pool2d(op, { kernel_shape: [2, 3], strides: [3, 2], auto_pad: 'SAME_UPPER' }),
  pool2d(op, { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_LOWER' }),
  pool2d(op, { kernel_shape: [2], strides: [3] }, [2, 2, 8]),
  pool2d(op, { kernel_shape: [2, 2, 2], strides: [2, 1, 2] }, [1, 2, 4, 3, 5]),
]

const convs: RuleCase[] = [
  one(
    'Conv',
    [[2, 3, 6, 5]],
    { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
    { weights: { 1: weight([4, 3, 3, 3]), 2: weight([4]) } },
  ),
  one('Conv', [[2, 3, 6, 5]], {}, { weights: { 1: weight([4, 3, 2, 3]) } }),
  one('Conv', [[2, 4, 6, 5]], { group: 2, pads: [0, 1, 2, 0] }, { weights: { 1: weight([6, 2, 3, 2]) } }),
  one('Conv', [[2, 3, 6, 5]], { group: 3, pads: [1, 1, 1, 1] }, { weights: { 1: weight([3, 1, 3, 3]) } }),
  one('Conv', [[2, 3, 5, 5]], { pads: [2, 3, 3, 2] }, { weights: { 1: weight([2, 3, 2, 2]) } }),
  one('Conv', [[2, 3, 9, 8]], { dilations: [2, 1], pads: [1, 0, 2, 0] }, { weights: { 1: weight([4, 3, 3, 3]) } }),
  one('Conv', [[2, 3, 7, 6]], { strides: [2, 2], pads: [1, 1, 1, 1] }, { weights: { 1: weight([4, 3, 3, 3]) } }),
  one('Conv', [[2, 3, 8, 9]], { strides: [2, 2], pads: [3, 3, 3, 3] }, { weights: { 1: weight([4, 3, 7, 7]) } }),
  one(
    'Conv',
    [[2, 4, 7, 6]],
    { strides: [2, 2], group: 2, pads: [1, 1, 1, 1] },
    { weights: { 1: weight([6, 2, 3, 3]) } },
  ),
  one(
    'Conv',
    [[2, 4, 7, 6]],
    { strides: [2, 2], group: 4, pads: [2, 2, 2, 2] },
    { weights: { 1: weight([4, 1, 5, 5]) } },
  ),
  one('Conv', [[2, 3, 7, 6]], { strides: [2, 2] }, { weights: { 1: weight([4, 3, 1, 1]) } }),
  one('Conv', [[2, 3, 10, 9]], { strides: [4, 4] }, { weights: { 1: weight([4, 3, 4, 4]) } }),
  one('Conv', [[2, 3, 8, 9]], { strides: [3, 2] }, { weights: { 1: weight([4, 3, 2, 3]) } }),
  one(
    'Conv',
    [[2, 3, 9, 9]],
    { strides: [2, 2], dilations: [2, 2], pads: [1, 1, 1, 1] },
    { weights: { 1: weight([4, 3, 2, 3]) } },
  ),
  one('Conv', [[2, 3, 7, 6]], { strides: [2, 2], auto_pad: 'SAME_UPPER' }, { weights: { 1: weight([4, 3, 3, 3]) } }),
  one('Conv', [[2, 3, 7, 6]], { strides: [1, 1], auto_pad: 'SAME_LOWER' }, { weights: { 1: weight([4, 3, 2, 4]) } }),
  one('Conv', [[2, 3, 7, 6]], { strides: [2, 2], auto_pad: 'VALID' }, { weights: { 1: weight([4, 3, 3, 3]) } }),
  one('Conv', [[2, 3, 9]], { strides: [2] }, { weights: { 1: weight([4, 3, 3]) } }),
  one('Conv', [[2, 3, 9]], { pads: [1, 1] }, { weights: { 1: weight([4, 3, 3]) } }),
  one('Conv', [[0, 3, 6, 5]], { strides: [2, 2] }, { weights: { 1: weight([4, 3, 3, 3]) } }),
  // Computed weights and bias, which are differentiated, too.
  one('Conv', [[2, 3, 6, 5], [4, 3, 3, 2], [4]], { pads: [1, 0, 1, 1] }),
  one(
    'Conv',
    [
      [3, 4, 8, 7],
      [6, 2, 3, 2],
    ],
    { group: 2, strides: [2, 3], dilations: [2, 1], pads: [1, 1, 2, 0] },
  ),
  one(
    'Conv',
    [
      [2, 3, 7, 6],
      [3, 1, 3, 3],
    ],
    { group: 3, strides: [2, 2], auto_pad: 'SAME_UPPER' },
  ),
  one('Conv', [[2, 3, 9], [2, 3, 1], [2]], { strides: [2] }),
  // Weights of depthwise, pointwise and grouped ones, on more positions than are few, and padded by less than nothing.
  one('Conv', [
    [2, 3, 6, 5],
    [4, 3, 1, 1],
  ]),
  one(
    'Conv',
    [
      [2, 3, 7, 6],
      [3, 1, 3, 2],
    ],
    { group: 3, pads: [1, 0, 1, 1], dilations: [2, 1] },
  ),
  one(
    'Conv',
    [
      [2, 4, 11, 10],
      [6, 2, 3, 3],
    ],
    { group: 2, pads: [1, 1, 1, 1] },
  ),
  one(
    'Conv',
    [
      [2, 2, 19, 20],
      [3, 2, 3, 2],
    ],
    { strides: [2, 2], pads: [1, 0, 1, 0] },
  ),
  one(
    'Conv',
    [
      [1, 2, 9, 10],
      [2, 2, 2, 2],
    ],
    { strides: [3, 4] },
  ),
  one('Conv', [[1, 2, 4, 5, 3]], { pads: [1, 0, 1, 1, 1, 1] }, { weights: { 1: weight([2, 2, 3, 2, 3]) } }),
]

const transposedConvs: RuleCase[] = [
  one('ConvTranspose', [[2, 3, 4, 5]], {}, { weights: { 1: weight([3, 4, 3, 2]), 2: weight([4]) } }),
  one(
    'ConvTranspose',
    [[2, 3, 4, 5]],
    { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    { weights: { 1: weight([3, 4, 3, 3]) } },
  ),
  one(
    'ConvTranspose',
    [[2, 4, 4, 3]],
    { group: 2, dilations: [2, 1], strides: [1, 2] },
    { weights: { 1: weight([4, 3, 2, 3]) } },
  ),
  one(
    'ConvTranspose',
    [[2, 3, 4, 5]],
    { strides: [2, 2], output_shape: [8, 10] },
    { weights: { 1: weight([3, 2, 3, 3]) } },
  ),
  one(
    'ConvTranspose',
    [[2, 3, 4, 5]],
    { strides: [2, 2], auto_pad: 'SAME_UPPER' },
    { weights: { 1: weight([3, 2, 3, 3]) } },
  ),
  one(
    'ConvTranspose',
    [[2, 3, 4, 5]],
    { strides: [2, 2], auto_pad: 'SAME_LOWER' },
    { weights: { 1: weight([3, 2, 3, 3]) } },
  ),
  one('ConvTranspose', [[2, 3, 4, 5], [3, 4, 3, 2], [4]], { strides: [2, 1], pads: [1, 0, 0, 1] }),
  one(
    'ConvTranspose',
    [
      [2, 4, 4, 3],
      [4, 3, 2, 3],
    ],
    { group: 2, dilations: [2, 1], strides: [1, 2], output_padding: [0, 1] },
  ),
  one('ConvTranspose', [[2, 3, 5]], { strides: [3] }, { weights: { 1: weight([3, 2, 2]) } }),
]

const windows = (sizes: number[], image: number[], block: number[], attributes: Attributes = {}) =>
  one('Col2Im', [sizes], attributes, { integers: { 1: image, 2: block }, opset: 18 })

export const SPATIAL: Record<string, readonly RuleCase[]> = {
  Conv: convs,
  ConvTranspose: transposedConvs,
  Col2Im: [
    windows([2, 12, 12], [4, 5], [2, 2]),
    windows([1, 18, 9], [5, 6], [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }),
    windows([2, 12, 12], [6, 5], [3, 2], { dilations: [2, 3], pads: [1, 0, 1, 1] }),
    windows([2, 6, 4], [9], [3], { strides: [2] }),
  ],
  MaxPool: [
    ...pools('MaxPool'),
    pool2d('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
    pool2d('MaxPool', { kernel_shape: [2, 2], strides: [2, 1], dilations: [2, 3] }),
    pool2d('MaxPool', { kernel_shape: [2, 2], strides: [3, 3], dilations: [3, 3], ceil_mode: 1 }),
    pool2d('MaxPool', { kernel_shape: [2, 3], strides: [3, 4], ceil_mode: 1 }),
    one('MaxPool', [[2, 2, 1, 3]], { kernel_shape: [3, 5], pads: [1, 2, 1, 2], strides: [1, 2] }),
    one('MaxPool', [[1, 2, 5, 4]], { kernel_shape: [2, 2], strides: [2, 2] }, { outputs: 2 }),
  ],
  AveragePool: [
    ...pools('AveragePool'),
    pool2d('AveragePool', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
    pool2d('AveragePool', { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], count_include_pad: 1 }),
    pool2d('AveragePool', { kernel_shape: [3, 2], strides: [2, 3], pads: [1, 0, 1, 1], count_include_pad: 1 }),
    pool2d('AveragePool', {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      ceil_mode: 1,
      count_include_pad: 1,
    }),
    pool2d('AveragePool', { kernel_shape: [3, 2], strides: [1, 1], pads: [2, 0, 0, 1] }),
    one('AveragePool', [[1, 2, 7, 7]], { kernel_shape: [2, 2], dilations: [2, 3] }, { opset: 19 }),
    one('AveragePool', [[1, 2, 7, 7]], { kernel_shape: [3, 2], dilations: [2, 3], pads: [2, 1, 2, 1] }, { opset: 19 }),
  ],
  LpPool: [
    pool2d('LpPool', { kernel_shape: [2, 2], strides: [2, 2] }),
    pool2d('LpPool', { kernel_shape: [3, 3], strides: [1, 2], pads: [1, 1, 1, 1], p: 3 }),
  ],
  GlobalAveragePool: [one('GlobalAveragePool', [[2, 3, 4, 5]]), one('GlobalAveragePool', [[2, 3, 1, 1]])],
  GlobalMaxPool: [one('GlobalMaxPool', [[2, 3, 4, 5]]), one('GlobalMaxPool', [[2, 3, 5]])],
  GlobalLpPool: [one('GlobalLpPool', [[2, 3, 4, 5]]), one('GlobalLpPool', [[2, 3, 4, 5]], { p: 3 })],
}
