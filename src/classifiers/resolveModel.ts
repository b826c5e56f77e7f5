import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { AugmentError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import { reasonOf } from '../core/systemError.js'
import { cachedFile } from './cache.js'
import { describeFile, readDescriptor } from './describe.js'
import type { ClassNames, Descriptor } from './descriptor.js'
import { imagenetClasses } from './imagenet.js'
import { readModelFile } from './modelFile.js'
import type { PreprocessingInput } from './preprocessing.js'
import { zoo } from './registry.js'

const BUNDLED = fileURLToPath(new URL('../../models/', import.meta.url))

/** A classifier that has a name, and what is known of it. */
interface Named {
  readonly name: string
  readonly file: string
  readonly descriptor: Descriptor
  /** Of a pulled model, what its file must have. */
  readonly sha256?: string
}

/** A classifier, found and read, with all that is known about it. */
export interface Classifier {
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly sha256: string
  readonly classes: ClassNames | null
  readonly preprocessing: PreprocessingInput
  /** Who says so, where it is not its .json or an option: its metadata, or a file of transformers. */
  readonly told: string | null
  readonly width: number | undefined
  readonly height: number | undefined
}

/** Pixels of the longer side up to which pictures of classes that no bundled model knows go to the one of CIFAR-10. */
const SMALL = 64

/** How many times its own side a picture may have for a bundled model to explain it in detail. */
const STRETCH = 2

/**
 * The bundled model for pictures of the given classes whose longer side is `side`: the smallest one that knows every class
 * and is at least half their size; else the general one, and for smaller pictures the one of CIFAR-10.
 */
function chooseBundled(bundled: readonly Named[], classes: readonly string[], side: number): Named | undefined {
  const width = ({ descriptor }: Named) => descriptor.width ?? 0
  const fitting = bundled
    .filter((model) => STRETCH * width(model) >= side)
    .filter(({ descriptor }) => classes.length > 0 && classIndices(classes, descriptor.classes ?? null) !== null)
    .sort((a, b) => width(a) - width(b))
  const byName = (name: string) => bundled.find((model) => model.name === name)
  return fitting[0] ?? byName(side > SMALL ? 'general' : 'cifar10')
}

/**
 * The model called `nameOrFile`: `auto` (see chooseBundled), a bundled name, a pulled model of the zoo, or a path to an
 * .onnx file with an optional .json beside it. `overrides` beat the .json; `side` is the longer one of most pictures.
 */
export async function resolveModel(
  nameOrFile: string,
  classes: readonly string[],
  overrides: Partial<Descriptor>,
  side = 0,
): Promise<Classifier> {
  const bundled = await bundledModels()
  const named = bundled.find(({ name }) => name === nameOrFile) ?? (await pulledModel(nameOrFile))
  const known = nameOrFile === 'auto' ? chooseBundled(bundled, classes, side) : named
  if (nameOrFile === 'auto' && known === undefined) throw missing('auto', bundled)
  const file = known?.file ?? nameOrFile
  const bytes = await readModelFile(file).catch((error: AugmentError) => {
    throw error.code === 'model' ? error : missing(nameOrFile, bundled, error.cause)
  })
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (known?.sha256 !== undefined && sha256 !== known.sha256) throw damaged(known, sha256)
  const { descriptor, told, ...described } = known ? { ...known, told: null, bytes } : await describeFile(file, bytes)
  const {
    classes: names,
    width,
    height,
    licence: _,
    inputs: _inputs,
    ...preprocessing
  } = { ...descriptor, ...overrides }
  return {
    name: known?.name ?? file,
    bytes: described.bytes,
    sha256,
    classes: names ?? null,
    preprocessing,
    told: overrides.mean || overrides.std ? null : told,
    width,
    height,
  }
}

/**
 * Throws what resolveModel would throw of a model that is not there, has not been pulled or is damaged, before anything is
 * known of the pictures.
 */
export async function checkModel(nameOrFile: string): Promise<void> {
  if (nameOrFile !== 'auto') await resolveModel(nameOrFile, [], {})
}

/** For each class of the data set the model's index of it (by name, ignoring case), or null unless it knows them all. */
export function classIndices(
  classes: readonly string[],
  modelClasses: ClassNames | null,
  map: Readonly<Record<string, string | number>> = {},
): Int32Array | null {
  if (modelClasses === null) return null
  const byName = indexByName(modelClasses)
  const indices = Int32Array.from(classes, (name) => {
    const mapped = Object.hasOwn(map, name) ? map[name]! : name
    const index = typeof mapped === 'number' ? mapped : (byName.get(mapped.toLowerCase()) ?? -1)
    return index < modelClasses.length ? index : -1
  })
  return indices.includes(-1) ? null : indices
}

/** Lower-case names to class indices; a name that two classes share tells neither, and is -1. */
function indexByName(classes: ClassNames): Map<string, number> {
  const byName = new Map<string, number>()
  classes.forEach((names, index) => {
    for (const name of [names].flat()) {
      const key = name.toLowerCase()
      byName.set(key, (byName.get(key) ?? index) === index ? index : -1)
    }
  })
  return byName
}

/** The folder in which all lies that resolveModel reads. */
export function modelFolder(nameOrFile: string): string {
  const pulled = zoo.find((entry) => entry.name === nameOrFile)
  if (pulled !== undefined) return path.dirname(cachedFile(pulled))
  const isBundled = nameOrFile === 'auto' || existsSync(path.join(BUNDLED, `${nameOrFile}.json`))
  return isBundled ? BUNDLED : path.dirname(nameOrFile)
}

/** The model of the zoo of that name, if there is one. Throws a usage error where it has not been pulled. */
async function pulledModel(name: string): Promise<Named | undefined> {
  const model = zoo.find((entry) => entry.name === name)
  if (model === undefined) return undefined
  const file = cachedFile(model)
  if (!existsSync(file)) {
    throw new AugmentError('usage', `--model ${name}: not pulled yet, expected ${file}`, {
      hint: `sage-augment models pull ${name} (${(model.bytes / 1e6).toFixed(1)} MB)`,
    })
  }
  const { mean, std, ...input } = model.input
  const descriptor = { ...input, mean: [...mean], std: [...std], classes: await imagenetClasses() }
  return { name, file, descriptor, sha256: model.sha256 }
}

/** The models that ship with the package, by name. */
export async function bundledModels(): Promise<Named[]> {
  const files = (await readdir(BUNDLED)).filter((file) => file.endsWith('.json')).sort()
  return Promise.all(
    files.map(async (file) => ({
      name: path.basename(file, '.json'),
      file: path.join(BUNDLED, file.replace(/json$/, 'onnx')),
      descriptor: await readDescriptor(path.join(BUNDLED, file)),
    })),
  )
}

function missing(name: string, bundled: readonly { name: string }[], cause?: unknown): AugmentError {
  const names = bundled.map((model) => model.name).join(', ')
  const question = didYouMean(
    name,
    [...bundled, ...zoo].map((model) => model.name),
  )
  const expected = `expected auto, ${names} or a path to an .onnx file`
  return new AugmentError('usage', `--model ${name}: ${reasonOf(cause)}, ${expected}${question}`, {
    hint: 'sage-augment models lists the names that can be pulled',
    cause,
  })
}

function damaged({ name, file, sha256 }: Named, found: string): AugmentError {
  return new AugmentError('model', `${file}: found SHA-256 ${found}, expected ${sha256}`, {
    hint: `sage-augment models pull ${name} fetches it again`,
  })
}
