import { type Extra, one, positive, type RuleCase } from './ruleCase.js'

const reductions = (op: string, extra: Extra = {}) => [
  one(op, [[2, 3, 4]], { axes: [1] }, extra),
  one(op, [[2, 3, 4]], { axes: [-1, 0], keepdims: 0 }, extra),
  one(op, [[2, 3, 4]], {}, extra),
  one(op, [[2, 3, 4]], { keepdims: 0 }, { ...extra, opset: 18, integers: { 1: [2] } }),
  one(op, [[2, 3]], { noop_with_empty_axes: 1 }, { ...extra, opset: 18 }),
]

export const REDUCTION: Record<string, readonly RuleCase[]> = {
  ReduceSum: [
    one('ReduceSum', [[2, 3, 4]], {}, { integers: { 1: [1] } }),
    one('ReduceSum', [[2, 3, 4]], { keepdims: 0 }, { integers: { 1: [-1, 0] } }),
    one('ReduceSum', [[2, 3, 4]]),
    one('ReduceSum', [[2, 0, 4]], {}, { integers: { 1: [1] } }),
    one('ReduceSum', [[2, 3]], { noop_with_empty_axes: 1 }),
  ],
  ReduceMean: reductions('ReduceMean'),
  ReduceMax: reductions('ReduceMax'),
  ReduceMin: reductions('ReduceMin'),
  ReduceProd: reductions('ReduceProd', { range: [0.5, 1.5] }),
  ReduceL1: reductions('ReduceL1'),
  ReduceL2: reductions('ReduceL2'),
  ReduceSumSquare: reductions('ReduceSumSquare'),
  ReduceLogSum: reductions('ReduceLogSum', positive),
  ReduceLogSumExp: reductions('ReduceLogSumExp'),
  CumSum: [
    one('CumSum', [[2, 5]], {}, { integers: { 1: 1 } }),
    one('CumSum', [[2, 5]], { exclusive: 1 }, { integers: { 1: 0 } }),
    one('CumSum', [[2, 5]], { reverse: 1, exclusive: 1 }, { integers: { 1: -1 } }),
  ],
}
