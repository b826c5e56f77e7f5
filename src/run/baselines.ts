/** What maps are compared with: those that know no class. */
import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import { spectralEstimator } from './spectral.js'

/** A Gaussian in the middle, sigma a quarter of the side. */
const CENTER: Plane = {
  data: Float32Array.from({ length: 32 * 32 }, (_, i) => {
    const [x, y] = [(i % 32) - 15.5, Math.floor(i / 32) - 15.5]
    return Math.exp(-(x * x + y * y) / (2 * 8 * 8))
  }),
  width: 32,
  height: 32,
}

const spectral = spectralEstimator()

/** The map of a picture by each of them. */
export const BASELINES: Readonly<Record<string, (source: number, image: Image) => Promise<Plane>>> = {
  spectral: async (source, image) => (await spectral.estimate(source, image)).saliency,
  center: async () => CENTER,
}
