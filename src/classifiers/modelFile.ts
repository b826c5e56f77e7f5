/** Reads model files, with weights that lie in files of their own beside them. */

import { open, readFile, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { TensorProto_DataLocation as DataLocation, ModelProtoSchema, type TensorProto } from 'onnx-buf'
import { AugmentError } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'
import { encodeModel } from '../onnx/encode.js'
import { tensorsOf } from '../onnx/rawData.js'

/** Protocol buffers cannot be larger. */
const MAX_BYTES = 2 ** 31 - 1

/**
 * The bytes of an ONNX file, external weights included. Throws AugmentError 'model' if these lie outside the model's
 * folder or are cut short, and 'usage' if there is no file that can be read.
 */
export async function readModelFile(file: string): Promise<Uint8Array<ArrayBuffer>> {
  const refuse = (cause: unknown) => {
    const message = `${file}: ${reasonOf(cause)}, expected an ONNX model`
    throw new AugmentError('usage', message, { ...hintFor(cause), cause })
  }
  const { size } = await stat(file).catch(refuse)
  if (size > MAX_BYTES) throw new AugmentError('model', `${file}: ${size} bytes, expected less than 2 GiB`)
  const bytes = await readFile(file).catch(refuse)
  const model = parsed(bytes)
  if (model === undefined) return bytes
  const external = tensorsOf(model).filter((t) => t.dataLocation === DataLocation.EXTERNAL)
  if (external.length === 0) return bytes
  let total = size
  for (const tensor of external) {
    tensor.rawData = await readWeights(file, tensor, MAX_BYTES - total)
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
