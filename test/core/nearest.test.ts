import { expect, test } from 'vitest'
import { resolveModel } from '../../src/classifiers/resolveModel.js'
import { didYouMean, nearest } from '../../src/core/nearest.js'

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

test('names of models are suggested, of the zoo too; nothing is for what is far off', async () => {
  for (const [typed, meant] of [
    ['cifar-10', 'cifar10'],
    ['squeezenet11', 'squeezenet1.1'],
  ] as const) {
    await expect(resolveModel(typed, [], {})).rejects.toThrow(new RegExp(`; did you mean ${meant}\\?$`))
  }
  expect(didYouMean('zebra', ['cat', 'dog'])).toBe('')
  expect(didYouMean('Zebar', ['cat', 'zebra'])).toBe('; did you mean zebra?')
})
