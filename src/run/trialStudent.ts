/** The network that a trial trains in every arm. */
import { createHash } from 'node:crypto'
import { type Classifier, resolveModel } from '../classifiers/resolveModel.js'
import type { Checked, Given } from '../options/option.js'
import type { trialOptions } from '../options/trial.js'
import { LEAST_SIDE, smallNet } from '../train/smallNet.js'
import { trainingModel } from '../train/trainingModel.js'
import { overridesOf } from './explainer.js'
import type { TrialData } from './trialWorker.js'

/** Checked options of a trial. */
export type TrialConfig = Checked<typeof trialOptions>

/** Those that were given. */
export type TrialInput = Given<typeof trialOptions>

/** Pixels a side up to which pictures get the small network, and its own largest side. */
const SMALL = 64

/** The side at which `general` is fine-tuned: its convolutions take any, and a smaller one is faster. */
const FINE_TUNED = 128

export interface Student extends Omit<TrialData['student'], 'options'> {
  readonly options: TrialData['student']['options']
  readonly sha256: string
  readonly batch: number
  readonly rate: number
  /** Steps that a plan makes at least and at most, unless told otherwise. */
  readonly range: { readonly least: number; readonly most: number }
  /** In words. */
  readonly told: string
}

/** Passes over the pictures after which a network of random weights has about learnt them by heart, as students of users do. */
const PASSES = 50

/** Steps of a network of random weights. */
const scratchSteps = (pictures: number, batch: number) => ({
  least: 200,
  most: Math.max(400, Math.ceil((PASSES * pictures) / batch)),
})

/** For so many pictures, the longer side of most of which is `side`. Throws usage and model errors. */
export async function studentOf(
  config: TrialConfig,
  classes: readonly string[],
  { pictures, side }: { readonly pictures: number; readonly side: number },
): Promise<Student> {
  const name = config.student ?? (side <= SMALL ? 'small' : 'general')
  if (name === 'small') return small(config, classes.length, pictures, side)
  const overrides = overridesOf(config)
  const found = await resolveModel(name, classes, name === 'general' ? { ...at(FINE_TUNED), ...overrides } : overrides)
  const isFile = /\.onnx$/i.test(name)
  const isScratch = (config.from ?? (isFile ? 'scratch' : 'pretrained')) === 'scratch'
  const trainable = isScratch || isFile ? 'all' : 'last-stage'
  const isSame = found.classes?.join('\n') === classes.join('\n')
  const part = trainable === 'all' ? '' : ', its last stage'
  const batch = config.batch ?? (isFile && isScratch ? 64 : 16)
  return {
    ...found,
    ...settings(config, isScratch, isSame && !isScratch ? undefined : classes.length, trainable),
    batch,
    range: isScratch ? scratchSteps(pictures, batch) : { least: 40, most: 150 },
    told: `${found.name}${part}, ${isScratch ? 'from random weights' : 'fine-tuned'}`,
  }
}

const at = (side: number) => ({ width: side, height: side })

function settings(
  { rate, labelSmoothing }: TrialConfig,
  isScratch: boolean,
  classes: number | undefined,
  trainable: 'all' | 'last-stage',
): Pick<Student, 'options' | 'rate'> {
  return {
    rate: rate ?? (isScratch ? 3e-3 : 3e-4),
    options: {
      labelSmoothing,
      trainable,
      clip: 1,
      optimizer: { name: 'adamw' },
      weightDecay: 0.05,
      initial: isScratch ? 'random' : 'file',
      ...(classes !== undefined && { classes }),
    },
  }
}

function small(config: TrialConfig, classes: number, pictures: number, side: number): Student {
  const square = Math.min(SMALL, Math.max(2 * LEAST_SIDE, side))
  const [width, height] = config.inputSize?.split('x').map(Number) ?? [square, square]
  const bytes = smallNet(width!, height!, classes)
  const batch = config.batch ?? 32
  return {
    ...{ name: 'small', bytes, width: width!, height: height! },
    preprocessing: PLAIN,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    ...settings(config, true, undefined, 'all'),
    batch,
    range: scratchSteps(pictures, batch),
    told: `small (three convolutions) of ${width} x ${height}, from random weights`,
  }
}

/** -2 to 2, about a deviation of 1 over natural pictures. */
const PLAIN = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], layout: 'nchw' } as const

/** A small network of random weights for pictures of a size, as a classifier. */
export async function untrainedNet(
  { width, height }: { readonly width: number; readonly height: number },
  classes: readonly string[],
  seed: number,
): Promise<Classifier> {
  const model = await trainingModel(smallNet(width, height, classes.length), 'untrained', {
    initial: 'random',
    initialSeed: seed,
  })
  const weights = model.carried.filter(({ kind }) => kind !== 'state').map((c) => [c.name, c.initial] as const)
  const bytes = model.classifier(new Map(weights))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { name: 'untrained', bytes, sha256, classes, preprocessing: PLAIN, told: null, width, height }
}
