import { expect, test } from 'vitest'
import { placesOf } from '../../src/run/places.js'

test('every source is found by its name, sorted or not, and no other name is', () => {
  const names = Array.from({ length: 100 }, (_, i) => `${i % 10}/${String(i).padStart(3, '0')}.png`)
  for (const order of [names, [...names].sort(), [...names, names[0]!], []]) {
    const placeOf = placesOf(order.map((file) => ({ file })))
    for (const file of order) expect(order[placeOf(file)!]).toBe(file)
    for (const other of ['', '0/000.pnh', '5/', 'zzz']) expect(placeOf(other)).toBe(undefined)
  }
})
