/** The operators of quantised models: how each is told in real numbers. False for a form that is not covered. */
import { floatAttribute, intAttribute, type NodeProto } from '../node.js'
import { revise } from '../revise.js'
import { matMulNBits } from './packed.js'
import type { Grid, Reals } from './reals.js'

type Conversion = (reals: Reals, node: NodeProto) => boolean

const grid = (scale: string | undefined, zero: string | undefined): Grid => ({ scale: scale ?? '', zero: zero ?? '' })

/** Sets the result of a node: what `compute` makes of the real numbers of some inputs, if they have any. */
function rounded(
  reals: Reals,
  node: NodeProto,
  to: Grid,
  inputs: readonly (string | undefined)[],
  compute: (values: string[]) => string,
) {
  if (inputs.includes(undefined)) return false
  return reals.round(compute(inputs as string[]), to, node.output[0]!)
}

const QuantizeLinear: Conversion = (reals, { input, output }) => {
  const [x, scale, zero] = input
  // A weight that is quantised on the way is a constant, which onnxruntime computes once.
  return reals.tensor(x!) === undefined && reals.round(x!, grid(scale, zero), output[0]!)
}

const DequantizeLinear: Conversion = (reals, node) => {
  const [x, scale, zero] = node.input
  const blocks = { axis: intAttribute(node, 'axis', 1), size: intAttribute(node, 'block_size', 0) }
  const value = reals.real(x!, grid(scale, zero), blocks)
  if (value) reals.name(value, node.output[0]!)
  return value !== undefined
}

/** Scale and zero point are those of the picture at hand; where a product with one is divided by it, it does not matter. */
const DynamicQuantizeLinear: Conversion = (reals, node) => {
  const [integer, scale, zero] = node.output as [string, string, string]
  reals.keep(revise(node, { output: [reals.fresh(), scale, zero] }))
  return reals.round(node.input[0]!, grid(scale, zero), integer)
}

/** An int32 bias in units of the two scales. */
function bias(reals: Reals, value: string | undefined, scale: string, weightScale: string): string | undefined {
  if (!value) return undefined
  const [integers, a, b] = [value, scale, weightScale].map((name) => reals.known(name))
  if (!integers || !a || !b) return undefined
  const values = integers.map((v, i) => v * a[0]! * b[b.length === 1 ? 0 : i]!)
  return reals.float(values, [values.length])
}

const QLinearConv: Conversion = (reals, node) => {
  const [x, xs, xz, w, ws, wz, ys, yz, b] = node.input
  const offset = bias(reals, b, xs!, ws!)
  if (b && !offset) return false
  const operands = [reals.real(x!, grid(xs, xz)), reals.real(w!, grid(ws, wz), { axis: 0 })]
  return rounded(reals, node, grid(ys, yz), operands, (values) =>
    reals.emitLike(node, 'Conv', offset ? [...values, offset] : values),
  )
}

const QLinearMatMul: Conversion = (reals, node) => {
  const [a, as, az, b, bs, bz, ys, yz] = node.input
  const operands = [reals.real(a!, grid(as, az), { axis: -2 }), reals.real(b!, grid(bs, bz), { axis: -1 })]
  return rounded(reals, node, grid(ys, yz), operands, (values) => reals.emit('MatMul', values))
}

const QGemm: Conversion = (reals, node) => {
  const [a, as, az, b, bs, bz, c, ys, yz] = node.input
  const offset = bias(reals, c, as!, bs!)
  if (c && !offset) return false
  const axis = intAttribute(node, 'transB', 0) ? 0 : 1
  const operands = [reals.real(a!, grid(as, az)), reals.real(b!, grid(bs, bz), { axis })]
  if (operands.includes(undefined)) return false
  const sum = reals.emitLike(node, 'Gemm', [...(operands as string[]), ...(offset ? [offset] : [])])
  if (ys) return reals.round(sum, grid(ys, yz), node.output[0]!)
  reals.name(sum, node.output[0]!)
  return true
}

/** Two operands of their own grids, combined elementwise. */
const binary =
  (op: string): Conversion =>
  (reals, node) => {
    const [a, as, az, b, bs, bz, ys, yz] = node.input
    const operands = [reals.real(a!, grid(as, az)), reals.real(b!, grid(bs, bz))]
    return rounded(reals, node, grid(ys, yz), operands, (values) => reals.emit(op, values))
  }

