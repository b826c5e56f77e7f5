import { type Classifier, resolveModel } from '../classifiers/resolveModel.js'
import { counted } from '../core/counted.js'
import { parseSize } from '../core/size.js'
import type { Label } from '../core/softLabel.js'
import type { SaliencyOptions } from '../saliency/saliencyModel.js'
import type { Config } from './config.js'
import { type Estimator, startEstimator } from './estimator.js'
import type { ModelFacts } from './inferenceWorker.js'
import { decideTarget } from './target.js'

/** The classifier of a run, at work. */
export interface Explainer {
  readonly classifier: Omit<Classifier, 'bytes'>
  readonly target: 'label' | 'predicted'
  readonly estimator: Estimator
  /** Which model explains what, in one line. */
  readonly message: string
}

/** Finds the model, decides what its saliency explains, and starts it. Throws usage, model and device errors. */
export async function startExplainer(
  config: Config,
  classes: readonly string[],
  labels: readonly Label[],
  attribution: Pick<SaliencyOptions, 'timesInput' | 'integrated'> = {},
): Promise<Explainer> {
  const classifier = await resolveModel(config.model, classes, overrides(config))
  const target = await decideTarget(config, classifier, classes, labels)
  const { loss, channelNorm, blurKernel, blurSigma, output } = config
  const blur = { kernel: blurKernel, sigma: blurSigma }
  const options = { loss, channelNorm, blur, ...(output !== undefined && { output }), ...attribution }
  const estimator = await startEstimator(classifier, options, config, target.of)
  // A path of integrated gradients takes one picture at a time, whatever the model.
  const pacing = attribution.integrated === undefined ? pace(estimator.facts) : ''
  const message = `${describe(config, classifier, target.kind)}${pacing}`
  return { classifier, target: target.kind, estimator, message }
}

function overrides({ mean, std, inputLayout, colorOrder, inputSize }: Config) {
  const [width, height] = inputSize === undefined ? [] : parseSize(inputSize)
  return {
    ...(mean && { mean }),
    ...(std && { std }),
    ...(inputLayout && { layout: inputLayout }),
    ...(colorOrder && { colorOrder }),
    ...(width && height && { width, height }),
  }
}

function pace({ fixedBatch, coupled }: ModelFacts): string {
  if (coupled) return '; pictures in one batch of it influence each other: 1 picture at a time'
  return fixedBatch === null ? '' : `; its batch is fixed: ${counted(fixedBatch, 'picture')} at a time`
}

function describe(config: Config, { name }: Classifier, target: 'label' | 'predicted'): string {
  const model = config.model === 'auto' ? `model ${name} (chosen)` : `model ${name}`
  const why =
    config.target === 'auto' && target === 'predicted' ? ', as it does not know every class of the manifest' : ''
  return `${model}; saliency explains ${target === 'label' ? 'the labels' : 'its own prediction'}${why}`
}
