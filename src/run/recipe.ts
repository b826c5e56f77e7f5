/** How the options of a training become those of its steps. */
import type { Checked } from '../options/option.js'
import type { trainOptions } from '../options/train.js'
import type { TrainingOptions } from '../train/trainingModel.js'

export type TrainConfig = Checked<typeof trainOptions>

/** Of each optimiser: how it is set, its weight decay, and its rate as a multiple of AdamW's. */
const OPTIMIZERS = {
  adamw: { optimizer: { name: 'adamw' }, weightDecay: 0.05, rate: 1 },
  sgd: { optimizer: { name: 'sgd', nesterov: true }, weightDecay: 5e-4, rate: 10 },
  muon: { optimizer: { name: 'muon' }, weightDecay: 0.01, rate: 20 },
} as const satisfies Record<TrainConfig['optimizer'], object>

/** What a step does. */
export function stepOptions(config: TrainConfig): TrainingOptions {
  const { labelSmoothing, clip, trainable, from, seed, weightDecay } = config
  const isWord = trainable === 'all' || trainable === 'head' || trainable === 'last-stage'
  return {
    labelSmoothing,
    clip,
    optimizer: OPTIMIZERS[config.optimizer].optimizer,
    weightDecay: weightDecay ?? OPTIMIZERS[config.optimizer].weightDecay,
    trainable: isWord ? trainable : new RegExp(trainable),
    initialSeed: seed,
    initial: from === 'scratch' ? 'random' : 'file',
  }
}

/** The largest learning rate. */
export function rateOf(config: TrainConfig): number {
  const adamw = config.from === 'scratch' ? 1e-3 : 3e-4
  return config.rate ?? OPTIMIZERS[config.optimizer].rate * adamw
}
