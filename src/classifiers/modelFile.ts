/** Reads model files, with weights that lie in files of their own beside them. */

import { readFile, stat } from 'node:fs/promises'
import { AugmentError } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'

/** Protocol buffers cannot be larger. */
const MAX_BYTES = 2 ** 31 - 1

/** To parse a larger file is quicker than to search it. */
const SEARCHED_BYTES = 2 ** 24

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
  // The key under which a tensor names its file; where it is nowhere, the model need not be parsed here.
  if (size < SEARCHED_BYTES && !bytes.includes('location')) return bytes
  const { withExternalWeights } = await import('./externalWeights.js')
  return withExternalWeights(bytes, file, MAX_BYTES)
}
