/** Tensors of the model file: element types, sizes, and the few conversions that a compiler pass needs. */
import { create } from '@bufbuild/protobuf'
import { TensorProto_DataType as DataType, type TensorProto, TensorProtoSchema } from 'onnx-buf'
import { revise } from './revise.js'

export { DataType, type TensorProto }

/** Bytes per element of the types that models on our targets use. */
export const ELEMENT_SIZE: Partial<Record<number, number>> = {
  [DataType.FLOAT]: 4,
  [DataType.DOUBLE]: 8,
  [DataType.FLOAT16]: 2,
  [DataType.BFLOAT16]: 2,
  [DataType.INT64]: 8,
  [DataType.UINT64]: 8,
  [DataType.INT32]: 4,
  [DataType.UINT32]: 4,
  [DataType.INT16]: 2,
  [DataType.UINT16]: 2,
  [DataType.INT8]: 1,
  [DataType.UINT8]: 1,
  [DataType.BOOL]: 1,
  [DataType.FLOAT8E4M3FN]: 1,
  [DataType.FLOAT8E4M3FNUZ]: 1,
  [DataType.FLOAT8E5M2]: 1,
  [DataType.FLOAT8E5M2FNUZ]: 1,
  // UINT4 and INT4, which the schema does not name yet.
  21: 0.5,
  22: 0.5,
}

export function isHalf(type: DataType): boolean {
  return type === DataType.FLOAT16 || type === DataType.BFLOAT16
}

/** Whether gradients flow through values of this type. */
export function isFloat(type: DataType): boolean {
  return type === DataType.FLOAT || type === DataType.DOUBLE || isHalf(type)
}

const INTEGERS = new Set([
  ...[DataType.INT8, DataType.INT16, DataType.INT32, DataType.INT64],
  ...[DataType.UINT8, DataType.UINT16, DataType.UINT32, DataType.UINT64],
])

export function isInteger(type: DataType): boolean {
  return INTEGERS.has(type)
}

/** Element `value` as half precision bits, rounded to nearest even. */
function halfBits(value: number): number {
  const bits = new Uint32Array(new Float32Array([value]).buffer)[0]!
  const sign = (bits >>> 16) & 0x8000
  const magnitude = Math.abs(value)
  if (Number.isNaN(value)) return 0x7e00
  if (magnitude >= 65520) return sign | 0x7c00
  // Below 2^-14 halves are multiples of 2^-24; above, rounding happens at bit 13 of the float32 significand.
  const step = magnitude < 2 ** -14 ? 2 ** -24 : 2 ** (((bits >>> 23) & 0xff) - 137)
  let units = Math.floor(magnitude / step)
  const rest = magnitude / step - units
  if (rest > 0.5 || (rest === 0.5 && units % 2 === 1)) units++
  return sign | (magnitude < 2 ** -14 ? units : (((bits >>> 23) & 0xff) - 113) * 1024 + units)
}

/** The value of half precision bits. */
function fromHalfBits(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >>> 10) & 31, bits & 1023]
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** A float16, bfloat16 or double tensor as float32, which holds each value of the first two exactly. */
export function toFloat32(tensor: TensorProto): TensorProto {
  const { rawData: raw, dataType: type } = tensor
  const source = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  const size = ELEMENT_SIZE[type]!
  const count = raw.length / size
  const target = new DataView(new ArrayBuffer(4 * count))
  for (let i = 0; i < count; i++) {
    if (type === DataType.DOUBLE) target.setFloat32(4 * i, source.getFloat64(size * i, true), true)
    else if (type === DataType.BFLOAT16) target.setUint32(4 * i, source.getUint16(size * i, true) * 2 ** 16, true)
    else target.setFloat32(4 * i, fromHalfBits(source.getUint16(size * i, true)), true)
  }
  return revise(tensor, { dataType: DataType.FLOAT, rawData: new Uint8Array(target.buffer) })
}

/** Little-endian bytes of `values` as elements of `type` (bool: 0 or 1). */
function encode(type: DataType, values: readonly number[]): Uint8Array<ArrayBuffer> {
  const size = ELEMENT_SIZE[type]!
  const view = new DataView(new ArrayBuffer(values.length * size))
  values.forEach((value, i) => {
    const at = i * size
    if (type === DataType.FLOAT) view.setFloat32(at, value, true)
    else if (type === DataType.DOUBLE) view.setFloat64(at, value, true)
    else if (type === DataType.FLOAT16) view.setUint16(at, halfBits(value), true)
    else if (type === DataType.INT64) view.setBigInt64(at, BigInt(value), true)
    else if (type === DataType.INT32) view.setInt32(at, value, true)
    else view.setUint8(at, value)
  })
  return new Uint8Array(view.buffer)
}

/** A tensor of the given type from plain numbers (float, double, float16, int64, int32, uint8 or bool). */
export function makeTensor(
  name: string,
  type: DataType,
  dims: readonly number[],
  values: readonly number[],
): TensorProto {
  return create(TensorProtoSchema, { name, dataType: type, dims: dims.map(BigInt), rawData: encode(type, values) })
}

/** The elements of a float32 tensor, copied. */
export function floats({ rawData: raw }: TensorProto): Float32Array<ArrayBuffer> {
  return new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength) as ArrayBuffer)
}

/** A tensor of the given type from its elements as little-endian bytes. */
export function rawTensor(name: string, type: DataType, dims: readonly number[], data: ArrayBufferView): TensorProto {
  const rawData = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
  return create(TensorProtoSchema, { name, dataType: type, dims: dims.map(BigInt), rawData })
}

/** The elements of a small tensor of floats, integers up to 64 bits or bools, or undefined if it is something else. */
export function numbers(tensor: TensorProto): number[] | undefined {
  const { rawData: raw, dataType: type } = tensor
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  const size = ELEMENT_SIZE[type] ?? 1
  const read = (get: (at: number) => number) => Array.from({ length: raw.byteLength / size }, (_, i) => get(i * size))
  if (type === DataType.INT64) return read((at) => Number(view.getBigInt64(at, true)))
  if (type === DataType.INT32) return read((at) => view.getInt32(at, true))
  if (type === DataType.BOOL || type === DataType.UINT8) return [...raw]
  if (type === DataType.INT8) return read((at) => view.getInt8(at))
  if (type === DataType.INT16) return read((at) => view.getInt16(at, true))
  if (type === DataType.UINT16) return read((at) => view.getUint16(at, true))
  if (type === DataType.FLOAT) return read((at) => view.getFloat32(at, true))
  if (type === DataType.DOUBLE) return read((at) => view.getFloat64(at, true))
  return isHalf(type) ? numbers(toFloat32(tensor)) : undefined
}
