/** Reads model files, with weights that lie in files of their own beside them. */

import { readFile, stat } from 'node:fs/promises'
import { AugmentError } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'
import { fieldsOf } from './fields.js'

/** Protocol buffers cannot be larger. */
const MAX_BYTES = 2 ** 31 - 1

/** Field numbers (onnx.proto): the graph of a model, its weights, and where a tensor has its elements. */
const [GRAPH, INITIALIZER] = [7, 5]
const ELEMENTS: ReadonlySet<number> = new Set([4, 5, 6, 7, 9, 10, 11])

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
  if (!mayNameFiles(bytes)) return bytes
  const { withExternalWeights } = await import('./externalWeights.js')
  return withExternalWeights(bytes, file, MAX_BYTES)
}

/** Whether the key under which a tensor names its file is anywhere: where it is not, the model need not be parsed here. */
function mayNameFiles(model: Uint8Array): boolean {
  try {
    for (const { buffer, byteOffset, byteLength } of besideElements(model))
      if (Buffer.from(buffer, byteOffset, byteLength).includes('location')) return true
    return false
  } catch {
    return true
  }
}

/** All of a model but the elements of its weights, which are most of it. */
function* besideElements(model: Uint8Array): Generator<Uint8Array> {
  for (const [field, content] of fieldsOf(model)) {
    if (field !== GRAPH) yield content
    else
      for (const [part, inner] of fieldsOf(content)) {
        if (part !== INITIALIZER) yield inner
        else for (const [own, value] of fieldsOf(inner)) if (!ELEMENTS.has(own)) yield value
      }
  }
}
