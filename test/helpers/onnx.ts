/** Hand-built ONNX models, and running one once. */
import { create } from '@bufbuild/protobuf'
import { ModelProtoSchema, type NodeProto, OperatorSetIdProtoSchema } from 'onnx-buf'
import { type Model, readModel, writeModel } from '../../src/onnx/model.js'
import { DataType, makeTensor } from '../../src/onnx/tensor.js'
import { makeValueInfo } from '../../src/onnx/valueInfo.js'
import { createSession, type SessionOptions, type Tensor } from '../../src/saliency/session.js'

export interface Weight {
  readonly dims: readonly number[]
  readonly values: readonly number[]
  readonly dtype?: DataType
}

export interface GraphSpec {
  readonly nodes: readonly NodeProto[]
  /** Sizes of each input; strings are dynamic. */
  readonly inputs: Record<string, readonly (number | string)[]>
  readonly outputs: readonly string[]
  readonly weights?: Record<string, Weight>
  readonly opset?: number
  /** Element type of the inputs, outputs and weights; float32 by default. */
  readonly dtype?: DataType
}

/** The model of `spec`, through its bytes. */
export function modelOf(spec: GraphSpec, name = 'test.onnx'): Model {
  const dtype = spec.dtype ?? DataType.FLOAT
  const weights = Object.entries(spec.weights ?? {})
  const domains = [...new Set(spec.nodes.map((node) => node.domain))].filter((domain) => domain !== '')
  const opsetImport = domains.map((domain) => create(OperatorSetIdProtoSchema, { domain, version: 1n }))
  const model: Model = {
    name,
    opset: spec.opset ?? 17,
    proto: create(ModelProtoSchema, { irVersion: 8n, opsetImport }),
    graph: {
      nodes: spec.nodes,
      initializers: new Map(weights.map(([key, w]) => [key, makeTensor(key, w.dtype ?? dtype, w.dims, w.values)])),
      inputs: Object.entries(spec.inputs).map(([key, dims]) => makeValueInfo(key, dtype, dims)),
      outputs: spec.outputs.map((key) => makeValueInfo(key, dtype)),
    },
  }
  return readModel(writeModel(model), name)
}

/** The outputs of one run on the CPU. */
export async function runModel(
  model: Model | Uint8Array,
  feeds: Record<string, Tensor>,
  options: Partial<SessionOptions> = {},
): Promise<Record<string, Tensor>> {
  const bytes = model instanceof Uint8Array ? model : writeModel(model)
  const session = await createSession(bytes, { device: 'cpu', threads: 1, ...options })
  try {
    return await session.run(feeds)
  } finally {
    await session.release()
  }
}

export function float32(dims: readonly number[], data: ArrayLike<number>): Tensor {
  return { type: 'float32', dims, data: Float32Array.from(data) }
}
