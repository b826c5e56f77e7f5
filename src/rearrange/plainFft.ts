import { radixOf } from './fftLength.js'
import { butterflies, butterfliesAndTurn4, turn, turnAndButterflies4 } from './plainButterflies.js'

/**
 * Complex FFT of many signals side by side: a point is a row of `lines` complex numbers, their real and imaginary parts
 * in turn. As in assembly/fft.ts, `decimate` leaves the spectrum in digit-reversed order and `restore` makes a second
 * forward transform from there, so that restore(decimate(x))[m] = length x[-m]. `twiddles` are fftLength.ts's.
 */

/** Where signals come from: point p of line i begins at element starts[i] + p * step; from `filled` on points are 0. */
export interface Source {
  readonly values: Float64Array
  readonly starts: Int32Array
  readonly step: number
  readonly filled: number
}

/** Transforms the lines of `source` into `to`. */
export function decimate(
  source: Source,
  to: Float64Array,
  lines: number,
  length: number,
  twiddles: Float64Array,
): void {
  spread(source, to, lines, length, twiddles)
  let offset = twiddleCount(length)
  for (let l = length / 4; l > 1; l /= radixOf(l)) {
    if (l > 4 && radixOf(l) === 4) {
      butterfliesAndTurn4(to, lines, length, l, twiddles, offset)
    } else {
      butterflies(to, lines, length, l)
      turn(to, lines, length, l, twiddles, offset)
    }
    offset += twiddleCount(l)
  }
}

/** Transforms digit-reversed sequences in place, to natural order. */
export function restore(signals: Float64Array, lines: number, length: number, twiddles: Float64Array): void {
  stagesFrom(signals, lines, length, length, twiddles, 0)
}

function stagesFrom(
  signals: Float64Array,
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

/** The first stage, of radix 4 for all lengths; half of the points, or a quarter, are often 0. */
function spread(source: Source, to: Float64Array, lines: number, length: number, twiddles: Float64Array): void {
  const { filled } = source
  const quarter = length / 4
  for (let j = 0; j < quarter; j++) {
    if (j + 2 * quarter < filled) spread4(source, j, to, lines, quarter, twiddles)
    else spread2(source, j, to, lines, quarter, twiddles)
  }
}

/** The butterflies of the points j, j + quarter, and two that are 0, then their turn. */
function spread2(
  { values, starts, step, filled }: Source,
  j: number,
  to: Float64Array,
  lines: number,
  quarter: number,
  twiddles: Float64Array,
): void {
  const k = 6 * (j - 1)
  const ur = j > 0 ? twiddles[k]! : 1
  const ui = j > 0 ? twiddles[k + 1]! : 0
  const vr = j > 0 ? twiddles[k + 2]! : 1
  const vi = j > 0 ? twiddles[k + 3]! : 0
  const wr = j > 0 ? twiddles[k + 4]! : 1
  const wi = j > 0 ? twiddles[k + 5]! : 0
  const first = j < filled
  const second = j + quarter < filled
  const near = j * step
  const far = (j + quarter) * step
  const size = 2 * quarter * lines
  for (let i = 0; i < lines; i++) {
    const start = starts[i]!
    const pR = first ? values[start + near]! : 0
    const pI = first ? values[start + near + 1]! : 0
    const qR = second ? values[start + far]! : 0
    const qI = second ? values[start + far + 1]! : 0
    const p = 2 * (j * lines + i)
    const q = p + size
    const s = q + size
    const t = s + size
    to[p] = pR + qR
    to[p + 1] = pI + qI
    const x = pR + qI
    const xi = pI - qR
    const y = pR - qR
    const yi = pI - qI
    const z = pR - qI
    const zi = pI + qR
    to[q] = x * ur - xi * ui
    to[q + 1] = x * ui + xi * ur
    to[s] = y * vr - yi * vi
    to[s + 1] = y * vi + yi * vr
    to[t] = z * wr - zi * wi
    to[t + 1] = z * wi + zi * wr
  }
}

/** The butterflies of the points j, j + quarter, j + 2 quarter, j + 3 quarter, then their turn. */
function spread4(
  { values, starts, step, filled }: Source,
  j: number,
  to: Float64Array,
  lines: number,
  quarter: number,
  twiddles: Float64Array,
): void {
  const k = 6 * (j - 1)
  const ur = j > 0 ? twiddles[k]! : 1
  const ui = j > 0 ? twiddles[k + 1]! : 0
  const vr = j > 0 ? twiddles[k + 2]! : 1
  const vi = j > 0 ? twiddles[k + 3]! : 0
  const wr = j > 0 ? twiddles[k + 4]! : 1
  const wi = j > 0 ? twiddles[k + 5]! : 0
  const fourth = j + 3 * quarter < filled
  const far = quarter * step
  const size = 2 * quarter * lines
  for (let i = 0; i < lines; i++) {
    const start = starts[i]! + j * step
    const pR = values[start]!
    const pI = values[start + 1]!
    const qR = values[start + far]!
    const qI = values[start + far + 1]!
    const sR = values[start + 2 * far]!
    const sI = values[start + 2 * far + 1]!
    const tR = fourth ? values[start + 3 * far]! : 0
    const tI = fourth ? values[start + 3 * far + 1]! : 0
    const acR = pR + sR
    const acI = pI + sI
    const bdR = qR + tR
    const bdI = qI + tI
    const eR = pR - sR
    const eI = pI - sI
    const fR = qR - tR
    const fI = qI - tI
    const p = 2 * (j * lines + i)
    const q = p + size
    const s = q + size
    const t = s + size
    to[p] = acR + bdR
    to[p + 1] = acI + bdI
    const x = eR + fI
    const xi = eI - fR
    const y = acR - bdR
    const yi = acI - bdI
    const z = eR - fI
    const zi = eI + fR
    to[q] = x * ur - xi * ui
    to[q + 1] = x * ui + xi * ur
    to[s] = y * vr - yi * vi
    to[s + 1] = y * vi + yi * vr
    to[t] = z * wr - zi * wi
    to[t + 1] = z * wi + zi * wr
  }
}
