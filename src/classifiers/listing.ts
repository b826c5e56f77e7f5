/** What is known of the classifiers that --model knows by name. */
import { stat } from 'node:fs/promises'
import { AugmentError } from '../core/errors.js'
import { readModel } from '../onnx/model.js'
import { cachedFile } from './cache.js'
import { readModelFile } from './modelFile.js'
import { ZOO_ROOT, type ZooModel, zoo } from './registry.js'
import { bundledModels } from './resolveModel.js'

/** A classifier in the list. */
export interface Listed {
  readonly name: string
  readonly state: 'bundled' | 'pulled' | 'not pulled'
  readonly classes: number
  readonly width: number | undefined
  readonly height: number | undefined
  readonly bytes: number
  readonly opset: number
  readonly licence: string
  readonly file: string
}

/** All that --model knows by name: the bundled ones, then those of the ONNX Model Zoo. */
export async function listModels(): Promise<Listed[]> {
  const bundled = (await bundledModels()).map(async ({ name, file, descriptor }): Promise<Listed> => {
    const bytes = await readModelFile(file)
    const { width, height, licence = 'unknown', classes = [] } = descriptor
    const { opset } = readModel(bytes, name)
    return { name, state: 'bundled', classes: classes.length, width, height, bytes: bytes.length, opset, licence, file }
  })
  const others = zoo.map(async (model): Promise<Listed> => {
    const { name, bytes, opset, licence, input } = model
    const file = cachedFile(model)
    const state = await stat(file).then(
      () => 'pulled' as const,
      () => 'not pulled' as const,
    )
    return { name, state, classes: 1000, width: input.width, height: input.height, bytes, opset, licence, file }
  })
  return Promise.all([...bundled, ...others])
}

/** All that is known of a classifier. Throws a usage error that lists the names where there is none of that name. */
export async function describeModel(name: string): Promise<Listed & Record<string, unknown>> {
  const one = named(name, await listModels())
  const entry = zoo.find((model) => model.name === name)
  const { classes: _, ...input } = (await bundledModels()).find((model) => model.name === name)?.descriptor ?? {}
  if (entry === undefined) return { ...one, input }
  const { path, sha256, top1, note } = entry
  return { ...one, url: ZOO_ROOT + path, sha256, top1, input: entry.input, note }
}

/** Those of the zoo with these names; throws a usage error as describeModel does. */
export function zooModels(names: readonly string[]): ZooModel[] {
  return names.map((name) => named(name, zoo))
}

function named<T extends { readonly name: string }>(name: string, models: readonly T[]): T {
  const found = models.find((model) => model.name === name)
  if (found !== undefined) return found
  throw new AugmentError('usage', `models: no "${name}", expected ${models.map((model) => model.name).join(', ')}`)
}
