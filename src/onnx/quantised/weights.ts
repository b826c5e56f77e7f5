import { revise } from '../revise.js'
import { DataType, type TensorProto } from '../tensor.js'

/** Along which axis scales are given, and how many elements share one. */
export interface Blocks {
  readonly axis?: number
  readonly size?: number
}

const ARRAYS: Partial<Record<DataType, (buffer: ArrayBuffer) => ArrayLike<number>>> = {
  [DataType.INT8]: (buffer) => new Int8Array(buffer),
  [DataType.UINT8]: (buffer) => new Uint8Array(buffer),
  [DataType.INT16]: (buffer) => new Int16Array(buffer),
  [DataType.UINT16]: (buffer) => new Uint16Array(buffer),
  [DataType.INT32]: (buffer) => new Int32Array(buffer),
}

/**
 * A weight as float32: (q - zero) scale, with one scale for all, one for each element of `axis`, or one for each of its
 * blocks. Undefined for element types that are not of whole bytes.
 */
export function realWeights(
  tensor: TensorProto,
  scales: readonly number[],
  zeros: readonly number[] | undefined,
  { axis = 1, size = 0 }: Blocks,
): TensorProto | undefined {
  const integers = ARRAYS[tensor.dataType as DataType]?.(Uint8Array.from(tensor.rawData).buffer)
  if (!integers) return undefined
  const dims = tensor.dims.map(Number)
  const at = axis < 0 ? axis + dims.length : axis
  const inner = dims.slice(at + 1).reduce((a, b) => a * b, 1)
  const length = dims[at] ?? 1
  const places = size > 0 ? Math.ceil(length / size) : length
  const values = new Float32Array(integers.length)
  for (let i = 0; i < values.length; i++) {
    const along = Math.floor(i / inner) % length
    const block =
      size > 0
        ? Math.floor(i / (inner * length)) * places * inner + Math.floor(along / size) * inner + (i % inner)
        : along
    const of = (list: readonly number[]) => list[list.length === 1 ? 0 : block]!
    values[i] = (integers[i]! - (zeros ? of(zeros) : 0)) * of(scales)
  }
  return revise(tensor, { dataType: DataType.FLOAT, rawData: new Uint8Array(values.buffer), int32Data: [] })
}
