import path from 'node:path'
import { expect, test } from 'vitest'
import { describeFile } from '../../src/classifiers/describe.js'
import { temporaryFolder } from '../helpers/folder.js'

/** As transformers 5 writes them for a ViT, cut down. */
const PROCESSOR = {
  ...{
    do_normalize: true,
    do_rescale: true,
    image_processor_type: 'ViTImageProcessor',
    rescale_factor: 0.00392156862745098,
  },
  ...{ image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], size: { height: 224, width: 224 } },
}
const CONFIG = { model_type: 'vit', id2label: { '0': 'cat', '1': 'dog' } }

async function described(files: Readonly<Record<string, object>>) {
  const texts = Object.entries(files).map(([name, value]) => [name, JSON.stringify(value)])
  const folder = temporaryFolder(Object.fromEntries(texts))
  return describeFile(path.join(folder, 'model.onnx'), new Uint8Array())
}

test('the files of transformers beside a model are read', async () => {
  const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }
  expect(await described({ 'preprocessor_config.json': PROCESSOR, 'config.json': CONFIG })).toMatchObject({
    descriptor: { scale: 0.00392156862745098, ...half, classes: ['cat', 'dog'] },
    told: 'preprocessor_config.json',
  })
  const plain = { ...PROCESSOR, do_normalize: false, do_rescale: false }
  expect((await described({ 'preprocessor_config.json': plain })).descriptor).toEqual({
    ...{ scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
  })
  const { descriptor, told } = await described({ 'config.json': CONFIG })
  expect({ descriptor, told }).toEqual({ descriptor: {}, told: null })
})

test("the model's own .json goes first, scale, mean and std as one", async () => {
  const beside = { 'preprocessor_config.json': PROCESSOR, 'config.json': CONFIG }
  const { descriptor, told } = await described({ ...beside, 'model.json': { std: [0.25, 0.25, 0.25] } })
  expect({ descriptor, told }).toEqual({ descriptor: { classes: ['cat', 'dog'], std: [0.25, 0.25, 0.25] }, told: null })
  expect(await described({ ...beside, 'model.json': { classes: ['tabby', 'pug'] } })).toMatchObject({
    descriptor: { classes: ['tabby', 'pug'], mean: [0.5, 0.5, 0.5] },
    told: 'preprocessor_config.json',
  })
})
