import { expect, test } from 'vitest'
import { mask } from '../../src/rearrange/mask.js'

test('the mask is 1 where the partner does not cover, alpha where both are zero, a / (a + b) elsewhere', () => {
  const a = Float32Array.of(1, 0, 3, 0, 2, 0)
  const b = Float32Array.of(0, 1, 7, 2, 0, 7)
  // b moves right by 1 and up by 1: only the lower row's first two pixels stay, in the upper row's last two places.
  expect([...mask(a, b, 3, 2, 1, -1, 0.25)]).toEqual([1, 0, 1, 1, 1, 1])
  expect([...mask(a, b, 3, 2, 0, 0, 0.25)]).toEqual([1, 0, Math.fround(0.3), 0, 1, 0])
  expect([...mask(new Float32Array(6), new Float32Array(6), 3, 2, 0, 1, 0.25)]).toEqual([1, 1, 1, 0.25, 0.25, 0.25])
})
