import type { Preprocessing } from '../classifiers/preprocessing.js'

/** ITU-R 601, of a network that sees grey. */
const LUMA = [0.299, 0.587, 0.114] as const

/**
 * 8-bit pictures [count, height, width, 3] as a network takes them: (pixel scale - mean) / std in its layout and order of
 * colours; the luma where it has one channel.
 */
export function networkInput(
  pixels: Uint8Array,
  count: number,
  { width, height, channels }: { readonly width: number; readonly height: number; readonly channels: number },
  { mean, std, scale, layout, colorOrder }: Preprocessing,
): Float32Array {
  const area = width * height
  const result = new Float32Array(count * channels * area)
  for (let channel = 0; channel < channels; channel++) {
    const [m, s] = [mean[channel]!, std[channel]!]
    const source = colorOrder === 'bgr' ? 2 - channel : channel
    const [step, start] = layout === 'nchw' ? [1, channel * area] : [channels, channel]
    for (let i = 0; i < count; i++) {
      let [from, to] = [3 * i * area, i * channels * area + start]
      for (let p = 0; p < area; p++, from += 3, to += step) {
        const value =
          channels === 1
            ? LUMA[0] * pixels[from]! + LUMA[1] * pixels[from + 1]! + LUMA[2] * pixels[from + 2]!
            : pixels[from + source]!
        result[to] = (value * scale - m) / s
      }
    }
  }
  return result
}
