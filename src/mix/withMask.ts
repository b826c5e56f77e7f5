import { mean, type Plane } from '../core/plane.js'
import type { Sample } from '../core/sample.js'
import { blend } from './blend.js'
import type { Mixed } from './method.js'
import { inverse, onGrid, visibleShare } from './visibleShare.js'

/** The mix of two pictures that both stay in place, under a mask of their size; the label's shares are the mask's mean. */
export function withMask(sample: Sample, partner: Sample, mask: Plane, details: Mixed['details']): Mixed {
  const lambda = mean(mask)
  const image = blend(sample.image, partner.image, mask, 0, 0)
  return { image, weights: [lambda, 1 - lambda], mask, ...keptBy(sample, partner, mask), details }
}

function keptBy({ saliency: s1 }: Sample, { saliency: s2 }: Sample, mask: Plane): Pick<Mixed, 'kept'> {
  if (s1 === null || s2 === null) return {}
  const shows = onGrid(mask, s1.width, s1.height)
  const hidden = inverse(onGrid(mask, s2.width, s2.height))
  return { kept: [visibleShare(shows, s1, 0, 0), visibleShare(hidden, s2, 0, 0)] }
}
