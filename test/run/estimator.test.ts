import { expect, test } from 'vitest'
import { defaultBatch } from '../../src/run/estimator.js'

test('the batch chosen has so many pixels, fits in half of the memory, and is never empty', () => {
  const gigabyte = 2 ** 30
  const resnet = { width: 224, height: 224, pictureBytes: 100e6 }
  expect(defaultBatch(resnet, 16 * gigabyte)).toBe(7)
  expect(defaultBatch(resnet, gigabyte)).toBe(5)
  expect(defaultBatch(resnet, gigabyte / 16)).toBe(1)
  expect(defaultBatch({ width: 32, height: 32, pictureBytes: 1e6 }, 16 * gigabyte)).toBe(64)
  expect(defaultBatch({ width: 32, height: 32, pictureBytes: 0 }, gigabyte)).toBe(64)
})
