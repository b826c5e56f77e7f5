import { expect, test } from 'vitest'
import { withinMemory } from '../../src/threads/withinMemory.js'

/** Squares up to `room` numbers at a time and notes how many each batch had. */
function squarer(room: number) {
  const sizes: number[] = []
  const square = withinMemory(async (items: readonly number[]) => {
    sizes.push(items.length)
    if (items.length > room) throw new Error('Failed to allocate memory for requested buffer of size 1')
    return items.map((item) => item ** 2)
  })
  return { square, sizes }
}

test('batches are halved until they fit, later ones at once, and results keep their order', async () => {
  const { square, sizes } = squarer(3)
  const items = Array.from({ length: 10 }, (_, i) => i)
  expect(await square(items)).toEqual(items.map((item) => item ** 2))
  expect(sizes).toEqual([10, 5, 3, 2, 3, 2])
  sizes.length = 0
  expect(await square(items)).toEqual(items.map((item) => item ** 2))
  expect(Math.max(...sizes)).toBe(3)
})

test('a single item without room, and any other error, is thrown', async () => {
  await expect(squarer(0).square([1, 2, 3])).rejects.toThrow('Failed to allocate')
  const broken = withinMemory(async () => {
    throw new Error('broken')
  })
  await expect(broken([1, 2])).rejects.toThrow('broken')
})
