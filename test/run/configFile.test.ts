import { expect, test } from 'vitest'
import { configJsonSchema } from '../../src/run/config.js'
import { readConfigFile } from '../../src/run/configFile.js'
import { temporaryFolder } from '../helpers/folder.js'

test('the schema knows the ranges and no other names', () => {
  expect(configJsonSchema()).toMatchObject({
    additionalProperties: false,
    properties: { quality: { minimum: 1, maximum: 100 }, pairing: { enum: ['any', 'different-class', 'same-class'] } },
  })
})

test('paths are relative to the file, names of models and absolute paths are not', async () => {
  const folder = temporaryFolder({
    'a.json': JSON.stringify({ images: 'pets', out: '/tmp/aug', model: 'cifar10' }),
    'b.json': JSON.stringify({ model: 'nets/resnet.onnx' }),
  })
  expect(await readConfigFile(`${folder}/a.json`)).toEqual({
    images: `${folder}/pets`,
    out: '/tmp/aug',
    model: 'cifar10',
  })
  expect(await readConfigFile(`${folder}/b.json`)).toEqual({ model: `${folder}/nets/resnet.onnx` })
})

test.each(['[1]', '3', 'null', '{'])('%s is no configuration', async (text) => {
  const folder = temporaryFolder({ 'a.json': text })
  await expect(readConfigFile(`${folder}/a.json`)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('expected a JSON object of options'),
  })
})
