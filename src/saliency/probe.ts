/** Learns the shape of every value of a model by running it, since the differentiation itself infers none. */
import { AugmentError } from '../core/errors.js'
import { type Graph, type Model, writeModel } from '../onnx/model.js'
import { makeNode } from '../onnx/node.js'
import { DataType, ELEMENT_SIZE } from '../onnx/tensor.js'
import { type Dim, declaredType, inferDtypes, makeValueInfo, type ValueType } from '../onnx/valueInfo.js'
import { createSession, type Session, type Tensor } from './session.js'

const RUNTIME_TYPE: Partial<Record<DataType, Tensor['type']>> = {
  [DataType.FLOAT]: 'float32',
  [DataType.DOUBLE]: 'float64',
  [DataType.FLOAT16]: 'float16',
  [DataType.UINT8]: 'uint8',
  [DataType.INT64]: 'int64',
}

/** A zero-filled tensor of the given type. */
function zeros(dtype: DataType, dims: readonly number[]): Tensor {
  const size = dims.reduce((a, b) => a * b, 1)
  const type = RUNTIME_TYPE[dtype]
  if (type === 'float32') return { type, dims, data: new Float32Array(size) }
  if (type === 'float64') return { type, dims, data: new Float64Array(size) }
  if (type === 'int64') return { type, dims, data: new BigInt64Array(size) }
  if (type === 'float16') return { type, dims, data: new Uint16Array(size) }
  return { type: 'uint8', dims, data: new Uint8Array(size * (ELEMENT_SIZE[dtype] ?? 1)) }
}

/** The model with one tiny output per value: its shape, int64 [rank], named by the value's position in `values`. */
function withShapes(model: Model, values: readonly string[]): Uint8Array {
  const names = values.map((_, i) => `probe/${i}`)
  const nodes = values.map((value, i) => makeNode('Shape', [value], [names[i]!]))
  const outputs = names.map((name) => makeValueInfo(name, DataType.INT64, ['rank']))
  const graph: Graph = { ...model.graph, nodes: [...model.graph.nodes, ...nodes], outputs }
  return writeModel({ ...model, graph })
}

/** Sizes to feed, the batch (axis 0) as given, other dynamic sizes as `extent`. */
function inputSizes(dims: readonly Dim[], batch: number, extent: number): number[] {
  return dims.map((dim, axis) => dim ?? (axis === 0 ? batch : extent))
}

async function shapesOf(
  session: Session,
  model: Model,
  count: number,
  batch: number,
  extent: number,
): Promise<number[][]> {
  const feeds: Record<string, Tensor> = {}
  for (const input of model.graph.inputs) {
    const type = declaredType(input)
    if (!type) throw new AugmentError('model', `${model.name}: input "${input.name}" has no declared rank`)
    feeds[input.name] = zeros(type.dtype, inputSizes(type.dims, batch, extent))
  }
  const results = await session.run(feeds)
  return Array.from({ length: count }, (_, i) => Array.from(results[`probe/${i}`]!.data as BigInt64Array, Number))
}

/** Type and sizes of every value: null where they differ between batches of 2 and 3 (and between 224 and 256 pixels). */
export async function probeTypes(model: Model): Promise<Map<string, ValueType>> {
  const dtypes = inferDtypes(model.graph)
  const values = [...dtypes.keys()]
  const session = await createSession(withShapes(model, values), { device: 'cpu', optimize: 'basic' })
  try {
    const first = await shapesOf(session, model, values.length, 2, 224)
    const second = await shapesOf(session, model, values.length, 3, 256)
    return new Map(
      values.map((value, i) => {
        const dims = first[i]!.map((size, axis) => (second[i]![axis] === size ? size : null))
        return [value, { dtype: dtypes.get(value)!, dims }]
      }),
    )
  } finally {
    await session.release()
  }
}
