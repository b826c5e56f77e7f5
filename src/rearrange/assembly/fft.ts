// Complex FFT of four interleaved signals, in place. A point is 32 bytes: four real parts, then four imaginary parts.
// Lengths are 2^i 3^j. `decimate` leaves the spectrum in digit-reversed order; `restore` is its transpose (the matrix of
// a DFT is symmetric): it takes that order and makes a second *forward* transform in natural order, so that
// restore(decimate(x))[m] = N x[-m]. Nothing is ever permuted, and point-wise products do not mind the order.

export const POINT: usize = 32
const TWIDDLE: usize = 8

const NONE = 0
const BEFORE = 1
const AFTER = 2

function radixOf(length: i32): i32 {
  return length % 4 == 0 ? 4 : length % 2 == 0 ? 2 : 3
}

/** Bytes of the twiddles of one stage: e^(-2 pi i j m / length) for j = 1 .. length / radix - 1, m = 1 .. radix - 1. */
function twiddleBytes(length: i32, radix: i32): usize {
  return usize((length / radix - 1) * (radix - 1)) * TWIDDLE
}

/** DFT of the points from `base` to `end`; their spectrum in digit-reversed order. */
export function decimate(base: usize, end: usize, length: i32, twiddles: usize): void {
  while (length > 1) {
    const radix = radixOf(length)
    stage(base, end, length, radix, twiddles, false)
    twiddles += twiddleBytes(length, radix)
    length /= radix
  }
}

/** DFT of a digit-reversed sequence, in natural order. */
export function restore(base: usize, end: usize, length: i32, twiddles: usize): void {
  if (length == 1) return
  const radix = radixOf(length)
  restore(base, end, length / radix, twiddles + twiddleBytes(length, radix))
  stage(base, end, length, radix, twiddles, true)
}

function stage(base: usize, end: usize, length: i32, radix: i32, twiddles: usize, twiddlesFirst: bool): void {
  if (radix == 4) stage4(base, end, length, twiddles, twiddlesFirst)
  else if (radix == 2) stage2(base, end, length, twiddles, twiddlesFirst)
  else stage3(base, end, length, twiddles, twiddlesFirst)
}

// @ts-ignore: decorator
@inline
function real(ar: v128, ai: v128, wr: v128, wi: v128): v128 {
  return f32x4.sub(f32x4.mul(ar, wr), f32x4.mul(ai, wi))
}

// @ts-ignore: decorator
@inline
function imaginary(ar: v128, ai: v128, wr: v128, wi: v128): v128 {
  return f32x4.add(f32x4.mul(ar, wi), f32x4.mul(ai, wr))
}

// @ts-ignore: decorator
@inline
function store(p: usize, re: v128, im: v128): void {
  v128.store(p, re)
  v128.store(p, im, 16)
}

// @ts-ignore: decorator
@inline
function storeTurned(p: usize, re: v128, im: v128, wr: v128, wi: v128, mode: i32): void {
  if (mode == AFTER) store(p, real(re, im, wr, wi), imaginary(re, im, wr, wi))
  else store(p, re, im)
}

// @ts-ignore: decorator
@inline
function butterfly2(p: usize, step: usize, wr: v128, wi: v128, mode: i32): void {
  const q = p + step
  const ar = v128.load(p)
  const ai = v128.load(p, 16)
  let br = v128.load(q)
  let bi = v128.load(q, 16)
  if (mode == BEFORE) {
    const r = real(br, bi, wr, wi)
    bi = imaginary(br, bi, wr, wi)
    br = r
  }
  store(p, f32x4.add(ar, br), f32x4.add(ai, bi))
  storeTurned(q, f32x4.sub(ar, br), f32x4.sub(ai, bi), wr, wi, mode)
}

// @ts-ignore: decorator
@inline
function butterfly3(p: usize, step: usize, w1r: v128, w1i: v128, w2r: v128, w2i: v128, mode: i32): void {
  const half = f32x4.splat(0.5)
  const sine = f32x4.splat(0.8660254037844386)
  const q = p + step
  const s = q + step
  const ar = v128.load(p)
  const ai = v128.load(p, 16)
  let br = v128.load(q)
  let bi = v128.load(q, 16)
  let cr = v128.load(s)
  let ci = v128.load(s, 16)
  if (mode == BEFORE) {
    const r = real(br, bi, w1r, w1i)
    bi = imaginary(br, bi, w1r, w1i)
    br = r
    const t = real(cr, ci, w2r, w2i)
    ci = imaginary(cr, ci, w2r, w2i)
    cr = t
  }
  const sumR = f32x4.add(br, cr)
  const sumI = f32x4.add(bi, ci)
  const turnR = f32x4.mul(sine, f32x4.sub(bi, ci))
  const turnI = f32x4.mul(sine, f32x4.sub(cr, br))
  const midR = f32x4.sub(ar, f32x4.mul(half, sumR))
  const midI = f32x4.sub(ai, f32x4.mul(half, sumI))
  store(p, f32x4.add(ar, sumR), f32x4.add(ai, sumI))
  storeTurned(q, f32x4.add(midR, turnR), f32x4.add(midI, turnI), w1r, w1i, mode)
  storeTurned(s, f32x4.sub(midR, turnR), f32x4.sub(midI, turnI), w2r, w2i, mode)
}

