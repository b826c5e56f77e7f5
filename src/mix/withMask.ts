import { mean, type Plane } from '../core/plane.js'
import type { Sample } from '../core/sample.js'
import { blend } from './blend.js'
import type { Mixed } from './method.js'

/** The mix of two pictures that both stay in place, under a mask of their size; the label's shares are the mask's mean. */
export function withMask(sample: Sample, partner: Sample, mask: Plane, details: Mixed['details']): Mixed {
  const lambda = mean(mask)
  return { image: blend(sample.image, partner.image, mask, 0, 0), weights: [lambda, 1 - lambda], mask, details }
}
