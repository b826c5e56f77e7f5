import { expect, test } from 'vitest'
import { centre, flat, normalised, type Plane, resample } from '../../src/core/plane.js'

/** A plane with value f(x, y) at the centre of cell (x, y). */
const planeOf = (width: number, height: number, f: (x: number, y: number) => number): Plane => ({
  data: Float32Array.from({ length: width * height }, (_, i) => f((i % width) + 0.5, Math.floor(i / width) + 0.5)),
  width,
  height,
})

test('the middle of a slope is the same slope, seen closer', () => {
  const slope = planeOf(8, 6, (x, y) => 2 * x - 3 * y)
  const part = centre(slope, 0.5, 0.75)
  const expected = planeOf(8, 6, (x, y) => 2 * (2 + x / 2) - 3 * (0.75 + 0.75 * y))
  for (const [i, value] of part.data.entries()) expect(value).toBeCloseTo(expected.data[i]!, 5)
  expect(centre(slope, 1, 1)).toBe(slope)
})

test('the middle does not see what lies beside it', () => {
  const peak = planeOf(32, 32, (x) => (x < 4 ? 1 : 0))
  expect(Math.max(...centre(peak, 0.5, 1).data)).toBe(0)
  const whole = centre(
    planeOf(4, 4, () => 0.25),
    0.3,
    0.9,
  )
  expect([...whole.data]).toEqual(Array(16).fill(0.25))
})

test('a plane is divided by its sum unless that is 0', () => {
  const { data } = normalised(planeOf(3, 2, (x, y) => x * y))!
  expect(data.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6)
  expect(normalised(planeOf(3, 2, () => 0))).toBeNull()
  expect([...flat(planeOf(2, 2, () => 7)).data]).toEqual(Array(4).fill(0.25))
})

test('resampling keeps means of what is flat and the ends of a slope', () => {
  expect([
    ...resample(
      planeOf(3, 1, () => 2),
      7,
      2,
    ).data,
  ]).toEqual(Array(14).fill(2))
  const fine = resample(
    planeOf(2, 1, (x) => x),
    4,
    1,
  )
  expect([...fine.data]).toEqual([0.5, 0.75, 1.25, 1.5])
})
