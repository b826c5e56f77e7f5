import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { resolveModel } from '../../src/classifiers/resolveModel.js'
import { resize } from '../../src/codec/codec.js'
import { decodeImage } from '../../src/codec/decode.js'
import { saliencyModel } from '../../src/saliency/saliencyModel.js'
import { createSession } from '../../src/saliency/session.js'

const photo = (name: string) => readFileSync(new URL(`../../fixtures/photos/${name}`, import.meta.url))

test('auto takes the bundled model that knows every class at the size of the pictures, else the general one', async () => {
  const chosen = async (classes: string[], side: number) => (await resolveModel('auto', classes, {}, side)).name
  expect(await chosen(['cat', 'dog'], 32)).toBe('cifar10')
  expect(await chosen(['Sandal', 'Coat'], 28)).toBe('fashion-mnist')
  expect(await chosen(['cat', 'dog'], 500)).toBe('general')
  expect(await chosen(['n02124075', 'n07920052'], 32)).toBe('general')
  expect(await chosen(['n02124075', 'n07920052'], 500)).toBe('general')
  expect(await chosen(['zebra', 'unicorn'], 500)).toBe('general')
  expect(await chosen(['zebra', 'unicorn'], 32)).toBe('cifar10')
  expect(await chosen([], 2000)).toBe('general')
})

/** What the float32 weights say in PyTorch (package efficientnet-lite-pytorch 0.1.0), each with more than .78. */
const KNOWN = { 'chelsea.jpg': 285, 'coffee.jpg': 967, 'cameraman.jpg': 872 }

test('the general classifier sees in photographs what its published weights see', async () => {
  const model = await resolveModel('general', [], {})
  const { bytes, width, height } = await saliencyModel(model.bytes, 'general', {
    ...{ preprocessing: model.preprocessing, width: model.width!, height: model.height! },
    ...{ loss: 'ce', target: 'predicted', blur: { kernel: 5, sigma: 1 }, channelNorm: 'mean' },
  })
  const session = await createSession(bytes, { device: 'cpu' })
  const pixels = await Promise.all(
    Object.keys(KNOWN).map(async (name) => {
      const image = await decodeImage(photo(name), name, { maxPixels: 2 ** 20 })
      return (await resize(image, width, height)).data
    }),
  )
  const dims = [pixels.length, height, width, 3]
  const { logits } = await session.run({ pixels: { type: 'uint8', dims, data: new Uint8Array(Buffer.concat(pixels)) } })
  await session.release()
  const rows = pixels.map((_, i) => Array.from((logits!.data as Float32Array).subarray(i * 1000, (i + 1) * 1000)))
  expect(rows.map((row) => row.indexOf(Math.max(...row)))).toEqual(Object.values(KNOWN))
})
