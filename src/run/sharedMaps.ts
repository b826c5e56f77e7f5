/** Saliency maps that threads share. */
import type { Plane } from '../core/plane.js'

/** Maps of every picture, on one grid. */
export interface SharedMaps {
  /** float32 [pictures, height, width] */
  readonly data: SharedArrayBuffer
  readonly width: number
  readonly height: number
}

/** The map of a picture. */
export function mapOf({ data: buffer, width, height }: SharedMaps): (index: number) => Plane {
  const [all, cells] = [new Float32Array(buffer), width * height]
  return (index) => ({ data: all.subarray(index * cells, (index + 1) * cells), width, height })
}
