import { expect, test } from 'vitest'
import { randomStream } from '../../src/core/random.js'
import { defaultParameters, type MethodName } from '../../src/mix/index.js'
import { METHOD_NAMES } from '../../src/mix/names.js'
import { courseOf, type Lessons } from '../../src/train/course.js'

const SIDE = 8
const random = randomStream(3, 0)
const pictures = Array.from({ length: 13 }, () => ({
  ...{ width: SIDE, height: SIDE },
  data: Uint8Array.from({ length: 3 * SIDE * SIDE }, () => random.integer(0, 255)),
}))
const maps = pictures.map(() => {
  const data = Float32Array.from({ length: SIDE * SIDE }, () => random.uniform())
  const sum = data.reduce((a, b) => a + b, 0)
  return { width: SIDE, height: SIDE, data: data.map((value) => value / sum) }
})
const lessons: Lessons = { size: 13, classes: 13, picture: (i) => pictures[i]!, label: (i) => i }
const view = { crop: 'none', flip: false, jitter: 0 } as const

function course(method: MethodName | null, share = 0.5) {
  const parameters = method && { ...defaultParameters(method), ...(method === 'sage' && { shift: 'exact' }) }
  const mix = method && { method, parameters, pairing: 'any' as const, map: (i: number) => maps[i]! }
  return courseOf(lessons, { seed: 5, view, share, mix })
}

const BYTES = 3 * SIDE * SIDE
const pixelsOf = ({ pixels }: { pixels: Uint8Array }, i: number) => pixels.subarray(i * BYTES, (i + 1) * BYTES)
const targetOf = ({ target }: { target: Float32Array }, i: number) => target.subarray(i * 13, (i + 1) * 13)

test('clean shows every picture once an epoch, as original and as sample', () => {
  const clean = course(null)
  const seen = { mixed: new Int32Array(13), original: new Int32Array(13) }
  // 26 steps of 3 mixes and 3 originals: six epochs of each.
  for (let step = 0; step < 26; step++) {
    const batch = clean(step, 6)
    for (let i = 0; i < 6; i++) {
      const index = targetOf(batch, i).indexOf(1)
      expect(pixelsOf(batch, i)).toEqual(pictures[index]!.data)
      seen[i < 3 ? 'mixed' : 'original'][index]!++
    }
  }
  expect([...seen.mixed, ...seen.original]).toEqual(Array(26).fill(6))
})

test.each(METHOD_NAMES)('%s: originals are those of clean, samples too, and labels are shares', (method) => {
  const [clean, mixing] = [course(null), course(method)]
  for (let step = 0; step < 9; step++) {
    const [plain, mixed] = [clean(step, 6), mixing(step, 6)]
    for (let i = 0; i < 6; i++) {
      const shares = targetOf(mixed, i)
      expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5)
      if (i >= 3) expect(pixelsOf(mixed, i)).toEqual(pixelsOf(plain, i))
      // A method of pairs gives the sample a share, and at most one other.
      if (i >= 3 || method === 'comixup') continue
      const others = shares.filter((value, k) => value > 0 && targetOf(plain, i)[k] === 0)
      expect(others.length).toBeLessThanOrEqual(1)
    }
  }
})

test('Mixup mixes sample and partner in the shares of the label', () => {
  const batch = course('mixup', 1)(0, 13)
  for (let i = 0; i < 13; i++) {
    const shares = [...targetOf(batch, i)]
    const found = pixelsOf(batch, i)
    const expected = Array.from(found, (_, p) => shares.reduce((sum, s, k) => sum + s * pictures[k]!.data[p]!, 0))
    expect(Math.max(...expected.map((value, p) => Math.abs(value - found[p]!)))).toBeLessThan(0.51)
  }
})

test('the same step is the same batch, however the course went before', () => {
  const [jumping, going] = [course('comixup'), course('comixup')]
  for (let step = 0; step < 12; step++) going(step, 6)
  expect(jumping(12, 6)).toEqual(going(12, 6))
})
