/** All numbers 4 * 2^i * 3^j up to 2304, ascending: 2304 is enough for two maps of 1024 and any window of shifts. */
export const FFT_LENGTHS: readonly number[] = lengths(2304)

function lengths(most: number): number[] {
  const found: number[] = []
  for (let threes = 4; threes <= most; threes *= 3) {
    for (let length = threes; length <= most; length *= 2) found.push(length)
  }
  return found.sort((a, b) => a - b)
}

/** The shortest FFT of at least `least` points. */
export function fftLength(least: number): number {
  let i = 0
  while (FFT_LENGTHS[i]! < least) i++
  return FFT_LENGTHS[i]!
}

/** Radix of the first stage of an FFT of `length` points: 4 while it divides, then 2, then 3. */
export function radixOf(length: number): number {
  return length % 4 === 0 ? 4 : length % 2 === 0 ? 2 : 3
}

/**
 * Twiddles of all stages, real and imaginary parts in turn: for a stage of length L and radix r, e^(-2 pi i j m / L) for
 * j = 1 .. L / r - 1, m = 1 .. r - 1; then those of length L / r.
 */
export function twiddles(length: number): number[] {
  const values: number[] = []
  for (let l = length; l > 1; l /= radixOf(l)) {
    const radix = radixOf(l)
    for (let j = 1; j < l / radix; j++) {
      for (let m = 1; m < radix; m++) {
        const angle = (-2 * Math.PI * j * m) / l
        values.push(Math.cos(angle), Math.sin(angle))
      }
    }
  }
  return values
}

/**
 * The order `decimate` (plainFft.ts) leaves a spectrum in, as pairs of opposite frequencies: of the places i and
 * opposite[i] one is among `halves`, or both where they are the same.
 */
export interface Opposites {
  readonly opposite: Int32Array
  readonly halves: Int32Array
}

export function opposites(length: number): Opposites {
  const order = frequencies(length)
  const place = new Int32Array(length)
  order.forEach((frequency, i) => {
    place[frequency] = i
  })
  const opposite = Int32Array.from(order, (frequency) => place[(length - frequency) % length]!)
  return { opposite, halves: Int32Array.from(opposite.keys()).filter((i) => i <= opposite[i]!) }
}

function frequencies(length: number): number[] {
  if (length === 1) return [0]
  const radix = radixOf(length)
  const inner = frequencies(length / radix)
  return Array.from({ length: radix }, (_, m) => inner.map((frequency) => m + radix * frequency)).flat()
}
