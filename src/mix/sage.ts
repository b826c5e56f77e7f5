import type { Image } from '../core/image.js'
import { mean, type Plane, resample } from '../core/plane.js'
import type { Random } from '../core/random.js'
import { bestShift } from '../rearrange/bestShift.js'
import { mask as saliencyMask } from '../rearrange/mask.js'
import { sampleShift } from '../rearrange/sampleShift.js'
import { totalSaliency } from '../rearrange/totalSaliency.js'
import { translate } from '../rearrange/translate.js'
import { blend, keepUncovered } from './blend.js'
import { drawLambda, mixupAlpha } from './drawLambda.js'
import { type Method, type Mixed, saliencyOf } from './method.js'
import { inverse, visibleShare } from './visibleShare.js'

export interface SageParameters {
  /** m of `alpha = Beta(m, m) upperLambda`; 0 means alpha = upperLambda / 2. */
  readonly mixupAlpha: number
  /** Largest saliency weight of the sample, in (0, 1). */
  readonly upperLambda: number
  /** All shifts, none, or the paper's random fraction of them. */
  readonly shift: 'exact' | 'none' | { readonly sample: number }
  /** How far apart the shifts that are searched are, in canvas pixels; a cell of the saliency maps where not given. */
  readonly shiftStep?: number
  /** Saliency weight and shift (in canvas pixels) of an explicit pair, instead of drawn and found ones. */
  readonly fixed?: { readonly alpha?: number; readonly shift?: readonly [number, number] }
}

/**
 * SAGE (Ma et al., BMVC 2022, arXiv 2211.00113): mixes two pictures pixel by pixel in the ratio of their saliencies, after
 * the partner has moved to where the mix keeps the most. `details`: alpha, shift [dx, dy] in canvas pixels, grid [w, h] of
 * the saliency maps, total saliency at that shift and at none.
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
    const canvas = sample!.image
    const [dx, dy] = parameters.fixed?.shift ?? findShift({ a, b, width, height }, canvas, parameters, random)
    // What a cell of the grid is in pixels need not be whole: the mask follows the shift that is carried out.
    const [gridX, gridY] = [(dx * width) / canvas.width, (dy * height) / canvas.height]
    const gridMask: Plane = { data: saliencyMask(a, b, width, height, gridX, gridY, alpha), width, height }
    const mask = resample(gridMask, canvas.width, canvas.height)
    keepUncovered(mask, dx, dy)
    const lambda = mean(mask)
    const moved = (map: Float32Array) => translate(map, width, height, gridX, gridY)
    return {
      image: blend(canvas, partner!.image, mask, dx, dy),
      weights: [lambda, 1 - lambda],
      mask,
      kept: [
        visibleShare(gridMask, s1, 0, 0),
        visibleShare(inverse(gridMask), { data: moved(s2.data), width, height }, 0, 0),
      ],
      details: {
        alpha,
        shift: [dx, dy],
        grid: [width, height],
        total_saliency: totalSaliency(a, moved(b), width, height, 0, 0),
        total_saliency_unshifted: totalSaliency(a, b, width, height, 0, 0),
      },
    } satisfies Mixed
  },
}

/** Two weighted saliency maps of one size. */
interface Maps {
  readonly a: Float32Array
  readonly b: Float32Array
  readonly width: number
  readonly height: number
}

/** The shift to make, in canvas pixels: searched in steps of a cell, or of the given number of pixels. */
function findShift(
  maps: Maps,
  canvas: Image,
  { shift, shiftStep }: SageParameters,
  random: Random,
): readonly [number, number] {
  if (shift === 'none') return [0, 0]
  const { a, b, width, height } = shiftStep === undefined ? maps : stepped(maps, canvas, shiftStep)
  const { dx, dy } =
    shift === 'exact' ? bestShift(a, b, width, height) : sampleShift(a, b, width, height, shift.sample, random)
  return [Math.round((dx * canvas.width) / width), Math.round((dy * canvas.height) / height)]
}

/** The maps with cells of `step` canvas pixels, or the nearest that go into the canvas. */
function stepped({ a, b, width, height }: Maps, canvas: Image, step: number): Maps {
  const columns = Math.max(1, Math.round(canvas.width / step))
  const rows = Math.max(1, Math.round(canvas.height / step))
  const fine = (data: Float32Array) => resample({ data, width, height }, columns, rows).data
  return { a: fine(a), b: fine(b), width: columns, height: rows }
}
