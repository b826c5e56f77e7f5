// A lower bound on the overlap of `a` and the moved `b`, for every shift at once (see exponentialSum.ts): with z = a + ib
// and b reversed, the imaginary part of z convolved with itself is twice the correlation of a and b, so that one complex
// FFT serves both maps and no spectrum is ever read backwards.
//
// Layouts. The `spectra` and `sum` planes hold groups of four neighbouring rows of the transposed picture; a group is
// one row of points (fft.ts), ready for the FFT of the other direction.

import { decimate, POINT, restore } from './fft'

/** exp(-rate value) of `bytes` of a padded map, a multiple of 16; 0 where the exponent is below -16. */
export function decay(map: usize, bytes: usize, rate: f32, to: usize): void {
  const rates = f32x4.splat(rate)
  const limit = f32x4.splat(16)
  const shifter = f32x4.splat(12583039)
  for (const end = map + bytes; map < end; map += 16) {
    const y = f32x4.mul(v128.load(map), rates)
    const t = f32x4.pmin(y, limit)
    // exp(-t) = 2^n exp(r), |r| <= ln 2 / 2. Added to 1.5 * 2^23 + 127, n rounds to an integer and the lowest bits are
    // the exponent of 2^n. The polynomial is minimax, with a relative error of 1e-7.
    const shifted = f32x4.sub(shifter, f32x4.mul(t, f32x4.splat(1.4426950408889634)))
    const n = f32x4.sub(shifted, shifter)
    const r = f32x4.neg(f32x4.add(t, f32x4.mul(n, f32x4.splat(0.6931471805599453))))
    let p = f32x4.add(f32x4.mul(r, f32x4.splat(0.00832149594)), f32x4.splat(0.0418904515))
    p = f32x4.add(f32x4.mul(r, p), f32x4.splat(0.166670101))
    p = f32x4.add(f32x4.mul(r, p), f32x4.splat(0.499992313))
    p = f32x4.add(r, f32x4.mul(f32x4.mul(r, r), p))
    p = f32x4.add(p, f32x4.splat(1))
    v128.store(to, v128.and(f32x4.mul(p, i32x4.shl(shifted, 23)), f32x4.lt(y, limit)))
    to += 16
  }
}

// @ts-ignore: decorator
@inline
function power(base: v128, exponent: i32): v128 {
  let result = exponent & 1 ? base : f32x4.splat(1)
  while ((exponent >>= 1) != 0) {
    base = f32x4.mul(base, base)
    if (exponent & 1) result = f32x4.mul(result, base)
  }
  return result
}

// @ts-ignore: decorator
@inline
function total(v: v128): f64 {
  return (
    f64(f32x4.extract_lane(v, 0)) +
    f64(f32x4.extract_lane(v, 1)) +
    f64(f32x4.extract_lane(v, 2)) +
    f64(f32x4.extract_lane(v, 3))
  )
}

/**
 * Writes scale * value * decay^use of `rows` quadruples of a map's columns to every second 16 bytes from `to`, and
 * raises the decays to the power `keep`; returns the sum of the squares.
 */
function dampColumns(
  map: usize,
  decays: usize,
  stride: usize,
  rows: i32,
  scale: f32,
  use: i32,
  keep: i32,
  to: usize,
): f64 {
  const scales = f32x4.splat(scale)
  let squares = f32x4.splat(0)
  for (let y = 0; y < rows; y++) {
    const decay = v128.load(decays)
    const value = f32x4.mul(f32x4.mul(scales, v128.load(map)), power(decay, use))
    if (keep > 1) v128.store(decays, power(decay, keep))
    v128.store(to, value)
    squares = f32x4.add(squares, f32x4.mul(value, value))
    map += stride
    decays += stride
    to += POINT
  }
  return total(squares)
}

function zeroFrom(point: i32, points: i32, base: usize): void {
  const zero = f32x4.splat(0)
  for (let p = base + usize(point) * POINT, end = base + usize(points) * POINT; p < end; p += POINT) {
    v128.store(p, zero)
  }
}

/** Four points' quadruples at `from`, transposed, to four points at `to`; `offset` 0 for real, 16 for imaginary parts. */
// @ts-ignore: decorator
@inline
function transpose(from: usize, to: usize): void {
  const a = v128.load(from)
  const b = v128.load(from, 32)
  const c = v128.load(from, 64)
  const d = v128.load(from, 96)
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5)
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5)
  const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7)
  const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5))
  v128.store(to, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 32)
  v128.store(to, v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5), 64)
  v128.store(to, v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7), 96)
}

/**
 * Transforms z = aScale a d^use + i bScale b d^use along y, d being the decays of a and of the reversed b, which it then
 * raises to the power `keep`; `spectra` takes the result, ready for the transform along x. Returns the sum of |z|^2.
 */
