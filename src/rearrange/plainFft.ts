import { radixOf } from './fftLength.js'

/**
 * Complex FFT of many signals side by side, in place: a point is a row of `lines` numbers of `re` and of `im`. As in
 * assembly/fft.ts, `decimate` leaves the spectrum in digit-reversed order and `restore` makes a second forward transform
 * from there, so that restore(decimate(x))[m] = length x[-m]. `twiddles` are fftLength.ts's.
 */
export interface Signals {
  readonly re: Float64Array
  readonly im: Float64Array
}

export function decimate(signals: Signals, lines: number, length: number, twiddles: Float64Array): void {
  let offset = 0
  for (let l = length; l > 1; l /= radixOf(l)) {
    if (l > 4 && radixOf(l) === 4) {
      butterfliesAndTurn4(signals, lines, length, l, twiddles, offset)
    } else {
      butterflies(signals, lines, length, l)
      turn(signals, lines, length, l, twiddles, offset)
    }
    offset += twiddleCount(l)
  }
}

export function restore(signals: Signals, lines: number, length: number, twiddles: Float64Array): void {
  stagesFrom(signals, lines, length, length, twiddles, 0)
}

function stagesFrom(
  signals: Signals,
  lines: number,
  length: number,
  l: number,
  twiddles: Float64Array,
  offset: number,
): void {
  if (l === 1) return
  stagesFrom(signals, lines, length, l / radixOf(l), twiddles, offset + twiddleCount(l))
  if (l > 4 && radixOf(l) === 4) {
    turnAndButterflies4(signals, lines, length, l, twiddles, offset)
  } else {
    turn(signals, lines, length, l, twiddles, offset)
    butterflies(signals, lines, length, l)
  }
}

function twiddleCount(l: number): number {
  const radix = radixOf(l)
  return 2 * (l / radix - 1) * (radix - 1)
}

/** Multiplies the points by the twiddles of the stage of length `l`. */
function turn({ re, im }: Signals, lines: number, length: number, l: number, twiddles: Float64Array, offset: number) {
  const radix = radixOf(l)
  const step = l / radix
  let k = offset
  for (let j = 1; j < step; j++) {
    for (let m = 1; m < radix; m++) {
      const wr = twiddles[k++]!
      const wi = twiddles[k++]!
      for (let point = j + m * step; point < length; point += l) {
        const end = (point + 1) * lines
        for (let i = point * lines; i < end; i++) {
          const r = re[i]!
          const s = im[i]!
          re[i] = r * wr - s * wi
          im[i] = r * wi + s * wr
        }
      }
    }
  }
}

/** `butterflies`, then `turn`, in one pass over the points. */
function butterfliesAndTurn4(
  { re, im }: Signals,
  lines: number,
  length: number,
  l: number,
  twiddles: Float64Array,
  offset: number,
): void {
  const step = (l / 4) * lines
  for (let start = 0; start < length * lines; start += l * lines) {
    butterflies4(re, im, start, start + lines, step)
    let k = offset
    for (let from = start + lines; from < start + step; from += lines) {
      const ur = twiddles[k]!
      const ui = twiddles[k + 1]!
      const vr = twiddles[k + 2]!
      const vi = twiddles[k + 3]!
      const wr = twiddles[k + 4]!
      const wi = twiddles[k + 5]!
      k += 6
      for (let p = from; p < from + lines; p++) {
        const q = p + step
        const s = q + step
        const t = s + step
        const pR = re[p]!
        const pI = im[p]!
        const qR = re[q]!
        const qI = im[q]!
        const sR = re[s]!
        const sI = im[s]!
        const tR = re[t]!
        const tI = im[t]!
        const acR = pR + sR
        const acI = pI + sI
        const bdR = qR + tR
        const bdI = qI + tI
        const eR = pR - sR
        const eI = pI - sI
        const fR = qR - tR
        const fI = qI - tI
        re[p] = acR + bdR
        im[p] = acI + bdI
        const x = eR + fI
        const xi = eI - fR
        const y = acR - bdR
        const yi = acI - bdI
        const z = eR - fI
        const zi = eI + fR
        re[q] = x * ur - xi * ui
        im[q] = x * ui + xi * ur
        re[s] = y * vr - yi * vi
        im[s] = y * vi + yi * vr
        re[t] = z * wr - zi * wi
        im[t] = z * wi + zi * wr
      }
    }
  }
}

