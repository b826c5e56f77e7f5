import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configJsonSchema } from '../../src/run/config.js'
import { readConfigFile } from '../../src/run/configFile.js'
import { temporaryFolder } from '../helpers/folder.js'

const SCHEMA = new URL('../../sage-augment.schema.json', import.meta.url)

test('the schema that ships is the one of the options (UPDATE=1 writes it)', () => {
  const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`
  if (process.env.UPDATE) writeFileSync(SCHEMA, text)
  expect(readFileSync(SCHEMA, 'utf8')).toBe(text)
  expect(configJsonSchema()).toMatchObject({
    additionalProperties: false,
    properties: { quality: { minimum: 1, maximum: 100 }, device: { enum: ['auto', 'cuda', 'webgpu', 'cpu'] } },
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
