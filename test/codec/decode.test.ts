import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { DEFAULT_MAX_PIXELS, decodeImage } from '../../src/codec/decode.js'
import { EXPECTED_FORMATS } from '../../src/codec/format.js'
import { AugmentError } from '../../src/core/errors.js'
import { checkImage } from '../../src/core/image.js'
import { maxDifference, meanDifference, readPicture } from '../helpers/pictures.js'

const ODD = 'fixtures/broken/odd'
const REFUSED = 'fixtures/broken/refused'

const filesOf = (folder: string) => readdirSync(folder).filter((name) => name !== 'expected')

/** What each file is said to be; all are "expected" to be something else. */
const FOUND: Record<string, string> = {
  'bomb.png': '20000 x 20000 pixels',
  'drawing.png': 'an SVG',
  'empty.jpg': 'an empty file',
  'float.tif': 'TIFF samples of type float',
  'header-only.jpg': 'a damaged or truncated JPEG',
  'noise.png': 'bytes of no known kind',
  'text.jpg': 'text',
  'truncated-at-the-end.jpg': 'a damaged or truncated JPEG',
  'truncated-progressive.jpg': 'a damaged or truncated JPEG',
  'truncated.gif': 'a damaged or truncated GIF',
  'truncated.jpg': 'a damaged or truncated JPEG',
  'truncated.png': 'a damaged or truncated PNG',
  'truncated.tif': 'a damaged or truncated TIFF',
  'truncated.webp': 'a damaged or truncated WebP',
}

test.each(filesOf(ODD))('%s has the pixels that Pillow finds in it', async (name) => {
  const image = await readPicture(path.join(ODD, name))
  const expected = await readPicture(path.join(ODD, 'expected', `${name}.png`))
  checkImage(image)
  expect([image.width, image.height]).toEqual([expected.width, expected.height])
  // The colours of CMYK without a profile are a matter of the assumed press, but never inverted or swapped.
  if (name === 'cmyk.jpg') expect(meanDifference(image, expected)).toBeLessThan(10)
  else expect(maxDifference(image, expected)).toBeLessThanOrEqual(1)
})

test.each(filesOf(REFUSED))('%s is refused in one line that says what it is', async (name) => {
  const error = await readPicture(path.join(REFUSED, name)).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(AugmentError)
  const { code, message } = error as AugmentError
  expect(code).toBe('failed')
  expect(message).toMatch(/^[^\n]+: found [^\n]+, expected [^\n]+$/)
  expect(message.startsWith(`${path.join(REFUSED, name)}: found ${FOUND[name]}`)).toBe(true)
})

test('a JPEG may lack its end marker and nothing more', async () => {
  const bytes = readFileSync(path.join(ODD, 'plain.jpg'))
  const whole = await readPicture(path.join(ODD, 'plain.jpg'))
  for (const cut of [1, 2]) {
    const image = await decodeImage(bytes.subarray(0, -cut), 'cut.jpg', { maxPixels: DEFAULT_MAX_PIXELS })
    expect(maxDifference(image, whole)).toBe(0)
  }
  for (let cut = 3; cut < bytes.length; cut += 7) {
    const cutting = decodeImage(bytes.subarray(0, -cut), 'cut.jpg', { maxPixels: DEFAULT_MAX_PIXELS })
    await expect(cutting).rejects.toMatchObject({ code: 'failed' })
  }
})

test('a picture may have exactly as many pixels as the limit', async () => {
  const bytes = readFileSync(path.join(ODD, 'plain.png'))
  expect(await decodeImage(bytes, 'plain.png', { maxPixels: 37 * 23 })).toMatchObject({ width: 37, height: 23 })
  await expect(decodeImage(bytes, 'plain.png', { maxPixels: 37 * 23 - 1 })).rejects.toMatchObject({
    message: 'plain.png: found 37 x 23 pixels, expected at most 850',
    hint: expect.stringContaining('--max-pixels'),
  })
})

