import { expect, test } from 'vitest'
import { DEFAULT_MAX_PIXELS, decodeImage, decodePicture } from '../../src/codec/decode.js'
import type { GreyRange } from '../../src/codec/samples.js'
import { encodeTiff, type TiffLayout } from '../helpers/tiff.js'

const [WIDTH, HEIGHT] = [9, 7]
const PIXELS = Array.from({ length: WIDTH * HEIGHT }, (_, i) => i)
/** Five bands that differ, 8-bit values. */
const BANDS = [0, 1, 2, 3, 4].map((band) => PIXELS.map((i) => (3 * i + 47 * band) % 256))
const [UNSPECIFIED, ASSOCIATED, UNASSOCIATED] = [0, 1, 2]

type Partly = Partial<TiffLayout> & Pick<TiffLayout, 'photometric'>

/** A TIFF of these bands (8-bit values, in 16 bits times 257) and what is read from it. */
function read(bands: readonly number[][], layout: Partly, range: GreyRange = 'full') {
  const bits = layout.bits ?? 8
  const samples = bands.map((band) => band.map((value) => (bits === 16 ? Math.round(value * 257) : Math.round(value))))
  const bytes = encodeTiff(samples, { width: WIDTH, height: HEIGHT, bits, ...layout })
  return decodePicture(bytes, 'made.tif', { maxPixels: DEFAULT_MAX_PIXELS, range })
}

/** Pixels of three bands, over white by `cover` where it is given. */
function rgb(bands: readonly number[][], cover?: readonly number[]): number[] {
  return PIXELS.flatMap((i) =>
    bands.map((band) => (cover === undefined ? band[i]! : (band[i]! * cover[i]!) / 255 + 255 - cover[i]!)),
  )
}

function worst(image: { data: Uint8Array }, expected: readonly number[]): number {
  expect(image.data).toHaveLength(expected.length)
  return Math.max(...expected.map((value, i) => Math.abs(value - image.data[i]!)))
}

const GREY = [BANDS[0]!, BANDS[0]!, BANDS[0]!]
const LAYOUTS = [8, 16].flatMap((bits) =>
  [false, true].flatMap((planar) =>
    [false, true].flatMap((bigEndian) =>
      [false, true].map(
        (big): Partial<TiffLayout> => ({
          bits: bits as 8 | 16,
          planar,
          bigEndian,
          big,
          rowsPerStrip: 3,
        }),
      ),
    ),
  ),
)
const nameOf = (layout: Partial<TiffLayout>) =>
  `${layout.bits} bit, ${layout.planar ? 'planar' : 'interleaved'}, ${layout.bigEndian ? 'MM' : 'II'}${layout.big ? ', BigTIFF' : ''}`
const CASES = LAYOUTS.map((layout) => [nameOf(layout), layout] as const)

test.each(CASES)('a band that is no alpha is dropped, one that is goes over white: %s', async (_, layout) => {
  const three = BANDS.slice(0, 3)
  const infrared = await read(BANDS.slice(0, 4), { ...layout, photometric: 2, extraSamples: [UNSPECIFIED] })
  expect(worst(infrared.image, rgb(three))).toBe(0)
  expect(infrared.reading).toMatchObject({ bands: 1 })
  expect(infrared.reading).not.toHaveProperty('alpha')
  const untold = await read(BANDS.slice(0, 4), { ...layout, photometric: 2 })
  expect(worst(untold.image, rgb(three))).toBe(0)
  const five = await read(BANDS, { ...layout, photometric: 2, extraSamples: [UNSPECIFIED, UNASSOCIATED] })
  expect(worst(five.image, rgb(three, BANDS[4]))).toBeLessThanOrEqual(1)
  expect(five.reading).toMatchObject({ alpha: true, bands: 1 })
  const grey = await read(BANDS.slice(0, 2), { ...layout, photometric: 1, extraSamples: [UNSPECIFIED] })
  expect(worst(grey.image, rgb(GREY))).toBe(0)
  expect(grey.reading).toMatchObject({ bands: 1 })
  const clear = await read(BANDS.slice(0, 2), { ...layout, photometric: 1, extraSamples: [UNASSOCIATED] })
  expect(worst(clear.image, rgb(GREY, BANDS[1]))).toBeLessThanOrEqual(1)
  const negative = await read(BANDS.slice(0, 2), { ...layout, photometric: 0, extraSamples: [UNASSOCIATED] })
  const turned = BANDS[0]!.map((value) => 255 - value)
  expect(worst(negative.image, rgb([turned, turned, turned], BANDS[1]))).toBeLessThanOrEqual(1)
})

test.each(CASES)('colours that alpha is already in are not multiplied twice: %s', async (_, layout) => {
  const cover = PIXELS.map((i) => (255 - 3 * i) % 256)
  const into = (band: readonly number[]) => band.map((value, i) => (value * cover[i]!) / 255)
  const three = BANDS.slice(0, 3)
  const colour = await read([...three.map(into), cover], { ...layout, photometric: 2, extraSamples: [ASSOCIATED] })
  expect(worst(colour.image, rgb(three, cover))).toBeLessThanOrEqual(2)
  const grey = await read([into(BANDS[0]!), cover], { ...layout, photometric: 1, extraSamples: [ASSOCIATED] })
  expect(worst(grey.image, rgb(GREY, cover))).toBeLessThanOrEqual(2)
})

