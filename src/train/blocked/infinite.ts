/** Which values may hold infinities on purpose, such as what is masked before a maximum or a softmax. */
import type { Value } from '../../autodiff/builder.js'
import type { Graph } from '../../onnx/model.js'
import { type NodeProto, tensorAttribute } from '../../onnx/node.js'
import { DataType, type TensorProto } from '../../onnx/tensor.js'

/** Operators that give finite numbers, or none, whatever they are given. */
const FINITE = new Set(
  'And Equal Greater GreaterOrEqual HardSigmoid IsInf IsNaN Less LessOrEqual Not Or Shape Sigmoid Sign Size Softmax Tanh Xor'.split(
    ' ',
  ),
)
/** Operators that make infinities of finite numbers, and are used so. */
const INFINITE = new Set(['Log', 'Reciprocal'])

/** Weights may be large: they are looked at where they lie. */
function isEndless(tensor: TensorProto | undefined): boolean {
  if (tensor?.dataType !== DataType.FLOAT) return false
  const { rawData: raw } = tensor
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  for (let at = 0; at < raw.byteLength; at += 4) if (!Number.isFinite(view.getFloat32(at, true))) return true
  return false
}

/** The values that are computed from a constant that is not finite, or by an operator that makes such numbers. */
export function infiniteValues({ nodes, initializers }: Graph): ReadonlySet<Value> {
  const found = new Set<Value>()
  for (const [name, tensor] of initializers) if (isEndless(tensor)) found.add(name)
  const isSource = (node: NodeProto) => INFINITE.has(node.opType) || isEndless(tensorAttribute(node, 'value'))
  for (const node of nodes) {
    if (FINITE.has(node.opType)) continue
    if (isSource(node) || node.input.some((value) => found.has(value))) for (const name of node.output) found.add(name)
  }
  return found
}
