import type { Method } from './method.js'
import { withMask } from './withMask.js'

export interface SmoothmixParameters {
  readonly sigmaLow: number
  readonly sigmaHigh: number
}

const range = { low: 0.01, high: 10 } as const

/**
 * SmoothMix (Lee et al., CVPR workshops 2020), its circle: x' = G x1 + (1 - G) x2 with
 * G = exp(-((x - x0)^2 + (y - y0)^2) / (2 sigma^2)), the centre uniform over the picture and sigma uniform between its
 * bounds, by default those of the reproduction in OpenMixup; lambda is the mean of G. No edge is hard enough to become a
 * feature. `details`: centre in pixels, sigma in pixels.
 */
export const smoothmix: Method<SmoothmixParameters> = {
  parameters: {
    sigmaLow: { ...range, default: 0.25, description: 'smallest sigma of the circle, as a share of the shorter side' },
    sigmaHigh: { ...range, default: 0.5, description: 'largest sigma of the circle, as a share of the shorter side' },
  },
  needsSaliency: () => false,
  mix([sample, partner], { sigmaLow, sigmaHigh }, random) {
    const { width, height } = sample!.image
    const centre = [width * random.uniform(), height * random.uniform()] as const
    const sigma = (sigmaLow + (sigmaHigh - sigmaLow) * random.uniform()) * Math.min(width, height)
    const columns = bell(width, centre[0], sigma)
    const rows = bell(height, centre[1], sigma)
    const data = new Float32Array(width * height)
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) data[y * width + x] = rows[y]! * columns[x]!
    }
    return withMask(sample!, partner!, { data, width, height }, { centre, sigma })
  },
}

/** exp(-(i + 1/2 - centre)^2 / (2 sigma^2)) at the pixels 0 to length - 1. */
function bell(length: number, centre: number, sigma: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => Math.exp(-((i + 0.5 - centre) ** 2) / (2 * sigma * sigma)))
}
