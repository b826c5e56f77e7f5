/** The sizes of all values for given sizes of the inputs, as far as onnxruntime infers them without running the model. */
import { create } from '@bufbuild/protobuf'
import { ValueInfoProtoSchema } from 'onnx-buf'
import { type Model, type ValueInfoProto, writeModel } from '../onnx/model.js'
import { type Dim, declaredType, makeValueInfo } from '../onnx/valueInfo.js'
import { createSession } from './session.js'

/** A string is a size that is not known before a run. */
export type Sizes = readonly (number | string)[]

/** What is fed where a model leaves sizes open: the batch, and every other axis. */
export interface Fed {
  readonly batch: number
  readonly extent: number
}

/** Weights with more elements than this are no parameter that decides about a shape. */
const SHORT = 1024

export const volume = (sizes: Sizes) =>
  sizes.reduce<number>((count, size) => count * (typeof size === 'number' ? size : 1), 1)

/** Sizes to feed, the batch (axis 0) as given, other dynamic sizes as `extent`. */
export function feedSizes(dims: readonly Dim[], batch: number, extent: number): number[] {
  return dims.map((dim, axis) => dim ?? (axis === 0 ? batch : extent))
}

/** Type and sizes of an input; undefined if it is no tensor of known rank. */
export function fedType(info: ValueInfoProto, { batch, extent }: Fed) {
  const type = declaredType(info)
  return type && { dtype: type.dtype, dims: feedSizes(type.dims, batch, extent) }
}

/**
 * Sizes of `values`, all that nodes make by default, of the inputs and of the weights. Where `isFolded`, onnxruntime computes what
 * depends on sizes alone, and so finds more of them.
 */
export async function inferSizes(
  model: Model,
  fed: Fed,
  { values, isFolded = false }: { values?: readonly string[]; isFolded?: boolean } = {},
): Promise<ReadonlyMap<string, Sizes>> {
  const { graph } = model
  const inputs = graph.inputs.map((info) => {
    const type = fedType(info, fed)
    return type ? makeValueInfo(info.name, type.dtype, type.dims) : info
  })
  const weights = [...graph.initializers.values()].map((tensor) => ({ tensor, dims: tensor.dims.map(Number) }))
  const isLong = ({ dims }: { dims: readonly number[] }) => volume(dims) > SHORT
  const declared = weights.filter(isLong).map(({ tensor, dims }) => makeValueInfo(tensor.name, tensor.dataType, dims))
  const initializers = new Map(weights.filter((w) => !isLong(w)).map(({ tensor }) => [tensor.name, tensor]))
  const made = values ?? [...new Set(graph.nodes.flatMap((node) => node.output))].filter((value) => value !== '')
  // Without a type: onnxruntime infers that of every operator.
  const outputs = made.map((name) => create(ValueInfoProtoSchema, { name }))
  const bytes = writeModel({ ...model, graph: { ...graph, inputs: [...inputs, ...declared], initializers, outputs } })
  const session = await createSession(bytes, { device: 'cpu', threads: 1, optimize: isFolded ? 'basic' : 'disabled' })
  await session.release()
  const given = graph.inputs.map((info) => [info.name, fedType(info, fed)?.dims ?? []] as const)
  return new Map<string, Sizes>([
    ...weights.map(({ tensor, dims }) => [tensor.name, dims] as const),
    ...given,
    ...session.outputSizes,
  ])
}
