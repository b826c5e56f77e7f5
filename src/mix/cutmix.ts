import type { Random } from '../core/random.js'
import { type Box, boxDetail, maskAround } from './box.js'
import { drawLambda, mixupAlpha } from './drawLambda.js'
import type { Method } from './method.js'
import { withMask } from './withMask.js'

export interface CutmixParameters {
  readonly mixupAlpha: number
}

/**
 * CutMix (Yun et al., ICCV 2019, arXiv 1905.04899): a box of the partner, width W sqrt(1 - lambda), height
 * H sqrt(1 - lambda), lambda = Beta(a, a), centred anywhere with the same probability, replaces the same box of the
 * sample. What hangs over the frame is cut off; the label follows the area that is left. `details`: lambda as drawn, box
 * [left, top, width, height].
 */
export const cutmix: Method<CutmixParameters> = {
  parameters: { mixupAlpha },
  needsSaliency: () => false,
  mix([sample, partner], parameters, random) {
    const { width, height } = sample!.image
    const lambda = drawLambda(parameters.mixupAlpha, random)
    const box = drawBox(lambda, width, height, random)
    return withMask(sample!, partner!, maskAround(box, width, height), { lambda, box: boxDetail(box) })
  },
}

function drawBox(lambda: number, width: number, height: number, random: Random): Box {
  const scale = Math.sqrt(1 - lambda)
  const [left, right] = clippedSpan(width * random.uniform(), width * scale, width)
  const [top, bottom] = clippedSpan(height * random.uniform(), height * scale, height)
  return { left, top, right, bottom }
}

/** The whole pixels of a span of `length` around `centre` that lie in [0, limit). */
function clippedSpan(centre: number, length: number, limit: number): [number, number] {
  return [Math.max(0, Math.round(centre - length / 2)), Math.min(limit, Math.round(centre + length / 2))]
}
