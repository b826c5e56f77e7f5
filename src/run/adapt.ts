/** Fits the classes of a data set on the features of a classifier, and writes the new classifier. */
import path from 'node:path'
import { type Classifier, resolveModel } from '../classifiers/resolveModel.js'
import { AugmentError } from '../core/errors.js'
import { type Random, randomStream, shuffle } from '../core/random.js'
import { dense, heaviest } from '../core/softLabel.js'
import { fitLogistic, type Linear, probabilities, type Rows } from '../fit/logisticRegression.js'
import type { ConfigInput } from '../options/inputs.js'
import { writeAtomic } from '../output/atomic.js'
import { withFittedHead } from '../saliency/fittedHead.js'
import { cores } from '../threads/cores.js'
import { type Config, parseConfig } from './config.js'
import { startForward } from './forward.js'
import { greyRangeOf } from './greyRange.js'
import { type Inputs, readInputs } from './inputs.js'
import { Interrupted } from './interrupted.js'
import { noticesOf, type Tell, tellAll } from './notices.js'
import { requirePlace } from './paths.js'
import { openViews, SourceError } from './views.js'

/** What was fitted and how good it is on pictures that it had not seen. */
export interface Adapted {
  readonly out: string
  readonly model: string
  readonly classes: number
  readonly pictures: number
  readonly penalty: number
  /** Share of the held-out pictures whose class was found, and its standard error. */
  readonly accuracy: number
  readonly error: number
  /** The classes that were most often taken for another, of the held-out pictures. */
  readonly confused: readonly {
    readonly class: string
    readonly as: string
    readonly count: number
    readonly of: number
  }[]
}

/** Weights of the penalty that are tried, of standardised features; the largest first, each starts where the one before ended. */
const PENALTIES = [10, 1, 0.1, 0.01, 0.001]

const FOLDS = 5

/** So many pictures at most choose the penalty. */
const TRIED = 1000

/** Pictures whose features are computed together. */
const PART = 32

/** Confusions that are told. */
const TOLD = 5

/**
 * Fits the classes of a labelled folder by multinomial logistic regression on the features that the last linear map of the
 * model takes (`general` unless `model` says otherwise), the penalty chosen by cross-validation, and writes the model with
 * that head to `out` and its description beside it. Throws AugmentError for anything a user can mend, and Interrupted after
 * `signal`, before anything is written.
 */
export async function adapt(input: ConfigInput, out: string, tell: Tell, signal?: AbortSignal): Promise<Adapted> {
  const config = parseConfig(input)
  if (!/\.onnx$/i.test(out)) throw new AugmentError('usage', `--out: expected the name of an .onnx file, got ${out}`)
  const descriptor = out.replace(/\.onnx$/i, '.json')
  await requirePlace(out, [config.model])
  await requirePlace(descriptor, [config.labels])
  const inputs = await readInputs(config)
  refuseOneClass(inputs)
  tellAll(noticesOf(inputs), tell)
  const classifier = await resolveModel(baseOf(config), inputs.classes, {})
  tell(`features of ${classifier.name}`)
  const { bytes, description, found } = await fitHead(config, inputs, classifier, tell, signal)
  await writeAtomic(descriptor, description, path.dirname(out))
  await writeAtomic(out, bytes, path.dirname(out))
  return { out, ...found }
}

/** The model whose features are used. */
export function baseOf({ model }: Pick<Config, 'model'>): string {
  return model === 'auto' ? 'general' : model
}

/** Throws a usage error where there is nothing to tell apart. */
export function refuseOneClass({ root, classes }: Pick<Inputs, 'root' | 'classes'>): void {
  if (classes.length < 2) throw new AugmentError('usage', `${root}: found 1 class, expected at least 2`)
}

/** A classifier with a head of the user's classes. */
interface Fitted {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** The text of the .json that belongs beside it. */
  readonly description: string
  readonly found: Omit<Adapted, 'out'>
}

/** Fits the classes of the inputs on the features of a classifier, whose bytes stay as they are. Throws Interrupted after `signal`. */
export async function fitHead(
  config: Config,
  inputs: Inputs,
  classifier: Classifier,
  tell: Tell,
  signal?: AbortSignal,
): Promise<Fitted> {
  const { classes } = inputs
  const { features, targets, value } = await measure(config, inputs, classifier, tell, signal)
  const scaled = standardised(features)
  const { penalty, found, truth } = await choosePenalty(scaled.rows, targets, randomStream(config.seed, 0), signal)
  await heed(signal)
  const head = scaled.undo(fitLogistic(scaled.rows, targets, penalty))
  const hits = found.filter((k, i) => k === truth[i]).length
  const accuracy = hits / found.length
  const error = Math.sqrt((accuracy * (1 - accuracy)) / found.length)
  const { preprocessing, width, height } = classifier
  const measured = { top1: accuracy, error, on: `${found.length} held-out pictures, ${FOLDS} folds` }
  const beside = {
    classes,
    ...preprocessing,
    width,
    height,
    source: `fitted on features of ${classifier.name}`,
    accuracy: measured,
  }
  return {
    bytes: withFittedHead(classifier.bytes, classifier.name, value, head),
    description: `${JSON.stringify(beside, null, 2)}\n`,
    found: {
      ...{ model: classifier.name, classes: classes.length, pictures: targets.data.length / classes.length },
      ...{ penalty, accuracy, error, confused: confusions(found, truth, classes) },
    },
  }
}

