/** What is known of a model file from what stands beside it and in it. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { AugmentError } from '../core/errors.js'
import { reasonOf } from '../core/systemError.js'
import { bindInputs } from '../onnx/bindInputs.js'
import { readModel, writeModel } from '../onnx/model.js'
import { type Descriptor, descriptorSchema } from './descriptor.js'
import { imagenetClasses } from './imagenet.js'
import { metadataOf, type Told, toldBy } from './metadata.js'

/** A model file with what is known of it. */
export interface Described {
  readonly descriptor: Descriptor
  /** Who else than its .json says how its pixels are scaled; null for nobody. */
  readonly told: string | null
  /** The model, with the inputs that the .json gives values as constants. */
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Of the model file `file`, read as `bytes`: what its .json says, over what others wrote. Throws AugmentError. */
export async function describeFile(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<Described> {
  const own = await readDescriptor(descriptorFile(file))
  const told = toldBy(metadataOf(bytes)) ?? (await readTransformers(path.dirname(file)))
  const bound = own.inputs === undefined ? bytes : writeModel(bindInputs(readModel(bytes, file), own.inputs))
  if (told === null) return { descriptor: own, told: null, bytes: bound }
  const isScaled = own.scale !== undefined || own.mean !== undefined || own.std !== undefined
  const { scale: _, mean: _mean, std: _std, ...others } = told.descriptor
  return isScaled
    ? { descriptor: { ...others, ...own }, told: null, bytes: bound }
    : { descriptor: { ...told.descriptor, ...own }, told: told.by, bytes: bound }
}

/** Where the description of a model file stands. */
export const descriptorFile = (file: string): string => `${file.replace(/\.onnx$/i, '')}.json`

/** The checked .json of a model; all defaults where there is none. */
export async function readDescriptor(file: string): Promise<Descriptor> {
  let text = '{}'
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  try {
    const { classes, ...rest } = descriptorSchema.parse(JSON.parse(text))
    if (classes === undefined) return rest
    return { ...rest, classes: classes === 'imagenet' ? await imagenetClasses() : classes }
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? `\n${z.prettifyError(cause)}` : ` (${reasonOf(cause)})`
    throw new AugmentError('usage', `${file}: not a description of a model${problem}`, { cause })
  }
}

/** What Hugging Face's transformers and optimum write beside a model. */
const processorSchema = z.object({
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
  image_mean: z.array(z.number()),
  image_std: z.array(z.number().positive()),
})
const configSchema = z.object({ id2label: z.record(z.string().regex(/^\d+$/), z.string()) })

async function readTransformers(folder: string): Promise<Told | null> {
  const by = 'preprocessor_config.json'
  const processor = processorSchema.safeParse(await readJson(path.join(folder, by)))
  if (!processor.success) return null
  const { do_rescale, rescale_factor, do_normalize, image_mean: mean, image_std: std } = processor.data
  const plain = { mean: mean.map(() => 0), std: std.map(() => 1) }
  const config = configSchema.safeParse(await readJson(path.join(folder, 'config.json')))
  const labels = config.success ? config.data.id2label : {}
  const classes = Object.keys(labels).map((_, index) => labels[index])
  return {
    by,
    descriptor: {
      scale: do_rescale ? rescale_factor : 1,
      ...(do_normalize ? { mean, std } : plain),
      ...(classes.length > 0 && classes.every((name) => name !== undefined) && { classes }),
    },
  }
}

/** Null for what is not there or no JSON: such a file is somebody else's. */
async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return null
  }
}
