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
    butterflies(signals, lines, length, l)
    turn(signals, lines, length, l, twiddles, offset)
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
  turn(signals, lines, length, l, twiddles, offset)
  butterflies(signals, lines, length, l)
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

function butterflies({ re, im }: Signals, lines: number, length: number, l: number): void {
  const radix = radixOf(l)
  const step = (l / radix) * lines
  for (let start = 0; start < length * lines; start += l * lines) {
    if (radix === 4) butterflies4(re, im, start, step)
    else if (radix === 2) butterflies2(re, im, start, step)
    else butterflies3(re, im, start, step)
  }
}

function butterflies2(re: Float64Array, im: Float64Array, start: number, step: number): void {
  for (let p = start; p < start + step; p++) {
    const q = p + step
    const r = re[q]!
    const i = im[q]!
    re[q] = re[p]! - r
    im[q] = im[p]! - i
    re[p]! += r
    im[p]! += i
  }
}

function butterflies3(re: Float64Array, im: Float64Array, start: number, step: number): void {
  const sine = Math.sqrt(0.75)
  for (let p = start; p < start + step; p++) {
    const q = p + step
    const s = q + step
    const sumR = re[q]! + re[s]!
    const sumI = im[q]! + im[s]!
    const turnR = sine * (im[q]! - im[s]!)
    const turnI = sine * (re[s]! - re[q]!)
    const midR = re[p]! - 0.5 * sumR
    const midI = im[p]! - 0.5 * sumI
    re[p]! += sumR
    im[p]! += sumI
    re[q] = midR + turnR
    im[q] = midI + turnI
    re[s] = midR - turnR
    im[s] = midI - turnI
  }
}

function butterflies4(re: Float64Array, im: Float64Array, start: number, step: number): void {
  for (let p = start; p < start + step; p++) {
    const q = p + step
    const s = q + step
    const t = s + step
    const acR = re[p]! + re[s]!
    const acI = im[p]! + im[s]!
    const bdR = re[q]! + re[t]!
    const bdI = im[q]! + im[t]!
    const eR = re[p]! - re[s]!
    const eI = im[p]! - im[s]!
    const fR = re[q]! - re[t]!
    const fI = im[q]! - im[t]!
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
