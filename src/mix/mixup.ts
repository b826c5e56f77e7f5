import { drawLambda, mixupAlpha } from './drawLambda.js'
import type { Method } from './method.js'
import { withMask } from './withMask.js'

export interface MixupParameters {
  readonly mixupAlpha: number
}

/** Mixup (Zhang et al., ICLR 2018, arXiv 1710.09412): x' = lambda x1 + (1 - lambda) x2, lambda = Beta(a, a). */
export const mixup: Method<MixupParameters> = {
  parameters: { mixupAlpha },
  needsSaliency: () => false,
  mix([sample, partner], parameters, random) {
    const { width, height } = sample!.image
    const lambda = drawLambda(parameters.mixupAlpha, random)
    const mask = { data: new Float32Array(width * height).fill(lambda), width, height }
    return withMask(sample!, partner!, mask, { lambda })
  },
}
