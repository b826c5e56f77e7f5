import { constants, deflateRawSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Bytes } from '../../src/containers/bytes.js'
import { inflated } from '../../src/containers/inflated.js'

function bytesOf(buffer: Buffer): Bytes {
  return { size: buffer.length, read: async (at, length) => buffer.subarray(at, at + length) }
}

/** Stretches that deflate writes as each of its kinds of blocks: noise, few values, long repeats. */
function content(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let i = 0, state = seed; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const stretch = (i >> 18) % 3
    bytes[i] = stretch === 0 ? state >>> 24 : stretch === 1 ? (state >>> 24) % 7 : i % 91
  }
  return bytes
}

const plain = content(5_000_000, 1)

test.each([
  ['gzip -1', gzipSync(plain, { level: 1 }), plain],
  ['gzip -9', gzipSync(plain, { level: 9 }), plain],
  ['fixed codes', gzipSync(plain, { strategy: constants.Z_FIXED }), plain],
  ['no compression', gzipSync(plain, { level: 0 }), plain],
  ['small blocks', gzipSync(plain, { memLevel: 1 }), plain],
  [
    'members one after another',
    Buffer.concat([gzipSync(plain), gzipSync(plain.subarray(0, 99_999))]),
    Buffer.concat([plain, plain.subarray(0, 99_999)]),
  ],
])('any part of %s is as zlib inflates it', async (_, packed, expected) => {
  const found = await inflated(bytesOf(packed), { kind: 'gzip' })
  expect(found.size).toBe(expected.length)
  const part = fc.tuple(fc.nat(expected.length), fc.nat(200_000))
  await fc.assert(
    fc.asyncProperty(part, async ([at, length]) => {
      expect((await found.read(at, length)).equals(expected.subarray(at, at + length))).toBe(true)
    }),
    { numRuns: 60 },
  )
  expect((await found.read(0, expected.length)).equals(expected)).toBe(true)
})

test('damage is found, and more than was declared is refused', async () => {
  const packed = deflateRawSync(plain.subarray(0, 400_000))
  const wrapping = { kind: 'deflate', start: 0 } as const
  await expect(inflated(bytesOf(packed.subarray(0, 200_000)), wrapping)).rejects.toThrow('they end early')
  await expect(inflated(bytesOf(packed), wrapping, 399_999)).rejects.toThrow('found more bytes than it declares')
  expect((await inflated(bytesOf(packed), wrapping, 400_000)).size).toBe(400_000)
  for (const size of [0, 1]) {
    expect((await inflated(bytesOf(gzipSync(plain.subarray(0, size))), { kind: 'gzip' })).size).toBe(size)
  }
})