/** One operand; `attributes` of the node stay unless they are named. */
const unary =
  (op: string, ...dropped: string[]): Conversion =>
  (reals, node) => {
    if (intAttribute(node, 'channels_last', 0) === 1) return false
    const [x, xs, xz, ys, yz] = node.input
    return rounded(reals, node, grid(ys, yz), [reals.real(x!, grid(xs, xz))], (values) =>
      reals.emitLike(node, op, values, ['channels_last', ...dropped]),
    )
  }

const QLinearConcat: Conversion = (reals, node) => {
  const [ys, yz, ...rest] = node.input
  const operands = Array.from({ length: rest.length / 3 }, (_, i) =>
    reals.real(rest[3 * i]!, grid(rest[3 * i + 1], rest[3 * i + 2])),
  )
  return rounded(reals, node, grid(ys, yz), operands, (values) => reals.emitLike(node, 'Concat', values))
}

/** A product of integers, each less its zero point, in units of their scales: the left one's is taken out again. */
const integerProduct =
  (op: string, axis: number): Conversion =>
  (reals, node) => {
    const [a, b, az, bz] = node.input
    const left = reals.grid(a!)
    if (!left || (az ?? '') !== left.zero) return false
    const one = reals.float([1])
    const operands = [reals.real(a!, left), reals.real(b!, grid(one, bz), { axis })]
    if (operands.includes(undefined)) return false
    const units = reals.emit('Div', [operands[0]!, left.scale])
    reals.addSum(node.output[0]!, reals.emitLike(node, op, [units, operands[1]!]))
    return true
  }

/** The cast of such a sum, which is a real number already. */
const Cast: Conversion = (reals, node) => {
  const sum = reals.sum(node.input[0]!)
  if (sum) reals.name(sum, node.output[0]!)
  return sum !== undefined
}

/** A product of real numbers of which the left one is quantised on the way. */
const DynamicQuantizeMatMul: Conversion = (reals, node) => {
  const [a, b, bs, bz, offset] = node.input
  const weights = reals.real(b!, grid(bs, bz), { axis: -1 })
  if (!weights) return false
  const product = reals.emit('MatMul', [a!, weights])
  reals.name(offset ? reals.emit('Add', [product, offset]) : product, node.output[0]!)
  return true
}

const MatMulIntegerToFloat: Conversion = (reals, node) => {
  const [a, b, as, bs, az, bz, offset] = node.input
  const operands = [reals.real(a!, grid(as, az)), reals.real(b!, grid(bs, bz), { axis: -1 })]
  if (operands.includes(undefined)) return false
  const product = reals.emit('MatMul', operands as string[])
  reals.name(offset ? reals.emit('Add', [product, offset]) : product, node.output[0]!)
  return true
}

const QLinearLeakyRelu: Conversion = (reals, node) => {
  const [x, xs, xz, ys, yz] = node.input
  const attributes = { alpha: { float: floatAttribute(node, 'alpha', 0.01) } }
  return rounded(reals, node, grid(ys, yz), [reals.real(x!, grid(xs, xz))], (values) =>
    reals.emit('LeakyRelu', values, attributes),
  )
}

export const FUSED: Readonly<Record<string, Conversion | undefined>> = {
  QuantizeLinear,
  DequantizeLinear,
  DynamicQuantizeLinear,
  QLinearConv,
  QLinearMatMul,
  ConvInteger: integerProduct('Conv', 0),
  MatMulInteger: integerProduct('MatMul', -1),
  'com.microsoft.QGemm': QGemm,
  'com.microsoft.QLinearAdd': binary('Add'),
  'com.microsoft.QLinearMul': binary('Mul'),
  'com.microsoft.QLinearSigmoid': unary('Sigmoid'),
  'com.microsoft.QLinearLeakyRelu': QLinearLeakyRelu,
  'com.microsoft.QLinearSoftmax': unary('Softmax', 'opset'),
  'com.microsoft.QLinearGlobalAveragePool': unary('GlobalAveragePool'),
  'com.microsoft.QLinearAveragePool': unary('AveragePool'),
  'com.microsoft.QLinearConcat': QLinearConcat,
  'com.microsoft.DynamicQuantizeMatMul': DynamicQuantizeMatMul,
  'com.microsoft.MatMulIntegerToFloat': MatMulIntegerToFloat,
  'com.microsoft.MatMulNBits': matMulNBits,
  Cast,
}
