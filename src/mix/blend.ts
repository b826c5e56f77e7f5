import { checkImage, type Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'

/**
 * `M x1 + (1 - M) T(x2)`, rounded to nearest: the sample through the mask, the partner moved by (dx, dy) pixels
 * (positive = right, down) under it. Where the moved partner does not cover a pixel, the mask must be 1.
 * All three of one size; throws RangeError otherwise.
 */
export function blend(sample: Image, partner: Image, mask: Plane, dx: number, dy: number): Image {
  const { width, height } = sample
  checkImage(sample)
  checkImage(partner)
  if (partner.width !== width || partner.height !== height || mask.width !== width || mask.height !== height) {
    throw new RangeError(`blend: expected partner and mask of ${width} x ${height}`)
  }
  const x1 = sample.data
  const x2 = partner.data
  const out = new Uint8Array(x1.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x
      const m = mask.data[pixel]!
      const covered = x - dx >= 0 && x - dx < width && y - dy >= 0 && y - dy < height
      const at = pixel * 3
      const from = covered ? at - (dy * width + dx) * 3 : at
      for (let c = 0; c < 3; c++) out[at + c] = Math.floor(m * x1[at + c]! + (1 - m) * x2[from + c]! + 0.5)
    }
  }
  return { data: out, width, height }
}

/** Sets the mask to 1 where a partner moved by (dx, dy) pixels does not cover the canvas: padding never shows. */
export function keepUncovered(mask: Plane, dx: number, dy: number): void {
  const { data, width, height } = mask
  for (let y = 0; y < height; y++) {
    const rowCovered = y - dy >= 0 && y - dy < height
    for (let x = 0; x < width; x++) {
      if (!rowCovered || x - dx < 0 || x - dx >= width) data[y * width + x] = 1
    }
  }
}
