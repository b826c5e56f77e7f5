import type { Plane } from '../core/plane.js'
import { blockSums } from './blocks.js'

/** sum of weights . saliency with the map moved by (dx, dy): how much of it shows. Both planes of one size. */
export function visibleShare(weights: Plane, saliency: Plane, dx: number, dy: number): number {
  const { width, height } = weights
  let kept = 0
  for (let y = Math.max(0, dy); y < Math.min(height, height + dy); y++) {
    for (let x = Math.max(0, dx); x < Math.min(width, width + dx); x++) {
      kept += weights.data[y * width + x]! * saliency.data[(y - dy) * width + x - dx]!
    }
  }
  return kept
}

/** The mean of a mask over each pixel of a grid of another size. */
export function onGrid(mask: Plane, width: number, height: number): Plane {
  if (mask.width === width && mask.height === height) return mask
  const cell = (mask.width / width) * (mask.height / height)
  return { data: Float32Array.from(blockSums(mask, width, height), (sum) => sum / cell), width, height }
}

/** What is left to the partner. */
export function inverse({ data, width, height }: Plane): Plane {
  return { data: data.map((weight) => 1 - weight), width, height }
}
