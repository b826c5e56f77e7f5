import { type Classifier, resolveModel } from '../classifiers/resolveModel.js'
import { counted } from '../core/counted.js'
import type { ModelKind, SaliencyKind } from '../core/saliencyKinds.js'
import { parseSize } from '../core/size.js'
import type { SaliencyOptions } from '../saliency/saliencyModel.js'
import type { Config } from './config.js'
import { type Estimator, startEstimator } from './estimator.js'
import type { ModelFacts } from './inferenceWorker.js'
import type { Inputs } from './inputs.js'
import { refuseClassifier, spectralEstimator } from './spectral.js'
import { decideTarget, type Target } from './target.js'
import { typicalSide } from './typicalSide.js'

/** What gives a run its maps, at work. */
export interface Explainer {
  /** Null where no classifier makes them, which then explain no class either. */
  readonly classifier: Omit<Classifier, 'bytes'> | null
  readonly target: Target['kind'] | null
  readonly logits: Target['logits']
  readonly estimator: Estimator
  /** Which model explains what, in one line. */
  readonly message: string
}

/**
 * Finds the model unless it is `given`, decides what its saliency explains, and starts it. Throws usage, model and device
 * errors.
 */
export async function startExplainer(
  config: Config,
  { root, sources, classes }: Pick<Inputs, 'root' | 'sources' | 'classes'>,
  attribution: Pick<SaliencyOptions, 'timesInput' | 'integrated'> = {},
  given?: Classifier,
): Promise<Explainer> {
  if (config.saliency === 'spectral') {
    refuseClassifier(config, attribution)
    const estimator = spectralEstimator(config.grid)
    const { width, height } = estimator.facts.grid
    return {
      classifier: null,
      target: null,
      logits: null,
      estimator,
      message: `no model, ${MAPS_OF.spectral} of ${width} x ${height}`,
    }
  }
  const side = config.model === 'auto' && !given ? await typicalSide(root, sources, config) : 0
  const classifier = given ?? (await resolveModel(config.model, classes, overridesOf(config), side))
  const target = await decideTarget(config, classifier, classes, sources)
  const options = { ...mapOptions({ ...config, saliency: config.saliency }), ...attribution }
  const estimator = await startEstimator(classifier, options, config, target.of)
  // A path of integrated gradients takes one picture at a time, whatever the model.
  const pacing = attribution.integrated === undefined ? pace(estimator.facts) : ''
  const pixels = scalingOf(classifier, estimator.facts)
  const message = `${describe(config, classifier, target.kind, estimator.facts)}${pixels}${pacing}`
  return { classifier, target: target.kind, logits: target.logits, estimator, message }
}

/** What the options say of the maps. */
function mapOptions(
  config: Config & { readonly saliency: ModelKind | 'auto' },
): Omit<SaliencyOptions, 'preprocessing' | 'width' | 'height' | 'target'> {
  const { saliency: kind, layer, grid, loss, channelNorm, blurKernel, blurSigma, output } = config
  const [width, height] = grid === undefined || grid === 'input' ? [] : parseSize(grid)
  return {
    kind,
    loss,
    channelNorm,
    blur: {
      ...(blurKernel !== undefined && { kernel: blurKernel }),
      ...(blurSigma !== undefined && { sigma: blurSigma }),
    },
    ...(layer !== undefined && { layer }),
    ...(grid === 'input' && { grid: 'input' }),
    ...(width && height && { grid: { width, height } }),
    ...(output !== undefined && { output }),
  }
}

/** What the options say of how the model's input is made, over what its .json does. */
export function overridesOf({
  mean,
  std,
  inputLayout,
  colorOrder,
  inputSize,
}: Pick<Config, 'mean' | 'std' | 'inputLayout' | 'colorOrder' | 'inputSize'>) {
  const [width, height] = inputSize === undefined ? [] : parseSize(inputSize)
  return {
    ...(mean && { mean }),
    ...(std && { std }),
    ...(inputLayout && { layout: inputLayout }),
    ...(colorOrder && { colorOrder }),
    ...(width && height && { width, height }),
  }
}

/** How its pixels are scaled, where that is not said by the options or beside the model. */
function scalingOf({ name, told }: Classifier, { scaling }: ModelFacts): string {
  if (told !== null) return `; its input as told by ${told}`
  if (scaling === 'given') return ''
  if (scaling === 'shown') return '; it is given pixels of 0 to 255, which it scales itself'
  const hint = `sage-augment inspect ${name} --try <images> finds out`
  return `; nothing tells how its pixels are scaled, ImageNet's mean and std are assumed (${hint})`
}

function pace({ fixedBatch, coupled }: ModelFacts): string {
  if (coupled) return '; pictures in one batch influence each other: 1 picture at a time'
  return fixedBatch === null ? '' : `; its batch is fixed: ${counted(fixedBatch, 'picture')} at a time`
}

const MAPS_OF: Record<SaliencyKind, string> = {
  cam: 'class activation maps',
  gradcam: 'Grad-CAM',
  layercam: 'LayerCAM',
  gradient: 'input gradients',
  spectral: 'spectral residuals',
}

function describe(
  config: Config,
  { name }: Classifier,
  target: 'label' | 'predicted',
  { kind, grid: { width, height } }: ModelFacts,
): string {
  const model = config.model === 'auto' && !config.adapt ? `model ${name} (chosen)` : `model ${name}`
  const why =
    config.target === 'auto' && target === 'predicted'
      ? ', as it does not know every class of the manifest (sage-augment adapt fits one that does)'
      : ''
  const of = target === 'label' ? 'the labels' : 'its own prediction'
  return `${model}, ${MAPS_OF[kind]} of ${width} x ${height}; saliency explains ${of}${why}`
}