/** Features and label distributions of the pictures that can be read, and the value of the model that the features are. */
async function measure(
  config: Config,
  inputs: Inputs,
  classifier: Classifier,
  tell: Tell,
  signal: AbortSignal | undefined,
) {
  const { root, sources, classes } = inputs
  const { maxPixels, size, jobs = cores(), output } = config
  const range = await greyRangeOf(config, inputs)
  const views = openViews(root, sources, { maxPixels, jobs, estimator: null, size, range })
  const forward = await startForward(classifier, 'features', output)
  const features: Float32Array[] = []
  const labels: Float64Array[] = []
  try {
    for (let first = 0; first < sources.length; first += PART) {
      await heed(signal)
      const part = Array.from({ length: Math.min(PART, sources.length - first) }, (_, i) => first + i)
      const decoded = await Promise.allSettled(part.map((source) => views.decoded(source)))
      const usable = decoded.flatMap((result, i) => {
        if (result.status === 'fulfilled') return [{ image: result.value.image, label: sources.at(part[i]!)!.label }]
        if (!(result.reason instanceof SourceError)) throw result.reason
        tell(`left out: ${result.reason.message}`, true)
        return []
      })
      features.push(...(await forward.of(usable.map(({ image }) => image))))
      labels.push(...usable.map(({ label }) => dense(label, classes.length)))
    }
  } finally {
    await forward.close()
  }
  if (labels.length < 2 * FOLDS) {
    throw new AugmentError('usage', `${root}: found ${labels.length} usable pictures, expected at least ${2 * FOLDS}`)
  }
  const rows = { data: joined(features, forward.outputs), size: forward.outputs }
  return {
    features: rows,
    targets: { data: joined(labels, classes.length), size: classes.length },
    value: forward.value,
  }
}

/** Lets signals arrive, for which the fit leaves no time, and throws Interrupted if one has. */
async function heed(signal: AbortSignal | undefined): Promise<void> {
  await new Promise(setImmediate)
  if (signal?.aborted) throw new Interrupted('interrupted while the classes were fitted')
}

function joined(rows: readonly ArrayLike<number>[], size: number): Float64Array {
  const data = new Float64Array(rows.length * size)
  for (const [i, row] of rows.entries()) data.set(row, i * size)
  return data
}

/** The features with mean 0 and deviation 1 each, and what a head on them is on the features themselves. */
function standardised({ data, size }: Rows): { rows: Rows; undo: (head: Linear) => Linear } {
  const n = data.length / size
  const mean = new Float64Array(size)
  const scale = new Float64Array(size)
  for (let i = 0; i < data.length; i++) mean[i % size]! += data[i]! / n
  for (let i = 0; i < data.length; i++) scale[i % size]! += (data[i]! - mean[i % size]!) ** 2 / n
  for (let j = 0; j < size; j++) scale[j] = scale[j]! > 0 ? Math.sqrt(scale[j]!) : 1
  return {
    rows: { data: data.map((x, i) => (x - mean[i % size]!) / scale[i % size]!), size },
    undo({ weights, bias }) {
      const plain = weights.map((w, i) => w / scale[i % size]!)
      const shifted = bias.map((b, c) => {
        let sum = b
        for (let j = 0; j < size; j++) sum -= plain[c * size + j]! * mean[j]!
        return sum
      })
      return { weights: plain, bias: shifted }
    },
  }
}

/** The penalty with the least log loss on held-out pictures, and the classes found there with those that are true. */
async function choosePenalty(features: Rows, targets: Rows, random: Random, signal: AbortSignal | undefined) {
  const n = targets.data.length / targets.size
  const chosen = shuffle(
    random,
    Array.from({ length: n }, (_, i) => i),
  ).slice(0, TRIED)
  const classOf = (i: number) => heaviest(rowOf(targets, i))
  // Dealt out class by class, so that every fold has its share of each.
  const dealt = chosen.map((i) => [classOf(i), i] as const).sort(([a], [b]) => a - b)
  const folds = Array.from({ length: FOLDS }, (_, f) => dealt.filter((__, at) => at % FOLDS === f).map(([, i]) => i))
  const trials = PENALTIES.map((penalty) => ({ penalty, loss: 0, found: [] as number[] }))
  for (const fold of folds) {
    const held = new Set(fold)
    const rest = chosen.filter((i) => !held.has(i))
    let head: Linear | undefined
    for (const trial of trials) {
      await heed(signal)
      head = fitLogistic(someOf(features, rest), someOf(targets, rest), trial.penalty, head)
      const p = new Float64Array(targets.size)
      for (const i of fold) {
        probabilities(head, rowOf(features, i), p)
        rowOf(targets, i).forEach((y, c) => {
          if (y > 0) trial.loss -= y * Math.log(Math.max(p[c]!, Number.MIN_VALUE))
        })
        trial.found.push(heaviest(p))
      }
    }
  }
  const { penalty, found } = trials.reduce((best, trial) => (trial.loss < best.loss ? trial : best))
  return { penalty, found, truth: folds.flat().map(classOf) }
}

function rowOf({ data, size }: Rows, i: number): Float64Array {
  return data.subarray(i * size, (i + 1) * size)
}

function someOf(rows: Rows, which: readonly number[]): Rows {
  return {
    data: joined(
      which.map((i) => rowOf(rows, i)),
      rows.size,
    ),
    size: rows.size,
  }
}

function confusions(
  found: readonly number[],
  truth: readonly number[],
  classes: readonly string[],
): Adapted['confused'] {
  const counts = new Map<string, { class: string; as: string; count: number; of: number }>()
  for (const [i, k] of found.entries()) {
    const of = truth[i]!
    if (k === of) continue
    const total = truth.filter((one) => one === of).length
    const key = `${of} ${k}`
    counts.set(key, { class: classes[of]!, as: classes[k]!, count: (counts.get(key)?.count ?? 0) + 1, of: total })
  }
  return [...counts.values()].sort((a, b) => b.count - a.count).slice(0, TOLD)
}
