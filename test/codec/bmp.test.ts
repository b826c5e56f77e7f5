import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decodeImage } from '../../src/codec/decode.js'

/** Written by ImageMagick 6.9.11 as RGB565, two white pixels over two red ones; with alpha; with a header of OS/2. */
const RGB565 =
  'Qk2SAAAAAAAAAIoAAAB8AAAAAgAAAAIAAAABABAAAwAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAPgAAOAHAAAfAAAAAAAAAEJHUnMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAPgA+P////8='
const HALF_RED =
  'Qk2aAAAAAAAAAIoAAAB8AAAAAgAAAAIAAAABACAAAwAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAD/AAD/AAD/AAAAAAAA/0JHUnMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAD/fwAA/38AAP9/AAD/fw=='
const OS2 = 'Qk0yAAAAAAAAABoAAAAMAAAAAwACAAEAGAAAAP8AAP8AAP8AAAD/AAD/AAD/AAAAAAA='

const bytesOf = (base64: string) => Buffer.from(base64, 'base64')
const decode = (bytes: Uint8Array, maxPixels = 1e6) => decodeImage(bytes, 'x.bmp', { maxPixels })
const times = (count: number, ...pixel: number[]) => Array.from({ length: count }, () => pixel).flat()

test('white of 5 and 6 bits is white', async () => {
  const { data } = await decode(bytesOf(RGB565))
  expect([...data]).toEqual([...times(2, 255, 255, 255), ...times(2, 255, 0, 0)])
})

test('alpha goes over white', async () => {
  const { data } = await decode(bytesOf(HALF_RED))
  expect([...data]).toEqual(times(4, 255, 128, 128))
})

test('the short header of OS/2 is read', async () => {
  const { data, width, height } = await decode(bytesOf(OS2))
  expect([width, height, ...data]).toEqual([3, 2, ...times(3, 0, 0, 255), ...times(3, 255, 0, 0)])
})

test('a negative height turns the rows around', async () => {
  const upright = readFileSync('fixtures/broken/odd/bitmap.png')
  const turned = Buffer.from(upright)
  turned.writeInt32LE(-turned.readInt32LE(22), 22)
  const [a, b] = [await decode(upright), await decode(turned)]
  const rows = (data: Uint8Array) =>
    Array.from({ length: a.height }, (_, y) => [...data.subarray(3 * a.width * y, 3 * a.width * (y + 1))])
  expect(b.height).toBe(a.height)
  expect(rows(b.data)).toEqual(rows(a.data).reverse())
})

test('a cut or a huge BMP is refused', async () => {
  const bytes = readFileSync('fixtures/broken/odd/bitmap.png')
  for (const length of [20, 40, 60, bytes.length - 500]) {
    const message = expect.stringMatching(/^x\.bmp: found (a BMP that is damaged or of a rare kind|text|bytes)/)
    await expect(decode(bytes.subarray(0, length))).rejects.toMatchObject({ code: 'failed', message })
  }
  const limit = 'x.bmp: found 37 x 23 pixels, expected at most 850'
  await expect(decode(bytes, 37 * 23 - 1)).rejects.toMatchObject({ message: limit })
})
