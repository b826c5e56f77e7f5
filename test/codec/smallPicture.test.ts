import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { sniffFormat } from '../../src/codec/format.js'
import { isPlain } from '../../src/codec/plain.js'
import { toRgb } from '../../src/codec/samples.js'
import { encodeSmallJpeg } from '../../src/codec/smallJpeg.js'
import { decodeSmall } from '../../src/codec/smallPicture.js'
import type { Image } from '../../src/core/image.js'
import { type Random, randomStream } from '../../src/core/random.js'

sharp.concurrency(1)

/** Noise, waves, edges and flat grey, of any size up to 40 x 40. */
function drawn(random: Random, kind: number): Image {
  const [width, height] = [random.integer(1, 40), random.integer(1, 40)]
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)]
    if (kind === 0) return random.integer(0, 255)
    if (kind === 1) return 128 + 70 * Math.sin(x / 5 + (i % 3)) + 50 * Math.cos(y / 7)
    return kind === 2 ? 255 * random.integer(0, 1) : 77
  })
  return { data, width, height }
}

const fromImage = ({ data, width, height }: Image) => sharp(data, { raw: { width, height, channels: 3 } })

test('small JPEGs have the bytes that sharp gives them', async () => {
  const random = randomStream(1, 0)
  for (let i = 0; i < 80; i++) {
    const [image, quality] = [drawn(random, i % 4), [95, 1, 50, 100, 75, 99, 10][i % 7]!]
    const expected = await fromImage(image).jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer()
    expect(Buffer.compare(encodeSmallJpeg(image, quality), expected), `${i}`).toBe(0)
  }
})

/** RGB as the quick decoder gives it, null where it leaves a picture to sharp. */
async function quick(bytes: Uint8Array): Promise<Image | null> {
  const format = sniffFormat(bytes)
  if (format === undefined || !isPlain(format, bytes)) return null
  const samples = await decodeSmall(format, bytes)
  return samples && toRgb(samples, 'full').image
}

/** RGB over white as sharp gives it, null where it refuses a picture. */
async function slow(bytes: Uint8Array): Promise<Image | null> {
  try {
    const picture = sharp(bytes, { failOn: 'error' }).autoOrient().toColourspace('srgb')
    const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true })
    const [bands, alpha] = [info.channels, info.channels % 2 === 0 ? info.channels - 1 : null]
    return toRgb({ ...info, data: new Uint8Array(data), bands, colours: bands > 2 ? 3 : 1, alpha, white: 255 }, 'full')
      .image
  } catch {
    return null
  }
}

async function kindsOf(image: Image, i: number): Promise<Uint8Array[]> {
  const picture = fromImage(image)
  const chromaSubsampling = ['4:4:4', '4:2:0'][i % 2]!
  return Promise.all([
    picture
      .clone()
      .jpeg({ quality: 40 + i, chromaSubsampling, optimiseCoding: i % 3 > 0 })
      .toBuffer(),
    picture.clone().greyscale().jpeg().toBuffer(),
    picture.clone().png().toBuffer(),
    picture.clone().greyscale().png({ progressive: true }).toBuffer(),
    picture
      .clone()
      .png({ palette: true, colours: 2 ** (1 + (i % 8)) })
      .toBuffer(),
    picture.clone().ensureAlpha(0.4).png().toBuffer(),
  ])
}

test('small JPEGs and PNGs have the pixels that sharp gives them', async () => {
  const random = randomStream(2, 0)
  for (let i = 0; i < 30; i++) {
    for (const [k, bytes] of (await kindsOf(drawn(random, i % 4), i)).entries()) {
      expect(await quick(bytes), `${i} ${k}`).toEqual(await slow(bytes))
    }
  }
})

test('what is larger, progressive or described goes to sharp, and what it refuses is refused', async () => {
  const image = { data: new Uint8Array(3 * 101 * 100).fill(9), width: 101, height: 100 }
  const others = [
    fromImage(image).jpeg(),
    fromImage(image).png(),
    fromImage({ ...image, width: 10, height: 1 }).jpeg({ progressive: true }),
    fromImage({ ...image, width: 10, height: 1 })
      .jpeg()
      .withExif({ IFD0: { Copyright: 'x' } }),
  ]
  for (const picture of others) expect(await quick(await picture.toBuffer())).toBe(null)
  const folder = 'fixtures/broken/refused'
  for (const name of readdirSync(folder)) expect(await quick(readFileSync(path.join(folder, name))), name).toBe(null)
})

test('no damage passes that sharp finds, in any byte', async () => {
  const random = randomStream(3, 0)
  for (let i = 0; i < 12; i++) {
    for (const bytes of await kindsOf(drawn(random, i % 3), i)) {
      for (const cut of [false, true]) {
        const at = random.integer(20, bytes.length - 1)
        const damaged = cut
          ? bytes.subarray(0, at)
          : Buffer.from(bytes).fill(bytes[at]! ^ (1 << random.integer(0, 7)), at, at + 1)
        if ((await quick(damaged)) !== null) expect(await slow(damaged), `${i} ${at} ${cut}`).not.toBe(null)
      }
    }
  }
})
