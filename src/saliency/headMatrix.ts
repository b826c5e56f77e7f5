import { cotangentOfLogits, matrixOf } from '../autodiff/appendGradient.js'
import { backward, dependents } from '../autodiff/backward.js'
import { GraphBuilder, type Types, type Value } from '../autodiff/builder.js'
import type { Head } from '../autodiff/head.js'
import type { LinearHead } from '../autodiff/layers.js'
import { type Graph, type Model, namesIn, writeModel } from '../onnx/model.js'
import { DataType } from '../onnx/tensor.js'
import { makeValueInfo } from '../onnx/valueInfo.js'
import { zeros } from './probe.js'
import { createSession, type Tensor } from './session.js'

/** What all layers of a linear head are together: logits = weights features + bias, float32 [K, C] row by row, and [K]. */
export interface HeadMatrix {
  readonly weights: Float32Array<ArrayBuffer>
  readonly bias: Float32Array<ArrayBuffer>
}

/** Classes whose gradients are computed together. */
const ROWS = 256

/**
 * The matrix of a linear head: its row k is the gradient of logit k by the features, which is the same at all of them, and
 * its bias the logits of features that are 0.
 */
export async function headMatrix(model: Model, types: Types, head: Head, linear: LinearHead): Promise<HeadMatrix> {
  const { features, layer } = linear
  const { classes } = head
  const { dtype, dims } = types.get(features)!
  const fed = [dims[0] ?? 1, ...dims.slice(1)] as number[]
  const built = gradients(model, types, head, linear, fed)
  const session = await createSession(writeModel(built.model), { device: 'cpu', threads: 1 })
  try {
    const weights = new Float32Array(classes * layer.channels)
    let bias = new Float32Array(classes)
    for (let first = 0; first < classes; first += ROWS) {
      const seed = unitRows(first, Math.min(ROWS, classes - first), classes)
      const found = await session.run({ [features]: zeros(dtype, fed), [built.seed]: seed })
      weights.set(floatsOf(found[built.weights]!), first * layer.channels)
      bias = new Float32Array(floatsOf(found[built.bias]!).subarray(0, classes))
    }
    return { weights, bias }
  } finally {
    await session.release()
  }
}

/**
 * From `seed` float32 [R, K] and features of the sizes `fed` to `weights` [R, C], the rows of the matrix, and `bias` [N, K],
 * each by a name that the model does not use.
 */
function gradients(
  model: Model,
  types: Types,
  head: Head,
  { features, layer }: LinearHead,
  fed: readonly number[],
): { readonly model: Model; readonly seed: Value; readonly weights: Value; readonly bias: Value } {
  const nodes = model.graph.nodes.filter(({ output }) => !output.includes(features))
  const graph: Graph = { ...model.graph, nodes }
  const g = new GraphBuilder(model.opset, withOpenBatch(types, graph, features), namesIn(graph))
  g.include(graph)
  const taken = new Set(namesIn(graph))
  let seed = 'seed'
  while (taken.has(seed)) seed += '_'
  const cotangent = cotangentOfLogits(g, head, g.declare(seed, DataType.FLOAT))
  const rows = g.cast(backward(g, graph, new Map([[head.logits, cotangent]]), features, model.name), DataType.FLOAT)
  const weights = g.emit('Reshape', [rows, g.integers([-1, layer.channels])])
  const bias = g.emit('Identity', [matrixOf(g, head)])
  const built = g.finish(
    [
      makeValueInfo(features, types.get(features)!.dtype, fed),
      makeValueInfo(seed, DataType.FLOAT, ['R', head.classes]),
    ],
    [makeValueInfo(weights, DataType.FLOAT), makeValueInfo(bias, DataType.FLOAT)],
  )
  return { model: { ...model, graph: built }, seed, weights, bias }
}

/** Cotangents of some classes take the place of the pictures, whose number a model may have fixed. */
function withOpenBatch(types: Types, graph: Graph, features: string): Types {
  const open = new Map(types)
  for (const value of dependents(graph, () => true, [features])) {
    const type = types.get(value)
    if (type !== undefined) open.set(value, { ...type, dims: [null, ...type.dims.slice(1)] })
  }
  return open
}

/** `count` rows [count, K] with a 1 each, that of row i for class first + i. */
function unitRows(first: number, count: number, classes: number): Tensor {
  const data = new Float32Array(count * classes)
  for (let i = 0; i < count; i++) data[i * classes + first + i] = 1
  return { type: 'float32', dims: [count, classes], data }
}

const floatsOf = ({ data }: Tensor) => data as Float32Array
