import { checkMaps } from './checkMaps.js'
import { coveredBy, translate } from './translate.js'

/**
 * The weight M of the sample at every pixel, in [0, 1], row-major, width x height: a / (a + b) where the partner, moved
 * by (dx, dy), whole pixels or not, covers the middle of the pixel (`alpha` if both saliencies are 0 there), 1 where it does
 * not. `a` = alpha s1 and `b` = (1 - alpha) s2 are the weighted saliency maps; throws RangeError if they are not finite and
 * non-negative.
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
  const moved = translate(b, width, height, dx, dy)
  const [left, right] = coveredBy(dx, width)
  const [top, bottom] = coveredBy(dy, height)
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const p = a[y * width + x]!
      const sum = p + moved[y * width + x]!
      weights[y * width + x] = sum > 0 ? p / sum : alpha
    }
  }
  return weights
}
