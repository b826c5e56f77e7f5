import path from 'node:path'
import { describeFile } from '../classifiers/describe.js'
import { readModelFile } from '../classifiers/modelFile.js'
import { type Inspection, type InspectOptions, inspectModel } from '../saliency/inspectModel.js'

/** Looks at an ONNX file as a run would use it, with what is said of it in it and beside it (see inspectModel). */
export async function inspectFile(file: string, options: InspectOptions = {}): Promise<Inspection> {
  const { descriptor, told, bytes } = await describeFile(file, await readModelFile(file))
  return inspectModel(bytes, path.basename(file), { preprocessing: descriptor, told, ...options })
}
