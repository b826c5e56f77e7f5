import { expect, test } from 'vitest'
import type { Image } from '../../src/core/image.js'
import { beside } from '../../src/report/beside.js'
import { grey, heat, overlay } from '../../src/report/overlay.js'

const plane = (width: number, height: number, at: (i: number) => number) => ({
  data: Float32Array.from({ length: width * height }, (_, i) => at(i)),
  width,
  height,
})
const filled = (width: number, height: number, pixel: readonly number[]): Image => ({
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => pixel[i % 3]!),
  width,
  height,
})
const pixel = ({ data }: Image, i: number) => Array.from(data.subarray(3 * i, 3 * i + 3))

/** CIE 1976 lightness, 0 to 100, of an 8-bit sRGB colour. */
function lightness(rgb: readonly number[]): number {
  const [r, g, b] = rgb.map((v) => (v <= 10 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
  const y = 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
  return y > 216 / 24389 ? 116 * Math.cbrt(y) - 16 : (24389 / 27) * y
}

test('more saliency is lighter: even steps from black by purple and orange to yellow', () => {
  const image = heat(plane(256, 1, (i) => Math.min(i, 254)))
  const levels = Array.from({ length: 255 }, (_, i) => lightness(pixel(image, i)))
  for (let i = 16; i < 255; i++) expect(levels[i]! - levels[i - 16]!).toBeGreaterThan(2)
  expect(levels[0]).toBeLessThan(3)
  expect(levels[254]).toBeGreaterThan(90)
  const [purple, orange, yellow] = [80, 190, 254].map((i) => pixel(image, i)) as [number[], number[], number[]]
  expect(Math.min(purple[0]!, purple[2]!)).toBeGreaterThan(purple[1]! + 30)
  expect(orange[0]).toBeGreaterThan(orange[1]! + 60)
  expect(orange[1]).toBeGreaterThan(orange[2]! + 30)
  expect(yellow[1]).toBeGreaterThan(yellow[2]! + 100)
})

test('full colour begins at the 99.5th percentile, so an outlier does not darken the rest', () => {
  const map = plane(40, 10, (i) => (i === 399 ? 1000 : i / 398))
  const image = heat(map)
  expect(pixel(image, 398)).toEqual(pixel(image, 399))
  expect(pixel(image, 398)).not.toEqual(pixel(image, 380))
  expect(heat({ ...map, data: map.data.map((value) => value / 7) })).toEqual(image)
})

test('a single spot on nothing keeps its colour, and nothing is black', () => {
  const image = heat(plane(100, 100, (i) => (i === 5050 ? 1e-6 : 0)))
  expect(lightness(pixel(image, 5050))).toBeGreaterThan(90)
  expect(lightness(pixel(image, 5049))).toBeLessThan(3)
  expect(pixel(heat(plane(3, 2, () => 0)), 5)).toEqual(pixel(image, 5049))
})

test('an overlay has the size of the picture, shows it in grey, and the map where it is', () => {
  const picture = filled(8, 4, [200, 100, 50])
  const image = overlay(picture, { data: Float32Array.of(0, 1), width: 2, height: 1 })
  expect([image.width, image.height, image.data.length]).toEqual([8, 4, 96])
  // The luma of ITU-R 601 is 124.2, of which 35 % remain; 65 % are the near-black of 0.
  const black = pixel(heat(plane(1, 1, () => 0)), 0)
  expect(pixel(image, 0)).toEqual(black.map((value) => Math.round(0.35 * 124.2 + 0.65 * value)))
  expect(lightness(pixel(image, 31))).toBeGreaterThan(60)
  expect(picture).toEqual(filled(8, 4, [200, 100, 50]))
})

test('a mask becomes grey levels', () => {
  expect(Array.from(grey({ data: Float32Array.of(0, 0.5, 1), width: 3, height: 1 }).data)).toEqual([
    0, 0, 0, 128, 128, 128, 255, 255, 255,
  ])
})

test('pictures stand in a row at one height, each at its own aspect ratio', async () => {
  const [tall, wide] = [filled(2, 4, [255, 0, 0]), filled(16, 8, [0, 0, 255])]
  const row = await beside([tall, wide], 4, 3)
  expect([row.width, row.height]).toEqual([2 + 3 + 8, 4])
  for (let y = 0; y < 4; y++) {
    const line = Array.from({ length: 13 }, (_, x) => pixel(row, y * 13 + x).join())
    expect(line).toEqual([...Array(2).fill('255,0,0'), ...Array(3).fill('128,128,128'), ...Array(8).fill('0,0,255')])
  }
})
