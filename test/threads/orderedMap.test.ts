import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { orderedMap } from '../../src/threads/orderedMap.js'

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const result of results) all.push(result)
  return all
}

test('results come in order, whatever order the work ends in', async () => {
  const slowFirst = (i: number) => wait((7 * i) % 5).then(() => i)
  expect(await collect(orderedMap(3, 40, () => 8, slowFirst))).toEqual(Array.from({ length: 37 }, (_, i) => i + 3))
})

test('no more than the window is begun and not yet taken, and the window may change', async () => {
  let begun = 0
  let taken = 0
  let window = 4
  for await (const _ of orderedMap(
    0,
    100,
    () => window,
    async () => void begun++,
  )) {
    taken++
    expect(begun - taken).toBeLessThanOrEqual(4)
    if (taken === 50) window = 0
    if (taken > 55) expect(begun - taken).toBeLessThanOrEqual(1)
  }
  expect(taken).toBe(100)
})

test('an error is thrown in its turn, after everything begun has settled', async () => {
  let open = 0
  const work = async (i: number) => {
    open++
    await wait(i === 2 ? 0 : 10)
    open--
    if (i === 2) throw new Error('two')
    return i
  }
  const seen: number[] = []
  await expect(async () => {
    for await (const i of orderedMap(0, 50, () => 5, work)) seen.push(i)
  }).rejects.toThrow('two')
  expect(seen).toEqual([0, 1])
  expect(open).toBe(0)
})

test('an abort ends the sequence after what was begun', async () => {
  const controller = new AbortController()
  let begun = 0
  const seen: number[] = []
  for await (const i of orderedMap(
    0,
    50,
    () => 5,
    async (index) => {
      begun++
      return index
    },
    controller.signal,
  )) {
    seen.push(i)
    if (i === 3) controller.abort()
  }
  expect(seen).toEqual(Array.from({ length: begun }, (_, i) => i))
  expect(begun).toBeLessThan(12)
})