/** `turn`, then `butterflies`, in one pass over the points. */
function turnAndButterflies4(
  { re, im }: Signals,
  lines: number,
  length: number,
  l: number,
  twiddles: Float64Array,
  offset: number,
): void {
  const step = (l / 4) * lines
  for (let start = 0; start < length * lines; start += l * lines) {
    butterflies4(re, im, start, start + lines, step)
    let k = offset
    for (let from = start + lines; from < start + step; from += lines) {
      const ur = twiddles[k]!
      const ui = twiddles[k + 1]!
      const vr = twiddles[k + 2]!
      const vi = twiddles[k + 3]!
      const wr = twiddles[k + 4]!
      const wi = twiddles[k + 5]!
      k += 6
      for (let p = from; p < from + lines; p++) {
        const q = p + step
        const s = q + step
        const t = s + step
        const pR = re[p]!
        const pI = im[p]!
        const x = re[q]!
        const xi = im[q]!
        const y = re[s]!
        const yi = im[s]!
        const z = re[t]!
        const zi = im[t]!
        const qR = x * ur - xi * ui
        const qI = x * ui + xi * ur
        const sR = y * vr - yi * vi
        const sI = y * vi + yi * vr
        const tR = z * wr - zi * wi
        const tI = z * wi + zi * wr
        const acR = pR + sR
        const acI = pI + sI
        const bdR = qR + tR
        const bdI = qI + tI
        const eR = pR - sR
        const eI = pI - sI
        const fR = qR - tR
        const fI = qI - tI
        re[p] = acR + bdR
        im[p] = acI + bdI
        re[s] = acR - bdR
        im[s] = acI - bdI
        re[q] = eR + fI
        im[q] = eI - fR
        re[t] = eR - fI
        im[t] = eI + fR
      }
    }
  }
}

function butterflies({ re, im }: Signals, lines: number, length: number, l: number): void {
  const radix = radixOf(l)
  const step = (l / radix) * lines
  for (let start = 0; start < length * lines; start += l * lines) {
    if (radix === 4) butterflies4(re, im, start, start + step, step)
    else if (radix === 2) butterflies2(re, im, start, step)
    else butterflies3(re, im, start, step)
  }
}

function butterflies2(re: Float64Array, im: Float64Array, start: number, step: number): void {
  for (let p = start; p < start + step; p++) {
    const q = p + step
    const pR = re[p]!
    const pI = im[p]!
    const qR = re[q]!
    const qI = im[q]!
    re[p] = pR + qR
    im[p] = pI + qI
    re[q] = pR - qR
    im[q] = pI - qI
  }
}

function butterflies3(re: Float64Array, im: Float64Array, start: number, step: number): void {
  const sine = Math.sqrt(0.75)
  for (let p = start; p < start + step; p++) {
    const q = p + step
    const s = q + step
    const pR = re[p]!
    const pI = im[p]!
    const qR = re[q]!
    const qI = im[q]!
    const sR = re[s]!
    const sI = im[s]!
    const sumR = qR + sR
    const sumI = qI + sI
    const turnR = sine * (qI - sI)
    const turnI = sine * (sR - qR)
    const midR = pR - 0.5 * sumR
    const midI = pI - 0.5 * sumI
    re[p] = pR + sumR
    im[p] = pI + sumI
    re[q] = midR + turnR
    im[q] = midI + turnI
    re[s] = midR - turnR
    im[s] = midI - turnI
  }
}

function butterflies4(re: Float64Array, im: Float64Array, start: number, end: number, step: number): void {
  for (let p = start; p < end; p++) {
    const q = p + step
    const s = q + step
    const t = s + step
    const pR = re[p]!
    const pI = im[p]!
    const qR = re[q]!
    const qI = im[q]!
    const sR = re[s]!
    const sI = im[s]!
    const tR = re[t]!
    const tI = im[t]!
    const acR = pR + sR
    const acI = pI + sI
    const bdR = qR + tR
    const bdI = qI + tI
    const eR = pR - sR
    const eI = pI - sI
    const fR = qR - tR
    const fI = qI - tI
    re[p] = acR + bdR
    im[p] = acI + bdI
    re[s] = acR - bdR
    im[s] = acI - bdI
    re[q] = eR + fI
    im[q] = eI - fR
    re[t] = eR - fI
    im[t] = eI + fR
  }
}
