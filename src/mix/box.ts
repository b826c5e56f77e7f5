import type { Plane } from '../core/plane.js'

/** A box of whole pixels: columns left to right - 1, rows top to bottom - 1. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** The mask of a picture with a hole: 0 in the box, 1 around it. */
export function maskAround(box: Box, width: number, height: number): Plane {
  const data = new Float32Array(width * height).fill(1)
  for (let y = box.top; y < box.bottom; y++) data.fill(0, y * width + box.left, y * width + box.right)
  return { data, width, height }
}

/** [left, top, width, height], as provenance records a box. */
export function boxDetail({ left, top, right, bottom }: Box): readonly number[] {
  return [left, top, right - left, bottom - top]
}
