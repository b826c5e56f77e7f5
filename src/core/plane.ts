/** A single-channel float map, row-major: pixel (x, y) is `data[y * width + x]`. Saliency maps and masks are planes. */
export interface Plane {
  readonly data: Float32Array
  readonly width: number
  readonly height: number
}