export function transformColumns(
  a: usize,
  aDecays: usize,
  aWidth: i32,
  aHeight: i32,
  aScale: f32,
  b: usize,
  bDecays: usize,
  bWidth: i32,
  bHeight: i32,
  bScale: f32,
  stride: usize,
  use: i32,
  keep: i32,
  scratch: usize,
  spectra: usize,
  pointsX: i32,
  pointsY: i32,
  twiddles: usize,
): f64 {
  const columns = max(aWidth, bWidth)
  const end = scratch + usize(pointsY) * POINT
  const group = usize(pointsX) * POINT
  let squares = 0.0
  for (let x = 0; x < columns; x += 4) {
    const aRows = x < aWidth ? aHeight : 0
    const bRows = x < bWidth ? bHeight : 0
    const column = usize(x) * 4
    squares += dampColumns(a + column, aDecays + column, stride, aRows, aScale, use, keep, scratch)
    squares += dampColumns(b + column, bDecays + column, stride, bRows, bScale, use, keep, scratch + 16)
    zeroFrom(aRows, pointsY, scratch)
    zeroFrom(bRows, pointsY, scratch + 16)
    decimate(scratch, end, pointsY, twiddles)
    let to = spectra + usize(x) * POINT
    for (let from = scratch; from < end; from += 4 * POINT) {
      transpose(from, to)
      transpose(from + 16, to + 16)
      to += group
    }
  }
  return squares
}

/** Completes the transform of `spectra` along x and adds weight Z^2 to `sum` (sets it if `first`); returns |sum|^2. */
export function addSquares(
  spectra: usize,
  columns: i32,
  pointsX: i32,
  pointsY: i32,
  twiddles: usize,
  weight: f32,
  first: bool,
  sum: usize,
): f64 {
  const group = usize(pointsX) * POINT
  const weights = f32x4.splat(weight)
  const twice = f32x4.splat(2 * weight)
  let norm = 0.0
  for (let g = 0; g < pointsY; g += 4) {
    const end = spectra + group
    zeroFrom(columns, pointsX, spectra)
    zeroFrom(columns, pointsX, spectra + 16)
    decimate(spectra, end, pointsX, twiddles)
    let squares = f32x4.splat(0)
    for (; spectra < end; spectra += POINT) {
      const r = v128.load(spectra)
      const i = v128.load(spectra, 16)
      let sr = f32x4.mul(weights, f32x4.sub(f32x4.mul(r, r), f32x4.mul(i, i)))
      let si = f32x4.mul(twice, f32x4.mul(r, i))
      if (!first) {
        sr = f32x4.add(sr, v128.load(sum))
        si = f32x4.add(si, v128.load(sum, 16))
      }
      v128.store(sum, sr)
      v128.store(sum, si, 16)
      squares = f32x4.add(squares, f32x4.add(f32x4.mul(sr, sr), f32x4.mul(si, si)))
      sum += POINT
    }
    norm += total(squares)
  }
  return norm
}

/**
 * Transforms `sum` back and subtracts scale times its imaginary part from the table `bounds` of `groups` x 4 columns and
 * `rows` rows; its top left corner is the element (4 firstGroup, firstRow) of the cyclic convolution.
 */
export function subtractConvolution(
  sum: usize,
  pointsX: i32,
  pointsY: i32,
  twiddlesX: usize,
  twiddlesY: usize,
  scale: f32,
  spectra: usize,
  firstGroup: i32,
  groups: i32,
  firstRow: i32,
  rows: i32,
  bounds: usize,
): void {
  const groupX = usize(pointsX) * POINT
  const groupY = usize(pointsY) * POINT
  const groupsX = pointsX / 4
  for (let y = 0; y < pointsY; y += 4) {
    restore(sum, sum + groupX, pointsX, twiddlesX)
    for (let g = 0; g < groups; g++) {
      const from = sum + usize((firstGroup + g) % groupsX) * (4 * POINT)
      const to = spectra + usize(g) * groupY + usize(y) * POINT
      transpose(from, to)
      transpose(from + 16, to + 16)
    }
    sum += groupX
  }
  const scales = f32x4.splat(scale)
  const stride = usize(groups) * 16
  for (let g = 0; g < groups; g++) {
    restore(spectra, spectra + groupY, pointsY, twiddlesY)
    let to = bounds + usize(g) * 16
    for (let row = 0; row < rows; row++) {
      const p = spectra + usize((firstRow + row) % pointsY) * POINT
      v128.store(to, f32x4.sub(v128.load(to), f32x4.mul(scales, v128.load(p, 16))))
      to += stride
    }
    spectra += groupY
  }
}
