import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import { blockSums } from './blocks.js'

/** Side of the thumbnail whose spectrum is taken; the paper's 64 pixels. */
const SIDE = 64

/** cos and sin of half a turn times k / 32: all the roots of unity that a transform of 64 values needs. */
const COS = Float64Array.from({ length: SIDE / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / SIDE))
const SIN = Float64Array.from({ length: SIDE / 2 }, (_, k) => Math.sin((2 * Math.PI * k) / SIDE))

/**
 * What stands out of a picture without any model, 64 x 64, not normalised: with A and P amplitude and phase of the
 * thumbnail's spectrum and h a 3 x 3 mean, R = log A - h * log A and S = g * |F^-1(exp(R + iP))|^2, g a Gaussian of sigma
 * 2.5 pixels. Hou & Zhang, Saliency detection: a spectral residual approach, CVPR 2007.
 */
export function spectralResidual(image: Image): Plane {
  const real = thumbnail(image)
  const imaginary = new Float64Array(SIDE * SIDE)
  transform2d(real, imaginary, -1)
  const amplitude = real.map((re, i) => Math.hypot(re, imaginary[i]!))
  // An amplitude of exactly 0 has no logarithm; the floor lies far below the rounding of a byte picture's spectrum.
  const log = amplitude.map((a) => Math.log(a + 1e-9))
  const smooth = smoothed(log, Float64Array.of(1 / 3, 1 / 3, 1 / 3))
  for (let i = 0; i < real.length; i++) {
    const gain = Math.exp(log[i]! - smooth[i]!) / (amplitude[i]! + 1e-9)
    real[i]! *= gain
    imaginary[i]! *= gain
  }
  transform2d(real, imaginary, 1)
  const power = real.map((re, i) => re * re + imaginary[i]! * imaginary[i]!)
  return { data: Float32Array.from(smoothed(power, gaussian(2.5, 5))), width: SIDE, height: SIDE }
}

/** The picture's mean of red, green and blue, averaged down (or spread out) to 64 x 64. */
function thumbnail({ data, width, height }: Image): Float64Array {
  const grey = new Float32Array(width * height)
  for (let i = 0; i < grey.length; i++) grey[i] = data[3 * i]! + data[3 * i + 1]! + data[3 * i + 2]!
  const scale = (SIDE * SIDE) / (3 * width * height)
  return blockSums({ data: grey, width, height }, SIDE, SIDE).map((sum) => sum * scale)
}

function gaussian(sigma: number, reach: number): Float64Array {
  const taps = Float64Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)),
  )
  const sum = taps.reduce((total, tap) => total + tap, 0)
  return taps.map((tap) => tap / sum)
}

/** Convolution with `taps` along both sides, edges repeated. */
function smoothed(map: Float64Array, taps: Float64Array): Float64Array {
  return smoothedRows(smoothedRows(map, taps, 1, SIDE), taps, SIDE, 1)
}

function smoothedRows(map: Float64Array, taps: Float64Array, step: number, stride: number): Float64Array {
  const out = new Float64Array(SIDE * SIDE)
  const reach = (taps.length - 1) / 2
  for (let line = 0; line < SIDE; line++) {
    for (let i = 0; i < SIDE; i++) {
      let sum = 0
      for (let t = 0; t < taps.length; t++) {
        const at = Math.min(Math.max(i + t - reach, 0), SIDE - 1)
        sum += taps[t]! * map[line * stride + at * step]!
      }
      out[line * stride + i * step] = sum
    }
  }
  return out
}

/** Discrete Fourier transform of rows, then columns, in place and unscaled; `sign` -1 forward, 1 back. */
function transform2d(real: Float64Array, imaginary: Float64Array, sign: number): void {
  for (let line = 0; line < SIDE; line++) transform(real, imaginary, line * SIDE, 1, sign)
  for (let line = 0; line < SIDE; line++) transform(real, imaginary, line, SIDE, sign)
}

/** Radix-2 transform (Cooley & Tukey 1965) of the 64 values at start + i step, in place. */
function transform(real: Float64Array, imaginary: Float64Array, start: number, step: number, sign: number): void {
  for (let i = 0, j = 0; i < SIDE; i++) {
    if (i < j) {
      swap(real, start + i * step, start + j * step)
      swap(imaginary, start + i * step, start + j * step)
    }
    let bit = SIDE >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
  }
  for (let half = 1; half < SIDE; half *= 2) {
    for (let k = 0; k < half; k++) {
      const cos = COS[(k * SIDE) / (2 * half)]!
      const sin = sign * SIN[(k * SIDE) / (2 * half)]!
      for (let i = k; i < SIDE; i += 2 * half) {
        const p = start + i * step
        const q = p + half * step
        const re = real[q]! * cos - imaginary[q]! * sin
        const im = real[q]! * sin + imaginary[q]! * cos
        real[q] = real[p]! - re
        imaginary[q] = imaginary[p]! - im
        real[p]! += re
        imaginary[p]! += im
      }
    }
  }
}

function swap(values: Float64Array, i: number, j: number): void {
  const kept = values[i]!
  values[i] = values[j]!
  values[j] = kept
}
