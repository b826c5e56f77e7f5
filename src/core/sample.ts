import type { Image } from './image.js'
import type { Plane } from './plane.js'

/** A picture as a mixing method sees it: on the pair's canvas, with its saliency map on the run's grid. */
export interface Sample {
  readonly image: Image
  /** Non-negative, sums to 1; null for methods that need none. */
  readonly saliency: Plane | null
}
