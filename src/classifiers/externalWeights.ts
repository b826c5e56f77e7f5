import { open, realpath } from 'node:fs/promises'
import path from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { TensorProto_DataLocation as DataLocation, ModelProtoSchema, type TensorProto } from 'onnx-buf'
import { AugmentError } from '../core/errors.js'
import { encodeModel } from '../onnx/encode.js'
import { tensorsOf } from '../onnx/rawData.js'

/**
 * The model in `bytes`, from `file`, with the weights that lie in other files beside it; at most `limit` bytes in all. Throws
 * AugmentError 'model' as readModelFile does.
 */
export async function withExternalWeights(
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const model = parsed(bytes)
  if (model === undefined) return bytes
  const external = tensorsOf(model).filter((t) => t.dataLocation === DataLocation.EXTERNAL)
  if (external.length === 0) return bytes
  let total = bytes.length
  for (const tensor of external) {
    tensor.rawData = await readWeights(file, tensor, limit - total)
    total += tensor.rawData.length
    tensor.dataLocation = DataLocation.DEFAULT
    tensor.externalData = []
  }
  return encodeModel(model)
}

/** Undefined for what is no model: readModel says so. */
function parsed(bytes: Uint8Array) {
  try {
    return fromBinary(ModelProtoSchema, bytes)
  } catch {
    return undefined
  }
}

function field(tensor: TensorProto, key: string, fallback: number): number {
  const entry = tensor.externalData.find((e) => e.key === key)
  return entry ? Number(entry.value) : fallback
}

/** The external data of `tensor`, at most `room` bytes. */
async function readWeights(file: string, tensor: TensorProto, room: number): Promise<Uint8Array<ArrayBuffer>> {
  const location = tensor.externalData.find((e) => e.key === 'location')?.value ?? ''
  const problem = (text: string) => new AugmentError('model', `${file}: weights of "${tensor.name}": ${text}`)
  const folder = await realpath(path.dirname(file))
  const target = await realpath(path.join(folder, location)).catch(() => {
    throw problem(`no such file "${location}"`)
  })
  if (path.isAbsolute(location) || path.relative(folder, target).startsWith('..')) {
    throw problem(`"${location}" is outside the model's folder`)
  }
  const handle = await open(target)
  try {
    const { size } = await handle.stat()
    const offset = field(tensor, 'offset', 0)
    const length = field(tensor, 'length', size - offset)
    if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
      throw problem(`bytes ${offset} to ${offset + length}, but "${location}" has ${size}`)
    }
    if (length > room) throw problem(`${length} bytes, expected less than 2 GiB for the model in all`)
    const data = new Uint8Array(length)
    await handle.read(data, 0, length, offset)
    return data
  } finally {
    await handle.close()
  }
}
