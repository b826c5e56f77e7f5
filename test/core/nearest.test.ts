import { expect, test } from 'vitest'
import { nearest } from '../../src/core/nearest.js'

const COMMANDS = ['saliency', 'grad', 'inspect', 'verify', 'merge', 'doctor']

test.each([
  ['docter', 'doctor'],
  ['verfiy', 'verify'],
  ['SALIENCY', 'saliency'],
  ['salency', 'saliency'],
  ['merg', 'merge'],
  ['pets', null],
  ['', null],
  ['x', null],
])('%j is taken for %j', (typed, meant) => {
  expect(nearest(typed, COMMANDS)).toBe(meant)
})
