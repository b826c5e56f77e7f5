import { resizeToCover } from '../codec/codec.js'
import type { Image } from '../core/image.js'

/**
 * Pictures in a row, each `height` pixels high at its own aspect ratio, `gap` pixels apart on mid-grey, which shows the
 * edges of white ones and of black ones.
 */
export async function beside(images: readonly Image[], height: number, gap: number): Promise<Image> {
  const scaled = await Promise.all(
    images.map((image) => resizeToCover(image, Math.max(1, Math.round((image.width * height) / image.height)), height)),
  )
  const width = scaled.reduce((sum, image) => sum + image.width, gap * (images.length - 1))
  const data = new Uint8Array(width * height * 3).fill(128)
  let left = 0
  for (const image of scaled) {
    const stride = image.width * 3
    for (let y = 0; y < height; y++) {
      data.set(image.data.subarray(y * stride, (y + 1) * stride), (y * width + left) * 3)
    }
    left += image.width + gap
  }
  return { data, width, height }
}
