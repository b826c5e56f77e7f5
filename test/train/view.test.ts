import { expect, test } from 'vitest'
import { randomStream } from '../../src/core/random.js'
import { rateAt } from '../../src/train/schedule.js'
import { randomView } from '../../src/train/view.js'

/** Pixel (x, y) is (10 x, 10 y, 7). */
const [width, height] = [24, 16]
const image = {
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const pixel = Math.floor(i / 3)
    return [10 * (pixel % width), 10 * Math.floor(pixel / width), 7][i % 3]!
  }),
}

/** 0 to n - 1, going back at both ends. */
const bounced = (n: number) => {
  const up = Array.from({ length: n }, (_, i) => i)
  return [...up.slice(1).reverse(), ...up, ...up.slice(0, -1).reverse()]
}

const plain = { crop: 'none', flip: false, jitter: 0 } as const

test('a padded crop is the picture moved by up to an eighth, mirrored at its edges', () => {
  const seen = new Set<string>()
  for (let i = 0; i < 200; i++) {
    const { data } = randomView(image, { ...plain, crop: 'padded' }, randomStream(1, i))
    const column = Array.from({ length: width }, (_, x) => data[3 * x]! / 10)
    const row = Array.from({ length: height }, (_, y) => data[3 * y * width + 1]! / 10)
    const offsets = [column, row].map((line) => {
      const all = bounced(line.length)
      const starts = all.map((_, at) => at).filter((at) => line.every((value, j) => value === all[at + j]))
      expect(starts).toHaveLength(1)
      return starts[0]! - (line.length - 1)
    })
    seen.add(offsets.join())
  }
  const [dx, dy] = [0, 1].map((axis) => [...seen].map((text) => Math.abs(Number(text.split(',')[axis]))))
  expect([Math.max(...dx!), Math.max(...dy!)]).toEqual([3, 2])
  // All 7 x 5 places, if 200 draws are uniform: each is missed with a probability of 0.3 %.
  expect(seen.size).toBeGreaterThan(31)
})

test('half of the pictures are mirrored, and nothing else', () => {
  const views = Array.from({ length: 100 }, (_, i) => randomView(image, { ...plain, flip: true }, randomStream(2, i)))
  const isMirrored = views.map(({ data }) => data[0] === 10 * (width - 1))
  for (const { data } of views) expect([data[1], data[2], data.at(-1)]).toEqual([0, 7, 7])
  const count = isMirrored.filter(Boolean).length
  expect(count).toBeGreaterThan(30)
  expect(count).toBeLessThan(70)
})

test('a resized crop shows a part of at least 35 % of the area', () => {
  for (let i = 0; i < 50; i++) {
    const { data } = randomView(image, { ...plain, crop: 'resized' }, randomStream(3, i))
    const [first, last] = [0, 3 * (width * height - 1)]
    const [wide, high] = [(data[last]! - data[first]!) / 10 + 1, (data[last + 1]! - data[first + 1]!) / 10 + 1]
    const share = (wide * high) / (width * height)
    // Corners are those of pixels, and levels are whole.
    expect(share).toBeGreaterThan(0.3)
    expect(share).toBeLessThanOrEqual(1.01)
  }
})

test('jitter changes each pixel of a uniform picture alike, by no more than it says', () => {
  const grey = { ...image, data: new Uint8Array(image.data.length).fill(100) }
  const levels = Array.from({ length: 50 }, (_, i) => {
    const { data } = randomView(grey, { ...plain, jitter: 0.2 }, randomStream(4, i))
    expect(new Set(data).size).toBe(1)
    return data[0]!
  })
  expect(Math.min(...levels)).toBeGreaterThanOrEqual(80)
  expect(Math.max(...levels)).toBeLessThanOrEqual(120)
  expect(Math.max(...levels) - Math.min(...levels)).toBeGreaterThan(25)
})

test('the rate rises in equal steps and falls along half a cosine', () => {
  const rates = Array.from({ length: 12 }, (_, step) => rateAt(step, 12, 4))
  // PyTorch's LinearLR and CosineAnnealingLR, one after the other.
  const expected = [0.25, 0.5, 0.75, 1, 1, 0.96194, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.03806]
  for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(expected[i]!, 6)
  expect(rateAt(0, 1, 0)).toBe(1)
})
