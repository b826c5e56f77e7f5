import { checkImage, type Image } from '../core/image.js'

/** A resampling filter: zero beyond `support` input pixels (output pixels, when shrinking). */
export interface Kernel {
  readonly support: number
  readonly at: (x: number) => number
}

/** What classifiers are trained with: "bilinear" in Pillow and, with antialiasing, in torchvision. */
export const TRIANGLE: Kernel = { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) }

/** Lanczos with three lobes, for pictures that are looked at. */
export const LANCZOS3: Kernel = { support: 3, at: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) }

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}

/** The part of a picture that is resampled, in pixels, fractions included. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/**
 * Resamples `box` of `image` to `width` x `height` by a separable filter, widened by the factor of shrinking so that
 * nothing aliases; pixel centres are at half integers and weights beyond the picture's edge are left out. In floats until
 * the one rounding at the end, so the result does not depend on the machine. (libvips, when it enlarges, is off by half
 * an output pixel: a picture and its mirror image then give different results.)
 */
export function resample(image: Image, box: Box, width: number, height: number, kernel: Kernel): Image {
  checkImage(image)
  const columns = tapsOf(image.width, box.left, box.width, width, kernel)
  const rows = tapsOf(image.height, box.top, box.height, height, kernel)
  return { data: resampleRows(resampleColumns(image, columns, width), width * 3, rows, height), width, height }
}

/** Output i is the sum over k < `count[i]` of `weights[i * size + k]` times input `first[i] + k`. */
interface Taps {
  readonly size: number
  readonly first: Int32Array
  readonly count: Int32Array
  readonly weights: Float64Array
}

function tapsOf(inputs: number, start: number, length: number, outputs: number, kernel: Kernel): Taps {
  const scale = length / outputs
  const stretch = Math.max(scale, 1)
  const size = Math.ceil(kernel.support * stretch) * 2 + 1
  const first = new Int32Array(outputs)
  const count = new Int32Array(outputs)
  const weights = new Float64Array(outputs * size)
  for (let i = 0; i < outputs; i++) {
    const centre = start + (i + 0.5) * scale
    const low = Math.max(0, Math.round(centre - kernel.support * stretch))
    const high = Math.min(inputs, Math.round(centre + kernel.support * stretch))
    let sum = 0
    for (let x = low; x < high; x++) {
      const weight = kernel.at((x + 0.5 - centre) / stretch)
      weights[i * size + x - low] = weight
      sum += weight
    }
    for (let k = 0; k < high - low; k++) weights[i * size + k]! /= sum
    first[i] = low
    count[i] = high - low
  }
  return { size, first, count, weights }
}

/** Every row of the picture at the new width: [image.height, width, 3] floats. */
function resampleColumns(image: Image, { size, first, count, weights }: Taps, width: number): Float32Array {
  const { data, height } = image
  const result = new Float32Array(width * height * 3)
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < width; x++, out += 3) {
      let red = 0
      let green = 0
      let blue = 0
      let at = (y * image.width + first[x]!) * 3
      for (let k = x * size, end = k + count[x]!; k < end; k++, at += 3) {
        const weight = weights[k]!
        red += weight * data[at]!
        green += weight * data[at + 1]!
        blue += weight * data[at + 2]!
      }
      result[out] = red
      result[out + 1] = green
      result[out + 2] = blue
    }
  }
  return result
}

/** Rows of `stride` floats to `height` rows of bytes, rounded to nearest and clamped. */
function resampleRows(rows: Float32Array, stride: number, taps: Taps, height: number): Uint8Array {
  // Clamped to 0 .. 255 by the array; its ties go to even.
  const result = new Uint8ClampedArray(stride * height)
  const sums = new Float64Array(stride)
  for (let y = 0; y < height; y++) {
    sums.fill(0)
    for (let k = 0; k < taps.count[y]!; k++) {
      const weight = taps.weights[y * taps.size + k]!
      const from = (taps.first[y]! + k) * stride
      for (let i = 0; i < stride; i++) sums[i]! += weight * rows[from + i]!
    }
    result.set(sums, y * stride)
  }
  return new Uint8Array(result.buffer)
}
