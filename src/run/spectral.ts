/** Saliency maps that no classifier makes: `--saliency spectral`. */
import { AugmentError } from '../core/errors.js'
import { flagOf } from '../core/flag.js'
import { parseSize } from '../core/size.js'
import { blockSums } from '../mix/blocks.js'
import { spectralResidual } from '../mix/spectralResidual.js'
import { saliencyOptions } from '../options/saliency.js'
import type { SaliencyOptions } from '../saliency/saliencyModel.js'
import type { Config } from './config.js'
import type { Estimator } from './estimator.js'

/** Columns and rows of a map unless a grid is given. */
const CELLS = 32

/** Side of the thumbnail that is looked at. */
const SIDE = 64

/** What is said of a classifier, of its maps or of their blur, which the detector has of its own. */
const OF_CLASSIFIERS = [
  ...['model', 'layer', 'loss', 'channelNorm', 'output', 'mean', 'std', 'inputLayout', 'colorOrder', 'inputSize'],
  ...['classMap', 'exact', 'blurSigma', 'blurKernel'],
] as const

/** Throws a usage error that names every option that has no meaning without a classifier. */
export function refuseClassifier(config: Config, { timesInput, integrated }: Attribution): void {
  const given = config as Readonly<Record<string, unknown>>
  const isGiven = (name: string) => {
    const { default: usual } = (saliencyOptions as Readonly<Record<string, { default?: unknown }>>)[name]!
    return given[name] !== undefined && given[name] !== false && given[name] !== usual
  }
  const wrong = OF_CLASSIFIERS.filter(isGiven).map(flagOf)
  if (timesInput) wrong.push('--times-input')
  if (integrated !== undefined) wrong.push('--integrated')
  if (config.target === 'label') wrong.push('--target label')
  if (config.grid === 'input') wrong.push('--grid input')
  if (config.device !== 'auto' && config.device !== 'cpu') wrong.push(`--device ${config.device}`)
  if (wrong.length === 0) return
  const line = (option: string) =>
    `${option}: found --saliency spectral, which runs no classifier, expected another kind`
  throw new AugmentError('usage', wrong.map(line).join('\n'))
}

type Attribution = Pick<SaliencyOptions, 'timesInput' | 'integrated'>

/**
 * Spectral residuals (see spectralResidual) on a grid of 32 x 32 cells or the one that is asked for; a map is uniform where the
 * picture is of one colour.
 */
export function spectralEstimator(grid?: string): Estimator {
  const [width, height] = grid === undefined ? [CELLS, CELLS] : parseSize(grid)
  return {
    facts: {
      ...{ device: null, preprocessing: null, kind: 'spectral', layer: null },
      ...{ width: SIDE, height: SIDE, grid: { width, height } },
    },
    batch: 1,
    async estimate(_, image) {
      const sums = blockSums(spectralResidual(image), width, height)
      const total = sums.reduce((a, b) => a + b, 0)
      const uniform = image.data.every((value, i) => value === image.data[i % 3])
      const data = Float32Array.from(sums, (sum) => (uniform ? 1 / sums.length : sum / total))
      return { saliency: { data, width, height }, uniform }
    },
    async close() {},
    told: () => null,
  }
}