test.each(CASES)('CMYK loses a further band and takes alpha as RGB does: %s', async (_, layout) => {
  const inks = BANDS.slice(0, 4)
  const plain = await read(inks, { photometric: 5 })
  const more = await read(BANDS, { ...layout, photometric: 5, extraSamples: [UNSPECIFIED] })
  expect(worst(more.image, [...plain.image.data])).toBeLessThanOrEqual(1)
  const clear = await read(BANDS, { ...layout, photometric: 5, extraSamples: [UNASSOCIATED] })
  const colours = [0, 1, 2].map((c) => PIXELS.map((i) => plain.image.data[3 * i + c]!))
  expect(worst(clear.image, rgb(colours, BANDS[4]))).toBeLessThanOrEqual(2)
})

test('bands that stay without a meaning are refused by their number', async () => {
  for (const bands of [3, 4, 5]) {
    for (const layout of [{}, { bits: 16 }, { planar: true }] as const) {
      const reading = read(BANDS.slice(0, bands), { ...layout, photometric: 1 })
      const message = `made.tif: found ${bands} bands, expected grey or RGB, with alpha or not`
      await expect(reading).rejects.toMatchObject({ code: 'failed', message })
    }
  }
})

test.each([
  [50000, 1, 'compression zstd'],
  [34887, 1, 'compression LERC'],
  [34712, 2, 'compression JPEG 2000'],
  [1, 8, 'a TIFF of CIELAB, expected grey, RGB, palette or CMYK'],
])(
  'compression %i, photometric %i: what cannot be read is not called damaged',
  async (compression, photometric, text) => {
    const bands = BANDS.slice(0, photometric === 1 ? 1 : 3)
    const refusal = await read(bands, { photometric, compression }).catch((error: Error) => error.message)
    expect(refusal).toContain(`found`)
    expect(refusal).toContain(text)
    expect(refusal).not.toMatch(/damaged|YCbCr/)
  },
)

test('YCbCr that would be taken for RGB is refused', async () => {
  for (const layout of [{}, { planar: true }]) {
    await expect(read(BANDS.slice(0, 3), { ...layout, photometric: 6 })).rejects.toMatchObject({
      code: 'failed',
      message: 'made.tif: found YCbCr outside of JPEG compression, expected RGB',
    })
  }
})

test('12 bits stored in 16 are told, and spread over all grey levels when asked to', async () => {
  const values = PIXELS.map((i) => Math.round((i * 4095) / (PIXELS.length - 1)))
  const bytes = encodeTiff([values], { width: WIDTH, height: HEIGHT, bits: 16, photometric: 1 })
  const decode = (range: GreyRange) => decodePicture(bytes, 'x.tif', { maxPixels: DEFAULT_MAX_PIXELS, range })
  const full = await decode('full')
  expect([...full.image.data].filter((_, i) => i % 3 === 0)).toEqual(values.map((value) => value >> 8))
  expect(full.reading).toEqual({ depth: true, values: [0, 4095], levels: 16 })
  const auto = await decode('auto')
  expect(worst(auto.image, rgb(Array(3).fill(values.map((value) => (value * 255) / 4095))))).toBeLessThanOrEqual(0.5)
  expect(auto.reading).toEqual({ depth: true, values: [0, 4095], range: [0, 4095] })
  const window = await decode([1000, 2000])
  const clamped = values.map((value) => Math.min(255, Math.max(0, ((value - 1000) * 255) / 1000)))
  expect(worst(window.image, rgb(Array(3).fill(clamped)))).toBeLessThanOrEqual(0.5)
})

test.each(['full', 'auto', [0, 4095], [100, 1000]] as const)(
  'a range means the values in the file, also where they count from white to black: %s',
  async (range) => {
    const values = PIXELS.map((i) => Math.round((i * 4095) / (PIXELS.length - 1)))
    const [low, high] = range === 'full' ? [0, 65535] : range === 'auto' ? [0, 4095] : range
    const negative = values.map((value) => 255 - Math.min(255, Math.max(0, ((value - low) * 255) / (high - low))))
    for (const [bands, layout] of [
      [[values], {}],
      [[values, values], { planar: true, extraSamples: [UNSPECIFIED] }],
    ] as const) {
      const bytes = encodeTiff(bands, { width: WIDTH, height: HEIGHT, bits: 16, photometric: 0, ...layout })
      const { image, reading } = await decodePicture(bytes, 'x.tif', { maxPixels: DEFAULT_MAX_PIXELS, range })
      expect(worst(image, rgb([negative, negative, negative]))).toBeLessThanOrEqual(1)
      expect(reading).toMatchObject({ values: [0, 4095] })
    }
  },
)

test('a range beside the values of a picture is told as one that leaves few levels', async () => {
  const values = PIXELS.map((i) => 5000 + i)
  const bytes = encodeTiff([values], { width: WIDTH, height: HEIGHT, bits: 16, photometric: 1 })
  const { reading } = await decodePicture(bytes, 'x.tif', { maxPixels: DEFAULT_MAX_PIXELS, range: [0, 4095] })
  expect(reading).toMatchObject({ values: [5000, 5062], range: [0, 4095], levels: 1 })
})

test('a picture of one grey value keeps it, whatever the range', async () => {
  const bytes = encodeTiff([PIXELS.map(() => 1000)], { width: WIDTH, height: HEIGHT, bits: 16, photometric: 1 })
  const { image } = await decodePicture(bytes, 'x.tif', { maxPixels: DEFAULT_MAX_PIXELS, range: 'auto' })
  expect(new Set(image.data)).toEqual(new Set([3]))
})

test('a damaged header gives a refusal', async () => {
  const bytes = encodeTiff(BANDS.slice(0, 2), { width: WIDTH, height: HEIGHT, bits: 8, photometric: 1, planar: true })
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes)
    damaged[at]! ^= 0xff
    await decodeImage(damaged, 'x.tif', { maxPixels: 1e6 }).catch((error) => expect(error.code).toBe('failed'))
  }
})