test('control characters in a name do not reach the message', async () => {
  const message = `\ufffd[31ma\ufffdb.jpg: found an empty file, expected ${EXPECTED_FORMATS}`
  await expect(decodeImage(new Uint8Array(), '\u001b[31ma\nb.jpg', { maxPixels: 1 })).rejects.toMatchObject({ message })
})

test('16 bits with a profile come to the same colours as 8', async () => {
  const [eight, sixteen] = ['wide-gamut.png', 'rgb16.png'].map((name) => readFileSync(path.join(ODD, name))) as [
    Buffer,
    Buffer,
  ]
  const at = eight.indexOf('iCCP') - 4
  const profile = eight.subarray(at, at + 12 + eight.readUInt32BE(at))
  // After the signature and the header chunk.
  const bytes = Buffer.concat([sixteen.subarray(0, 33), profile, sixteen.subarray(33)])
  const image = await decodeImage(bytes, 'deep.png', { maxPixels: DEFAULT_MAX_PIXELS })
  const expected = await readPicture(path.join(ODD, 'expected', 'wide-gamut.png.png'))
  expect(maxDifference(image, expected)).toBeLessThanOrEqual(1)
})

test('a JPEG of a kind that is not decoded is not called damaged', async () => {
  const bytes = Buffer.from(readFileSync(path.join(ODD, 'plain.jpg')))
  const frame = bytes.indexOf(Buffer.of(0xff, 0xc0))
  bytes[frame + 1] = 0xc3
  await expect(decodeImage(bytes, 'x.jpg', { maxPixels: 1e6 })).rejects.toMatchObject({
    message: 'x.jpg: found a lossless JPEG, expected a baseline or progressive one of 8 bits',
  })
})

test('a DICOM file that begins like a TIFF is none', async () => {
  const bytes = Buffer.concat([readFileSync(path.join(ODD, 'plain.tif')).subarray(0, 128), Buffer.from('DICM\x02\0')])
  const message = `x.dcm: found a DICOM file, expected ${EXPECTED_FORMATS}`
  await expect(decodeImage(bytes, 'x.dcm', { maxPixels: 1e6 })).rejects.toMatchObject({ message })
})

test('a lossless AVIF has the pixels it was made of', async () => {
  const plain = await readPicture(path.join(ODD, 'plain.png'))
  const raw = { width: plain.width, height: plain.height, channels: 3 } as const
  const bytes = await sharp(plain.data, { raw }).avif({ lossless: true, chromaSubsampling: '4:4:4' }).toBuffer()
  const image = await decodeImage(bytes, 'plain.avif', { maxPixels: DEFAULT_MAX_PIXELS })
  expect(maxDifference(image, plain)).toBeLessThanOrEqual(2)
})

test('damaged and random bytes give a picture or a one-line refusal, never anything else', async () => {
  const originals = filesOf(ODD).map((name) => readFileSync(path.join(ODD, name)))
  const damaged = fc
    .record({
      bytes: fc.constantFrom(...originals),
      cut: fc.double({ min: 0, max: 1, noNaN: true }),
      flips: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 8 }),
    })
    .map(({ bytes, cut, flips }) => {
      const result = Uint8Array.from(bytes.subarray(0, cut < 0.5 ? bytes.length : Math.ceil(bytes.length * cut)))
      for (const [at, mask] of flips) result[at % result.length]! ^= mask
      return result
    })
  const property = fc.asyncProperty(fc.oneof({ weight: 4, arbitrary: damaged }, fc.uint8Array()), async (bytes) => {
    try {
      checkImage(await decodeImage(bytes, 'fuzz', { maxPixels: 1e6 }))
    } catch (error) {
      expect(error).toBeInstanceOf(AugmentError)
      expect((error as AugmentError).code).toBe('failed')
      expect((error as AugmentError).message).not.toContain('\n')
    }
  })
  await fc.assert(property, { numRuns: 300 })
})
