import { mean, type Plane, resample } from '../core/plane.js'
import type { Random } from '../core/random.js'
import { bestShift } from '../rearrange/bestShift.js'
import { mask as saliencyMask } from '../rearrange/mask.js'
import { sampleShift } from '../rearrange/sampleShift.js'
import { totalSaliency } from '../rearrange/totalSaliency.js'
import { blend, keepUncovered } from './blend.js'
import { drawLambda, mixupAlpha } from './drawLambda.js'
import { inverse, keptShare } from './kept.js'
import { type Method, type Mixed, saliencyOf } from './method.js'

export interface SageParameters {
  /** m of `alpha = Beta(m, m) upperLambda`; 0 means alpha = upperLambda / 2. */
  readonly mixupAlpha: number
  /** Largest saliency weight of the sample, in (0, 1). */
  readonly upperLambda: number
  /** All shifts, none, or the paper's random fraction of them. */
  readonly shift: 'exact' | 'none' | { readonly sample: number }
  /** Saliency weight and shift of an explicit pair, instead of drawn and found ones. */
  readonly fixed?: { readonly alpha?: number; readonly shift?: readonly [number, number] }
}

/**
 * SAGE (Ma et al., BMVC 2022, arXiv 2211.00113): mixes two pictures pixel by pixel in the ratio of their saliencies, after
 * the partner has moved to where the mix keeps the most. `details`: alpha, shift [dx, dy] and grid [w, h] it is given on,
 * offset (the shift in canvas pixels), total saliency at that shift and at none.
 */
export const sage: Method<SageParameters> = {
  parameters: {
    mixupAlpha: { ...mixupAlpha, description: 'm of alpha = Beta(m, m) u, u the upper lambda; 0 means u / 2' },
    upperLambda: { default: 0.6, low: 0.001, high: 0.999, description: 'u, the largest saliency weight of the sample' },
  },
  needsSaliency: () => true,
  mix([sample, partner], parameters, random) {
    const s1 = saliencyOf(sample!)
    const s2 = saliencyOf(partner!)
    const { width, height } = s1
    // Both are always drawn, so that fixing one does not change what the other would have been.
    const drawn = parameters.upperLambda * drawLambda(parameters.mixupAlpha, random)
    const alpha = parameters.fixed?.alpha ?? drawn
    const a = s1.data.map((s) => alpha * s)
    const b = s2.data.map((s) => (1 - alpha) * s)
    const [dx, dy] = parameters.fixed?.shift ?? findShift(a, b, width, height, parameters.shift, random)
    const gridMask: Plane = { data: saliencyMask(a, b, width, height, dx, dy, alpha), width, height }

    const canvas = sample!.image
    const offsetX = Math.round((dx * canvas.width) / width)
    const offsetY = Math.round((dy * canvas.height) / height)
    const mask = resample(gridMask, canvas.width, canvas.height)
    keepUncovered(mask, offsetX, offsetY)
    const lambda = mean(mask)
    return {
      image: blend(canvas, partner!.image, mask, offsetX, offsetY),
      weights: [lambda, 1 - lambda],
      mask,
      kept: [keptShare(gridMask, s1, 0, 0), keptShare(inverse(gridMask), s2, dx, dy)],
      details: {
        alpha,
        shift: [dx, dy],
        grid: [width, height],
        offset: [offsetX, offsetY],
        total_saliency: totalSaliency(a, b, width, height, dx, dy),
        total_saliency_unshifted: totalSaliency(a, b, width, height, 0, 0),
      },
    } satisfies Mixed
  },
}

function findShift(
  a: Float32Array,
  b: Float32Array,
  width: number,
  height: number,
  shift: SageParameters['shift'],
  random: Random,
): readonly [number, number] {
  if (shift === 'none') return [0, 0]
  const { dx, dy } =
    shift === 'exact' ? bestShift(a, b, width, height) : sampleShift(a, b, width, height, shift.sample, random)
  return [dx, dy]
}
