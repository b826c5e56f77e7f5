import { AugmentError } from '../core/errors.js'
import { upTo } from '../onnx/ancestors.js'
import { readModel, writeModel } from '../onnx/model.js'
import { makeNode } from '../onnx/node.js'
import { DataType, makeTensor } from '../onnx/tensor.js'
import { declaredType, makeValueInfo } from '../onnx/valueInfo.js'

type Value = string

/** Logits are features -> weights features + bias: weights [K, D] row by row. */
interface FittedHead {
  readonly weights: ArrayLike<number>
  readonly bias: ArrayLike<number>
}

/**
 * The classifier in `bytes` (messages call it `name`) up to its `features` [N, D], with another linear map behind them:
 * `logits` float32 [N, K]. Throws AugmentError 'model' where it has no value of that name.
 */
export function withFittedHead(bytes: Uint8Array, name: string, features: Value, { weights, bias }: FittedHead) {
  const model = readModel(bytes, name)
  const below = upTo(model.graph, [features])
  if (below.nodes.length === 0) {
    throw new AugmentError('model', `${name}: found no value "${features}" in the file, expected one to put a head on`)
  }
  const classes = bias.length
  const taken = new Set([...below.initializers.keys(), ...below.nodes.flatMap(({ output }) => output)])
  const free = (wanted: string): Value => (taken.has(wanted) ? free(`${wanted}_`) : wanted)
  const [flat, matrix, shift, logits] = ['head/features', 'head/weight', 'head/bias', 'logits'].map(free) as [
    ...[Value, Value, Value, Value],
  ]
  const initializers = new Map(below.initializers)
  const dims = [classes, weights.length / classes]
  initializers.set(matrix, makeTensor(matrix, DataType.FLOAT, dims, Array.from(weights)))
  initializers.set(shift, makeTensor(shift, DataType.FLOAT, [classes], Array.from(bias)))
  const nodes = [
    ...below.nodes,
    makeNode('Flatten', [features], [flat], { axis: 1 }),
    makeNode('Gemm', [flat, matrix, shift], [logits], { transB: 1 }),
  ]
  const { inputs } = model.graph
  const rows = declaredType(inputs[0]!)?.dims[0] ?? 'N'
  const graph = {
    nodes,
    initializers,
    inputs,
    outputs: [makeValueInfo(logits, DataType.FLOAT, [rows, classes])],
  }
  return writeModel({ ...model, graph })
}
