import { expect, test } from 'vitest'
import type { Image } from '../../src/core/image.js'
import { type ComparedMix, comparisonFigure } from '../../src/report/comparison.js'

function flat(red: number, width: number, height: number): Image {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i % 3 === 0 ? red : 0))
  return { data, width, height }
}

function mixOf(method: string, red: number, weight: number, width: number, height: number): ComparedMix {
  const mask = { data: new Float32Array(width * height).fill(weight), width, height }
  return { method, lambda: weight, kept: [weight, 1 - weight], mask, image: flat(red, width, height) }
}

/** Colours of the middle pixels of runs of one colour, at least 20 pixels long, along row y. */
function runs({ data, width }: Image, y: number): number[][] {
  const colours: number[][] = []
  let start = 0
  for (let x = 1; x <= width; x++) {
    const same =
      x < width && [0, 1, 2].every((c) => data[(y * width + x) * 3 + c] === data[(y * width + start) * 3 + c])
    if (same) continue
    if (x - start >= 20) colours.push([...data.subarray((y * width + start) * 3, (y * width + start) * 3 + 3)])
    start = x
  }
  return colours
}

test.each([
  [240, 120],
  [30, 90],
  [900, 100],
])('a row of the figure is sample, partner, mask and mix, of pictures of %i x %i', async (width, height) => {
  const sample = { name: 'a.png', image: flat(10, width, height) }
  const partner = { name: 'b.png', image: flat(20, width, height) }
  const mixes = [mixOf('one', 30, 0.2, width, height), mixOf('two', 40, 1, width, height)]
  const figure = await comparisonFigure(sample, partner, mixes)
  const rows = mixes.map(({ image, mask }) => {
    const level = Math.round(255 * mask.data[0]!)
    return [
      [10, 0, 0],
      [20, 0, 0],
      [level, level, level],
      [image.data[0], 0, 0],
    ]
  })
  const seen = Array.from({ length: figure.height }, (_, y) => runs(figure, y).filter(([r, g]) => r !== g || r !== 224))
  const full = seen.filter((colours) => colours.length === 4).map((colours) => JSON.stringify(colours))
  expect([...new Set(full)]).toEqual(rows.map((row) => JSON.stringify(row)))
})

test('the numbers of a method are written in front of its row, whatever the names hold', async () => {
  const images = { sample: flat(200, 64, 64), partner: flat(100, 64, 64) }
  const draw = (name: string, lambda: number) =>
    comparisonFigure({ name, image: images.sample }, { name: 'b', image: images.partner }, [
      { ...mixOf('sage', 150, 0.5, 64, 64), lambda },
    ])
  const [plain, other, nasty] = await Promise.all([
    draw('a', 0.111),
    draw('a', 0.999),
    draw('</text>&"<x>\0\ud800', 0.111),
  ])
  const changed = (figure: Image) => {
    const places = [...figure.data.keys()].filter((i) => figure.data[i] !== plain.data[i])
    const pixels = places.map((i) => Math.floor(i / 3))
    return { xs: pixels.map((i) => i % figure.width), ys: pixels.map((i) => Math.floor(i / figure.width)) }
  }
  const numbers = changed(other)
  expect(numbers.xs.length).toBeGreaterThan(0)
  expect(Math.max(...numbers.xs)).toBeLessThan(190)
  expect(Math.min(...numbers.ys)).toBeGreaterThanOrEqual(48)
  const names = changed(nasty)
  expect(names.xs.length).toBeGreaterThan(0)
  expect(Math.min(...names.xs)).toBeGreaterThan(190)
  expect(Math.max(...names.ys)).toBeLessThan(48)
})
