import { radixOf } from './fftLength.js'

/** The stages of plainFft.ts, in place: `l` is the length of the transforms that a stage splits. */

/** Multiplies the points by the twiddles of the stage. */
export function turn(
  signals: Float64Array,
  lines: number,
  length: number,
  l: number,
  twiddles: Float64Array,
  offset: number,
): void {
  const radix = radixOf(l)
  const step = l / radix
  const row = 2 * lines
  let k = offset
  for (let j = 1; j < step; j++) {
    for (let m = 1; m < radix; m++) {
      const wr = twiddles[k++]!
      const wi = twiddles[k++]!
      for (let point = j + m * step; point < length; point += l) {
        for (let i = point * row; i < (point + 1) * row; i += 2) {
          const r = signals[i]!
          const s = signals[i + 1]!
          signals[i] = r * wr - s * wi
          signals[i + 1] = r * wi + s * wr
        }
      }
    }
  }
}

/** `butterflies`, then `turn`, in one pass over the points. */
export function butterfliesAndTurn4(
  signals: Float64Array,
  lines: number,
  length: number,
  l: number,
  twiddles: Float64Array,
  offset: number,
): void {
  const row = 2 * lines
  const step = (l / 4) * row
  for (let start = 0; start < length * row; start += l * row) {
    butterflies4(signals, start, start + row, step)
    let k = offset
    for (let from = start + row; from < start + step; from += row) {
      const ur = twiddles[k]!
      const ui = twiddles[k + 1]!
      const vr = twiddles[k + 2]!
      const vi = twiddles[k + 3]!
      const wr = twiddles[k + 4]!
      const wi = twiddles[k + 5]!
      k += 6
      for (let p = from; p < from + row; p += 2) {
        const q = p + step
        const s = q + step
        const t = s + step
        const pR = signals[p]!
        const pI = signals[p + 1]!
        const qR = signals[q]!
        const qI = signals[q + 1]!
        const sR = signals[s]!
        const sI = signals[s + 1]!
        const tR = signals[t]!
        const tI = signals[t + 1]!
        const acR = pR + sR
        const acI = pI + sI
        const bdR = qR + tR
        const bdI = qI + tI
        const eR = pR - sR
        const eI = pI - sI
        const fR = qR - tR
        const fI = qI - tI
        signals[p] = acR + bdR
        signals[p + 1] = acI + bdI
        const x = eR + fI
        const xi = eI - fR
        const y = acR - bdR
        const yi = acI - bdI
        const z = eR - fI
        const zi = eI + fR
        signals[q] = x * ur - xi * ui
        signals[q + 1] = x * ui + xi * ur
        signals[s] = y * vr - yi * vi
        signals[s + 1] = y * vi + yi * vr
        signals[t] = z * wr - zi * wi
        signals[t + 1] = z * wi + zi * wr
      }
    }
  }
}

/** `turn`, then `butterflies`, in one pass over the points. */
export function turnAndButterflies4(
  signals: Float64Array,
  lines: number,
  length: number,
  l: number,
  twiddles: Float64Array,
  offset: number,
): void {
  const row = 2 * lines
  const step = (l / 4) * row
  for (let start = 0; start < length * row; start += l * row) {
    butterflies4(signals, start, start + row, step)
    let k = offset
    for (let from = start + row; from < start + step; from += row) {
      const ur = twiddles[k]!
      const ui = twiddles[k + 1]!
      const vr = twiddles[k + 2]!
      const vi = twiddles[k + 3]!
      const wr = twiddles[k + 4]!
      const wi = twiddles[k + 5]!
      k += 6
      for (let p = from; p < from + row; p += 2) {
        const q = p + step
        const s = q + step
        const t = s + step
        const pR = signals[p]!
        const pI = signals[p + 1]!
        const x = signals[q]!
        const xi = signals[q + 1]!
        const y = signals[s]!
        const yi = signals[s + 1]!
        const z = signals[t]!
        const zi = signals[t + 1]!
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
        signals[p] = acR + bdR
        signals[p + 1] = acI + bdI
        signals[s] = acR - bdR
        signals[s + 1] = acI - bdI
        signals[q] = eR + fI
        signals[q + 1] = eI - fR
        signals[t] = eR - fI
        signals[t + 1] = eI + fR
      }
    }
  }
}

export function butterflies(signals: Float64Array, lines: number, length: number, l: number): void {
  const radix = radixOf(l)
  const row = 2 * lines
  const step = (l / radix) * row
  for (let start = 0; start < length * row; start += l * row) {
    if (radix === 4) butterflies4(signals, start, start + step, step)
    else if (radix === 2) butterflies2(signals, start, step)
    else butterflies3(signals, start, step)
  }
}

function butterflies2(signals: Float64Array, start: number, step: number): void {
  for (let p = start; p < start + step; p++) {
    const q = p + step
    const r = signals[p]!
    const s = signals[q]!
    signals[p] = r + s
    signals[q] = r - s
  }
}

function butterflies3(signals: Float64Array, start: number, step: number): void {
  const sine = Math.sqrt(0.75)
  for (let p = start; p < start + step; p += 2) {
    const q = p + step
    const s = q + step
    const pR = signals[p]!
    const pI = signals[p + 1]!
    const qR = signals[q]!
    const qI = signals[q + 1]!
    const sR = signals[s]!
    const sI = signals[s + 1]!
    const sumR = qR + sR
    const sumI = qI + sI
    const turnR = sine * (qI - sI)
    const turnI = sine * (sR - qR)
    const midR = pR - 0.5 * sumR
    const midI = pI - 0.5 * sumI
    signals[p] = pR + sumR
    signals[p + 1] = pI + sumI
    signals[q] = midR + turnR
    signals[q + 1] = midI + turnI
    signals[s] = midR - turnR
    signals[s + 1] = midI - turnI
  }
}

function butterflies4(signals: Float64Array, start: number, end: number, step: number): void {
  for (let p = start; p < end; p += 2) {
    const q = p + step
    const s = q + step
    const t = s + step
    const pR = signals[p]!
    const pI = signals[p + 1]!
    const qR = signals[q]!
    const qI = signals[q + 1]!
    const sR = signals[s]!
    const sI = signals[s + 1]!
    const tR = signals[t]!
    const tI = signals[t + 1]!
    const acR = pR + sR
    const acI = pI + sI
    const bdR = qR + tR
    const bdI = qI + tI
    const eR = pR - sR
    const eI = pI - sI
    const fR = qR - tR
    const fI = qI - tI
    signals[p] = acR + bdR
    signals[p + 1] = acI + bdI
    signals[s] = acR - bdR
    signals[s + 1] = acI - bdI
    signals[q] = eR + fI
    signals[q + 1] = eI - fR
    signals[t] = eR - fI
    signals[t + 1] = eI + fR
  }
}
