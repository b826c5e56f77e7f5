/** One ONNX graph from uint8 pixels to the output of a classifier, or to its features. */

import { matrixOf } from '../autodiff/appendGradient.js'
import { GraphBuilder, type Value } from '../autodiff/builder.js'
import { findHead, type Head } from '../autodiff/head.js'
import { AugmentError } from '../core/errors.js'
import { type Graph, namesIn, readModel, writeModel } from '../onnx/model.js'
import { renameValues } from '../onnx/rename.js'
import { DataType } from '../onnx/tensor.js'
import { makeValueInfo, product } from '../onnx/valueInfo.js'
import { normalisedPixels } from './normalisedPixels.js'
import { type InputOptions, pictureInput } from './pictureInput.js'
import { prepare } from './prepare.js'

export interface ForwardModel {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly width: number
  readonly height: number
  /** Numbers for each picture. */
  readonly outputs: number
  /** The only batch size it takes; null means any. */
  readonly fixedBatch: number | null
  /** The value of the classifier that is given. */
  readonly value: Value
}

const PUBLIC_NAMES = new Set(['pixels', 'forward'])

/**
 * The classifier in `bytes` (messages call it `name`) from `pixels` uint8 [N, H, W, 3] to `forward` float32 [N, M]: its
 * `probabilities`, or the `features` that its last linear map takes. Throws AugmentError 'model'.
 */
export async function forwardModel(
  bytes: Uint8Array,
  name: string,
  options: InputOptions & { readonly output?: string },
  wanted: 'probabilities' | 'features',
): Promise<ForwardModel> {
  const original = readModel(bytes, name)
  const rename = (value: string) => (PUBLIC_NAMES.has(value) ? `classifier/${value}` : value)
  const renamed = { ...original, graph: renameValues(original.graph, rename) }
  const declared = pictureInput(renamed, options)
  const output = options.output === undefined ? undefined : rename(options.output)
  const { model, types, fixedBatch } = await prepare(renamed, () => declared.dims, output)
  const input = { ...declared, dtype: types.get(declared.name)!.dtype }
  const head = findHead(model, types, output)
  const g = new GraphBuilder(model.opset, types, [...PUBLIC_NAMES, ...namesIn(model.graph)])
  g.declare('pixels', DataType.UINT8)
  g.emit('Cast', [normalisedPixels(g, input)], { to: input.dtype }, input.name)
  g.include(model.graph)
  const value = wanted === 'features' ? lastFeatures(model.graph, head, name) : head.logits
  const outputs = wanted === 'features' ? product(types.get(value)!.dims.slice(1)) : head.classes
  if (outputs === null) throw new AugmentError('model', `${name}: found features of an open size, expected a fixed one`)
  if (wanted === 'features') g.emit('Identity', [g.reshape(g.cast(value, DataType.FLOAT), [0, outputs])], {}, 'forward')
  else g.emit('Softmax', [matrixOf(g, head)], { axis: 1 }, 'forward')
  const { width, height } = input
  const rows = fixedBatch ?? 'N'
  const graph = g.finish(
    [makeValueInfo('pixels', DataType.UINT8, [rows, height, width, 3])],
    [makeValueInfo('forward', DataType.FLOAT, [rows, outputs])],
  )
  return { bytes: writeModel({ ...model, graph }), width, height, outputs, fixedBatch, value }
}

/** Operators that may stand between the last linear map and the logits. */
const TRANSPARENT = new Set(['Add', 'Cast', 'Flatten', 'Identity', 'Reshape', 'Squeeze'])

/** What the last Gemm or MatMul before the logits is given. */
function lastFeatures(graph: Graph, { logits }: Head, name: string): Value {
  let value = logits
  for (;;) {
    const node = graph.nodes.find(({ output }) => output.includes(value))
    if (node?.opType === 'Gemm' || node?.opType === 'MatMul') return node.input[0]!
    if (node === undefined || !TRANSPARENT.has(node.opType)) {
      const found = node === undefined ? 'nothing' : node.opType
      throw new AugmentError('model', `${name}: found ${found} before the logits, expected a linear map of features`)
    }
    value = node.input.find((one) => !graph.initializers.has(one)) ?? ''
  }
}
