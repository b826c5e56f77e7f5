import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { resize, resizeToCover } from '../../src/codec/codec.js'
import { LANCZOS3, resample, TRIANGLE } from '../../src/codec/resample.js'
import type { Image } from '../../src/core/image.js'
import { maxDifference, meanDifference, readPicture } from '../helpers/pictures.js'

const FOLDER = 'fixtures/resized'
const SOURCES: Record<string, string> = {
  plain: 'fixtures/broken/odd/plain.png',
  chelsea: 'fixtures/photos/chelsea.jpg',
}

const picture: fc.Arbitrary<Image> = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }))
  .chain(([width, height]) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((data) => ({ data, width, height })),
  )

/** The picture with left and right exchanged. */
function mirrored({ data, width, height }: Image): Image {
  const result = new Uint8Array(data.length)
  for (let pixel = 0; pixel < width * height; pixel++) {
    const x = pixel % width
    result.set(data.subarray(pixel * 3, pixel * 3 + 3), (pixel - x + width - 1 - x) * 3)
  }
  return { data: result, width, height }
}

/** A picture of low frequencies, any size. */
function smooth(width: number, height: number): Image {
  const data = new Uint8Array(width * height * 3)
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3)
    data[i] = 128 + 100 * Math.sin((pixel % width) / 90 + (i % 3)) * Math.cos(Math.floor(pixel / width) / 70)
  }
  return { data, width, height }
}

test.each(readdirSync(FOLDER))('%s is what Pillow makes of the picture', async (name) => {
  const [source, how, size] = name.replace('.png', '').split('-') as [string, string, string]
  const [width, height] = size.split('x').map(Number) as [number, number]
  const image = await readPicture(SOURCES[source]!)
  const expected = await readPicture(`${FOLDER}/${name}`)
  const actual = await (how === 'resize' ? resize : resizeToCover)(image, width, height)
  expect([actual.width, actual.height]).toEqual([width, height])
  // Pillow rounds and clips between the two passes; Lanczos overshoots, so there it clips more.
  expect(maxDifference(actual, expected)).toBeLessThanOrEqual(how === 'resize' ? 1 : 3)
  expect(meanDifference(actual, expected)).toBeLessThan(0.25)
})

test('a picture that already has the size is returned itself', async () => {
  const image = smooth(5, 7)
  expect(await resize(image, 5, 7)).toBe(image)
  expect(await resizeToCover(image, 5, 7)).toBe(image)
})

test('the mirror image of the result is the result of the mirror image', () => {
  const size = fc.integer({ min: 1, max: 20 })
  const property = fc.property(picture, size, size, fc.constantFrom(TRIANGLE, LANCZOS3), (image, w, h, kernel) => {
    const box = { left: 0, top: 0, width: image.width, height: image.height }
    const result = resample(image, box, w, h, kernel)
    // The order of summation is mirrored too, so a value may fall on the other side of a half.
    expect(maxDifference(resample(mirrored(image), box, w, h, kernel), mirrored(result))).toBeLessThanOrEqual(1)
  })
  fc.assert(property, { numRuns: 300 })
})

test('resampling to the same size changes nothing, and one colour stays one colour', () => {
  const property = fc.property(picture, fc.constantFrom(TRIANGLE, LANCZOS3), (image, kernel) => {
    const { width, height } = image
    const box = { left: 0, top: 0, width, height }
    expect(resample(image, box, width, height, kernel).data).toEqual(image.data)
    const flat = { data: new Uint8Array(width * height * 3).fill(image.data[0]!), width, height }
    expect(new Set(resample(flat, box, 9, 14, kernel).data)).toEqual(new Set([image.data[0]!]))
  })
  fc.assert(property)
})

test('a large picture, shrunk by libvips first, comes out as if resampled at once', async () => {
  const image = smooth(1500, 1100)
  const box = { left: 0, top: 0, width: 1500, height: 1100 }
  expect(maxDifference(await resize(image, 96, 120), resample(image, box, 96, 120, TRIANGLE))).toBeLessThanOrEqual(2)
  const crop = { left: 312.5, top: 0, width: 875, height: 1100 }
  const covered = await resizeToCover(image, 70, 88)
  expect(maxDifference(covered, resample(image, crop, 70, 88, LANCZOS3))).toBeLessThanOrEqual(2)
})
