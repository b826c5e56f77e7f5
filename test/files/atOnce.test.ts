import { expect, test } from 'vitest'
import { AtOnce } from '../../src/files/atOnce.js'

function busy(ms: number): string {
  for (const end = performance.now() + ms; performance.now() < end; );
  return 'done'
}

test('calls are made at once until they are slow for long; later it is tried again', () => {
  const calls = new AtOnce()
  expect(calls.run(() => busy(3))).toBe('done')
  let made = 1
  while (calls.run(() => busy(3)) !== undefined) made++
  expect(made).toBeGreaterThan(2)
  expect(made).toBeLessThan(17)
  let skipped = 1
  while (calls.run(() => busy(0)) === undefined) skipped++
  expect(skipped).toBe(200)
})

test('an error of the calls passes', () => {
  const calls = new AtOnce()
  const fail = () => {
    throw new Error('no such file')
  }
  expect(() => calls.run(fail)).toThrow('no such file')
})
