import { expect, test } from 'vitest'
import { encodeImage } from '../../src/codec/codec.js'
import { DEFAULT_MAX_PIXELS, decodeImage } from '../../src/codec/decode.js'
import { randomStream } from '../../src/core/random.js'
import { maxDifference, meanDifference, readPicture } from '../helpers/pictures.js'

const decode = (bytes: Uint8Array) => decodeImage(bytes, 'encoded', { maxPixels: DEFAULT_MAX_PIXELS })

/** The markers of a JPEG before its first scan, and the start of each one's content. */
function segments(bytes: Uint8Array): Map<number, number> {
  const found = new Map<number, number>()
  for (let at = 2; bytes[at + 1] !== 0xda; at += 2 + bytes[at + 2]! * 256 + bytes[at + 3]!)
    found.set(bytes[at + 1]!, at + 4)
  return found
}

test('a JPEG is baseline with full chroma and carries no metadata', async () => {
  const bytes = await encodeImage(await readPicture('fixtures/photos/coffee.jpg'), 'jpeg', 95)
  const markers = segments(bytes)
  const [SOF0, APP1, APP2, COMMENT] = [0xc0, 0xe1, 0xe2, 0xfe]
  expect(markers.has(SOF0)).toBe(true)
  for (const marker of [APP1, APP2, COMMENT]) expect(markers.has(marker)).toBe(false)
  const frame = markers.get(SOF0)!
  const sampling = [0, 1, 2].map((component) => bytes[frame + 7 + component * 3])
  expect(sampling).toEqual([0x11, 0x11, 0x11])
})

test('a PNG gives back every pixel', async () => {
  const image = await readPicture('fixtures/photos/clock.jpg')
  expect(maxDifference(await decode(await encodeImage(image, 'png', 1)), image)).toBe(0)
})

test.each(['jpeg', 'png'] as const)('the same pixels give the same %s bytes', async (format) => {
  const image = await readPicture('fixtures/photos/rocket.jpg')
  const [first, second] = await Promise.all([encodeImage(image, format, 95), encodeImage(image, format, 95)])
  expect(Buffer.compare(first!, second!)).toBe(0)
})

test('32 x 32 pixels of noise lose 3 grey levels at quality 95, and half a level at 100', async () => {
  const random = randomStream(1, 1)
  const image = { data: Uint8Array.from({ length: 32 * 32 * 3 }, () => random.integer(0, 255)), width: 32, height: 32 }
  const errorAt = async (quality: number) =>
    meanDifference(await decode(await encodeImage(image, 'jpeg', quality)), image)
  expect(await errorAt(95)).toBeLessThan(3.5)
  expect(await errorAt(100)).toBeLessThan(0.6)
})

test('a picture wider than a JPEG can be is refused in words', async () => {
  const image = { data: new Uint8Array(65_536 * 3), width: 65_536, height: 1 }
  await expect(encodeImage(image, 'jpeg', 95)).rejects.toMatchObject({
    code: 'failed',
    message: 'output: found 65536 x 1 pixels, expected at most 65535 per side in JPEG',
  })
  expect(maxDifference(await decode(await encodeImage(image, 'png', 95)), image)).toBe(0)
})
