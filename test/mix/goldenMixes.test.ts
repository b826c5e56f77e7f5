import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { encodeImage } from '../../src/codec/codec.js'
import { DEFAULT_MAX_PIXELS, decodeImage } from '../../src/codec/decode.js'
import type { Image } from '../../src/core/image.js'
import { randomStream } from '../../src/core/random.js'
import { defaultParameters, type MethodName, methods } from '../../src/mix/index.js'
import { hill } from './pictures.js'

const FOLDER = 'fixtures/golden-mixes'

const read = (name: string): Promise<Image> =>
  decodeImage(readFileSync(`${FOLDER}/${name}.png`), name, { maxPixels: DEFAULT_MAX_PIXELS })

/** Four photographs, 96 x 64, each with a hill of saliency on a grid of another shape. */
async function samples() {
  const hills = [
    [0.3, 0.4],
    [0.6, 0.5],
    [0.5, 0.3],
    [0.4, 0.7],
  ] as const
  return Promise.all(
    hills.map(async ([x, y], i) => ({ image: await read(`source-${i}`), saliency: hill(32, 32, x, y, i) })),
  )
}

/** The methods, and the options that take another path through one. */
const CASES: readonly (readonly [MethodName, string, object])[] = [
  ['sage', 'sage', { shift: 'exact' }],
  ['mixup', 'mixup', {}],
  ['cutmix', 'cutmix', {}],
  ['smoothmix', 'smoothmix', {}],
  ['saliencymix', 'saliencymix', {}],
  ['saliencymix', 'saliencymix-spectral-residual', { detector: 'spectral-residual' }],
  ['puzzlemix', 'puzzlemix', { blocks: 8, xi: 0.2 }],
  ['comixup', 'comixup', {}],
]

test('every method has a golden image', () => {
  expect([...new Set(CASES.map(([name]) => name))].sort()).toEqual(Object.keys(methods).sort())
  expect(readdirSync(FOLDER).filter((name) => !name.startsWith('source-')).length).toBeGreaterThanOrEqual(CASES.length)
})

test.each(CASES)('%s mixes the pixels of %s.png from its seed', async (name, file, more) => {
  const sources = await samples()
  const parameters = { ...defaultParameters(name), ...more } as never
  const method = methods[name]
  const images =
    'mixGroup' in method
      ? method.mixGroup(sources, parameters, randomStream(1, 0)).map(({ image }) => image)
      : [method.mix(sources, parameters, randomStream(1, 0)).image]
  for (const [i, image] of images.entries()) {
    const golden = images.length === 1 ? file : `${file}-${i}`
    if (process.env.UPDATE) writeFileSync(`${FOLDER}/${golden}.png`, await encodeImage(image, 'png', 100))
    expect(existsSync(`${FOLDER}/${golden}.png`)).toBe(true)
    expect(Buffer.compare(image.data, (await read(golden)).data)).toBe(0)
  }
})
