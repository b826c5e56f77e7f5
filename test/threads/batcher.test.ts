import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { batcher } from '../../src/threads/batcher.js'

test('every request gets its own result, in batches no larger than asked', async () => {
  const sizes: number[] = []
  const request = batcher(8, async (items: number[]) => {
    sizes.push(items.length)
    await wait(2)
    return items.map((item) => item * 10)
  })
  const results = await Promise.all(Array.from({ length: 100 }, (_, i) => request(i)))
  expect(results).toEqual(Array.from({ length: 100 }, (_, i) => i * 10))
  expect(Math.max(...sizes)).toBe(8)
  expect(sizes.length).toBeLessThanOrEqual(14)
})

test('a lone request does not wait for others, and at most two batches run at a time', async () => {
  let running = 0
  const request = batcher(4, async (items: number[]) => {
    expect(++running).toBeLessThanOrEqual(2)
    await wait(1)
    running--
    return items
  })
  expect(await request(7)).toBe(7)
  await Promise.all(Array.from({ length: 50 }, (_, i) => request(i)))
})

test('a failed batch fails its own requests only', async () => {
  const request = batcher(1, async ([item]: number[]) => {
    if (item === 1) throw new Error('one')
    return [item]
  })
  const results = await Promise.allSettled([0, 1, 2].map(request))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})
