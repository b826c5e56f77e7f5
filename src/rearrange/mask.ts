import { checkMaps } from './checkMaps.js'

/**
 * The weight M of the sample at every pixel, in [0, 1], row-major, width x height: a / (a + b) where the partner, moved
 * by (dx, dy), covers the pixel (`alpha` if both saliencies are 0 there), 1 where it does not. `a` = alpha s1 and
 * `b` = (1 - alpha) s2 are the weighted saliency maps; throws RangeError if they are not finite and non-negative.
 */
export function mask(
  a: Float32Array,
  b: Float32Array,
  width: number,
  height: number,
  dx: number,
  dy: number,
  alpha: number,
): Float32Array {
  checkMaps(a, b, width, height)
  const weights = new Float32Array(width * height).fill(1)
  const left = Math.max(0, dx)
  const right = Math.min(width, width + dx)
  const bottom = Math.min(height, height + dy)
  for (let y = Math.max(0, dy); y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const p = a[y * width + x]!
      const sum = p + b[(y - dy) * width + x - dx]!
      weights[y * width + x] = sum > 0 ? p / sum : alpha
    }
  }
  return weights
}