// @ts-ignore: decorator
@inline
function butterfly4(
  p: usize,
  step: usize,
  w1r: v128,
  w1i: v128,
  w2r: v128,
  w2i: v128,
  w3r: v128,
  w3i: v128,
  mode: i32,
): void {
  const q = p + step
  const s = q + step
  const t = s + step
  const ar = v128.load(p)
  const ai = v128.load(p, 16)
  let br = v128.load(q)
  let bi = v128.load(q, 16)
  let cr = v128.load(s)
  let ci = v128.load(s, 16)
  let dr = v128.load(t)
  let di = v128.load(t, 16)
  if (mode == BEFORE) {
    const r1 = real(br, bi, w1r, w1i)
    bi = imaginary(br, bi, w1r, w1i)
    br = r1
    const r2 = real(cr, ci, w2r, w2i)
    ci = imaginary(cr, ci, w2r, w2i)
    cr = r2
    const r3 = real(dr, di, w3r, w3i)
    di = imaginary(dr, di, w3r, w3i)
    dr = r3
  }
  const acR = f32x4.add(ar, cr)
  const acI = f32x4.add(ai, ci)
  const bdR = f32x4.add(br, dr)
  const bdI = f32x4.add(bi, di)
  store(p, f32x4.add(acR, bdR), f32x4.add(acI, bdI))
  storeTurned(s, f32x4.sub(acR, bdR), f32x4.sub(acI, bdI), w2r, w2i, mode)
  const eR = f32x4.sub(ar, cr)
  const eI = f32x4.sub(ai, ci)
  const fR = f32x4.sub(br, dr)
  const fI = f32x4.sub(bi, di)
  storeTurned(q, f32x4.add(eR, fI), f32x4.sub(eI, fR), w1r, w1i, mode)
  storeTurned(t, f32x4.sub(eR, fI), f32x4.add(eI, fR), w3r, w3i, mode)
}

function stage2(base: usize, end: usize, length: i32, twiddles: usize, twiddlesFirst: bool): void {
  const block = usize(length) * POINT
  const step = block / 2
  const one = f32x4.splat(1)
  for (let p = base; p < end; p += block) butterfly2(p, step, one, one, NONE)
  for (let start = base + POINT; start < base + step; start += POINT) {
    const wr = v128.load32_splat(twiddles)
    const wi = v128.load32_splat(twiddles, 4)
    twiddles += TWIDDLE
    for (let p = start; p < end; p += block) {
      if (twiddlesFirst) butterfly2(p, step, wr, wi, BEFORE)
      else butterfly2(p, step, wr, wi, AFTER)
    }
  }
}

function stage3(base: usize, end: usize, length: i32, twiddles: usize, twiddlesFirst: bool): void {
  const block = usize(length) * POINT
  const step = block / 3
  const one = f32x4.splat(1)
  for (let p = base; p < end; p += block) butterfly3(p, step, one, one, one, one, NONE)
  for (let start = base + POINT; start < base + step; start += POINT) {
    const w1r = v128.load32_splat(twiddles)
    const w1i = v128.load32_splat(twiddles, 4)
    const w2r = v128.load32_splat(twiddles, 8)
    const w2i = v128.load32_splat(twiddles, 12)
    twiddles += 2 * TWIDDLE
    for (let p = start; p < end; p += block) {
      if (twiddlesFirst) butterfly3(p, step, w1r, w1i, w2r, w2i, BEFORE)
      else butterfly3(p, step, w1r, w1i, w2r, w2i, AFTER)
    }
  }
}

function stage4(base: usize, end: usize, length: i32, twiddles: usize, twiddlesFirst: bool): void {
  const block = usize(length) * POINT
  const step = block / 4
  const one = f32x4.splat(1)
  for (let p = base; p < end; p += block) butterfly4(p, step, one, one, one, one, one, one, NONE)
  for (let start = base + POINT; start < base + step; start += POINT) {
    const w1r = v128.load32_splat(twiddles)
    const w1i = v128.load32_splat(twiddles, 4)
    const w2r = v128.load32_splat(twiddles, 8)
    const w2i = v128.load32_splat(twiddles, 12)
    const w3r = v128.load32_splat(twiddles, 16)
    const w3i = v128.load32_splat(twiddles, 20)
    twiddles += 3 * TWIDDLE
    for (let p = start; p < end; p += block) {
      if (twiddlesFirst) butterfly4(p, step, w1r, w1i, w2r, w2i, w3r, w3i, BEFORE)
      else butterfly4(p, step, w1r, w1i, w2r, w2i, w3r, w3i, AFTER)
    }
  }
}
