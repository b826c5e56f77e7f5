import { expect, test } from 'vitest'
import { decodePicture } from '../../src/codec/decode.js'
import type { GreyRange } from '../../src/codec/samples.js'

function read(header: string, samples: readonly number[] = [], range: GreyRange = 'full') {
  const bytes = Buffer.concat([Buffer.from(header), Buffer.from(samples)])
  return decodePicture(bytes, 'x.pnm', { maxPixels: 100, range })
}

/** Red of every pixel. */
async function levels(header: string, samples: readonly number[] = [], range: GreyRange = 'full'): Promise<number[]> {
  const { image } = await read(header, samples, range)
  return [...image.data].filter((_, i) => i % 3 === 0)
}

test('bits are black where they are 1, plain with or without spaces, raw in rows of whole bytes', async () => {
  expect(await levels('P1\n# two rows\n3 2\n101\n0 1 0\n')).toEqual([0, 255, 0, 255, 0, 255])
  expect(await levels('P4 3 2\n', [0b10111111, 0b01011111])).toEqual([0, 255, 0, 255, 0, 255])
})

test('plain numbers stand between any white space and comments', async () => {
  const { image } = await read('P3 # colours\n2 1 # size\n255\n1 2 3 # first\n4\t5\r\n255')
  expect([...image.data]).toEqual([1, 2, 3, 4, 5, 255])
  expect(await levels('P2 3 1 255 0 7 255')).toEqual([0, 7, 255])
})

test('the largest value is white, whatever it is', async () => {
  expect(await levels('P5 3 1 15\n', [0, 7, 15])).toEqual([0, 119, 255])
  expect(await levels('P5 3 1 1000\n', [0, 0, 1, 244, 3, 232])).toEqual([0, 128, 255])
  expect(await levels('P5 2 1 65535\n', [255, 255, 1, 255])).toEqual([255, 1])
  const { image } = await read('P6 1 1 65535\n', [255, 255, 128, 0, 1, 0])
  expect([...image.data]).toEqual([255, 128, 1])
})

test('16-bit grey takes a range', async () => {
  expect(await levels('P5 3 1 65535\n', [0, 100, 0, 150, 0, 200], 'auto')).toEqual([0, 128, 255])
  const { reading } = await read('P5 3 1 65535\n', [0, 100, 0, 150, 0, 200])
  expect(reading).toMatchObject({ depth: true, values: [100, 200] })
})

test.each([
  ['P5 2 2 255\n', [1, 2, 3], 'a damaged or truncated PNM'],
  ['P2 2 2 255 1 2 3', [], 'a damaged or truncated PNM'],
  ['P5 2 1 15\n', [3, 16], 'a damaged or truncated PNM'],
  ['P5 0 1 15\n', [], 'a damaged or truncated PNM'],
  ['P1 2 1 1 2', [], 'a damaged or truncated PNM'],
  ['P5 99 99 255\n', [], '99 x 99 pixels'],
  ['P7\nWIDTH 1\n', [], 'a PAM'],
  ['PF\n1 1\n-1.0\n', [], 'a PFM'],
] as const)('%j is refused', async (header, samples, found) => {
  await expect(read(header, samples)).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringContaining(`x.pnm: found ${found}, expected `),
  })
})
