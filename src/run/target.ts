import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { type Classifier, classIndices } from '../classifiers/resolveModel.js'
import { AugmentError } from '../core/errors.js'
import type { Label } from '../core/softLabel.js'
import { hintFor, reasonOf } from '../core/systemError.js'
import type { Source, Sources } from '../dataset/source.js'
import type { Config } from './config.js'

export interface Target {
  readonly kind: 'label' | 'predicted'
  /** Distribution over the model's classes that the loss of a source takes; null where the model predicts it. */
  readonly of: ((source: number, modelClasses: number) => Float32Array) | null
  /** Which logit is that of a class of the data set; null where the model predicts. */
  readonly logits: Readonly<Record<string, number>> | null
}

const PREDICTED: Target = { kind: 'predicted', of: null, logits: null }

/**
 * Decides what the saliency explains: the labels where the model knows every class of the data set, else its own
 * prediction for all. Throws a usage error when labels are asked for and the model does not know the classes.
 */
export async function decideTarget(
  config: Config,
  classifier: Classifier,
  classes: readonly string[],
  sources: Sources<Pick<Source, 'label'>>,
): Promise<Target> {
  if (config.target === 'predicted') return PREDICTED
  const map = config.classMap === undefined ? {} : await readClassMap(config.classMap)
  const indices = classIndices(classes, classifier.classes, map)
  if (indices !== null) {
    const logits = Object.fromEntries(classes.map((name, k) => [name, indices[k]!]))
    return { kind: 'label', of: (source, k) => spread(sources.at(source)!.label, indices, k), logits }
  }
  if (config.target === 'auto') return PREDICTED
  const known = classifier.classes ?? []
  const unknown = classes.filter((name) => classIndices([name], known, map) === null)
  throw new AugmentError(
    'usage',
    `--target label: the model ${classifier.name} does not know ${unknown.length} of the ${classes.length} classes ` +
      `(${unknown.slice(0, 5).join(', ')}${unknown.length > 5 ? ', ...' : ''})`,
    { hint: 'name them in --class-map, or use --target predicted' },
  )
}

/** A label as a distribution over the classes of the model. Of several classes each has an equal part; none are all alike. */
function spread(label: Label, indices: Int32Array, modelClasses: number): Float32Array {
  const target = new Float32Array(modelClasses)
  if (typeof label === 'number') target[indices[label]!] = 1
  else {
    const sum = label.weights.reduce((total, weight) => total + weight, 0)
    if (sum === 0) return target.fill(1 / modelClasses)
    // A distribution stays as it is, to the last bit.
    const scale = Math.abs(sum - 1) < 1e-6 ? 1 : 1 / sum
    label.classes.forEach((k, i) => {
      target[indices[k]!]! += label.weights[i]! * scale
    })
  }
  return target
}

/** Throws a usage error for what is no such file. */
export async function readClassMap(file: string): Promise<Record<string, string | number>> {
  try {
    return z.record(z.string(), z.union([z.string(), z.int().min(0)])).parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (cause) {
    const found = cause instanceof z.ZodError ? 'found something else' : reasonOf(cause)
    const expected = 'expected a JSON object {"class": "class of the model"}'
    throw new AugmentError('usage', `--class-map ${file}: ${found}, ${expected}`, { ...hintFor(cause), cause })
  }
}
