import type { Attributes } from '../../../src/onnx/node.js'
import { type Extra, float, one, type RuleCase } from './ruleCase.js'

/** The given operator, elementwise on one operand. */
const each = (op: string, attributes: Attributes = {}, extra: Extra = {}) => [one(op, [[2, 3, 4]], attributes, extra)]

export const ACTIVATION: Record<string, readonly RuleCase[]> = {
  Relu: each('Relu'),
  LeakyRelu: [...each('LeakyRelu'), ...each('LeakyRelu', { alpha: float(0.3) })],
  PRelu: [
    one('PRelu', [
      [2, 3, 4],
      [3, 1],
    ]),
    one('PRelu', [[2, 3], [1]]),
  ],
  Elu: [...each('Elu'), ...each('Elu', { alpha: float(0.7) })],
  Selu: [...each('Selu'), ...each('Selu', { alpha: float(1.2), gamma: float(0.8) })],
  Celu: [...each('Celu'), ...each('Celu', { alpha: float(0.6) })],
  ThresholdedRelu: [...each('ThresholdedRelu'), ...each('ThresholdedRelu', { alpha: float(0.55) })],
  Shrink: [
    ...each('Shrink', {}, { isCoarse: true, range: [-1.4, 1.5] }),
    ...each('Shrink', { lambd: float(0.5), bias: float(0.2) }, { isCoarse: true }),
  ],
  Sigmoid: each('Sigmoid'),
  HardSigmoid: [
    ...each('HardSigmoid', {}, { range: [-4.1, 4] }),
    ...each('HardSigmoid', { alpha: float(0.4), beta: float(0.3) }, { range: [-2, 2.1] }),
  ],
  HardSwish: each('HardSwish', {}, { range: [-5, 5] }),
  Tanh: each('Tanh'),
  Softplus: each('Softplus'),
  Softsign: each('Softsign'),
  Mish: each('Mish', {}, { opset: 18 }),
  Gelu: [...each('Gelu', {}, { opset: 20 }), ...each('Gelu', { approximate: 'tanh' }, { opset: 20 })],
  Softmax: [...each('Softmax'), ...each('Softmax', { axis: 1 })],
  LogSoftmax: [...each('LogSoftmax'), ...each('LogSoftmax', { axis: 0 })],
}
