import type { Plane } from '../core/plane.js'
import type { Sample } from '../core/sample.js'
import { type Box, boxDetail, maskAround } from './box.js'
import { drawLambda, mixupAlpha } from './drawLambda.js'
import { type Method, saliencyOf } from './method.js'
import { spectralResidual } from './spectralResidual.js'
import { withMask } from './withMask.js'

export interface SaliencymixParameters {
  readonly mixupAlpha: number
  readonly detector: 'gradient' | 'spectral-residual'
}

/**
 * SaliencyMix (Uddin et al., ICLR 2021, arXiv 2006.01791): as CutMix, but the box lies around the most salient pixel of
 * the partner, moved inwards where it would hang over the frame, and lands at the same place in the sample. The paper's
 * detector looks at the picture alone; here it is the map of the classifier's gradient, or the spectral residual, which
 * needs no model. `details`: lambda as drawn, box [left, top, width, height], peak [x, y] in pixels.
 */
export const saliencymix: Method<SaliencymixParameters> = {
  parameters: {
    mixupAlpha,
    detector: {
      default: 'gradient',
      choices: ['gradient', 'spectral-residual'],
      description: 'how to find where the partner is most salient; spectral-residual needs no model',
    },
  },
  needsSaliency: ({ detector }) => detector === 'gradient',
  mix([sample, partner], parameters, random) {
    const { width, height } = sample!.image
    const lambda = drawLambda(parameters.mixupAlpha, random)
    const [x, y] = peakOf(detect(partner!, parameters.detector), width, height)
    const scale = Math.sqrt(1 - lambda)
    const [left, right] = spanInside(x, Math.round(width * scale), width)
    const [top, bottom] = spanInside(y, Math.round(height * scale), height)
    const box: Box = { left, top, right, bottom }
    return withMask(sample!, partner!, maskAround(box, width, height), { lambda, box: boxDetail(box), peak: [x, y] })
  },
}

function detect(partner: Sample, detector: SaliencymixParameters['detector']): Plane {
  return detector === 'gradient' ? saliencyOf(partner) : spectralResidual(partner.image)
}

/** The pixel of the canvas under the middle of the map's greatest value; the first in reading order among equals. */
function peakOf(map: Plane, width: number, height: number): [x: number, y: number] {
  let peak = 0
  for (let i = 1; i < map.data.length; i++) if (map.data[i]! > map.data[peak]!) peak = i
  const x = (peak % map.width) + 0.5
  const y = Math.floor(peak / map.width) + 0.5
  return [Math.floor((x * width) / map.width), Math.floor((y * height) / map.height)]
}

/** `length` pixels of [0, limit) around pixel `centre`, as near to centred on it as the limits allow. */
function spanInside(centre: number, length: number, limit: number): [number, number] {
  const start = Math.min(Math.max(0, Math.ceil(centre - length / 2)), limit - length)
  return [start, start + length]
}
