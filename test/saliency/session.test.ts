import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { createSession } from '../../src/saliency/session.js'
import { needing } from '../helpers/needing.js'
import { modelOf } from '../helpers/onnx.js'

const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-node'))
const provider = join(runtime, '../bin/napi-v6', process.platform, process.arch, 'libonnxruntime_providers_shared.so')

const identity = writeModel(
  modelOf({ nodes: [makeNode('Identity', ['x'], ['y'])], inputs: { x: [1] }, outputs: ['y'] }),
)

needing('Linux without a CUDA provider', process.platform === 'linux' && !existsSync(provider))(
  'a missing CUDA provider is named',
  async () => {
    await expect(createSession(identity, { device: 'cuda' })).rejects.toMatchObject({
      code: 'device',
      message: '--device cuda: libonnxruntime_providers_shared.so is missing',
    })
  },
)

test('a model that onnxruntime refuses is an error of the model', async () => {
  await expect(createSession(new Uint8Array([1, 2, 3]), { device: 'cpu' })).rejects.toMatchObject({ code: 'model' })
})

test('a name in a broken model cannot move the cursor', async () => {
  const node = makeNode('Re\u001b[2J\rlu', ['x'], ['y'])
  const bytes = writeModel(modelOf({ nodes: [node], inputs: { x: [1] }, outputs: ['y'] }))
  await expect(createSession(bytes, { device: 'cpu' })).rejects.toThrow(/Re\?\[2J\?lu/)
})

test('an operator that ONNX does not have is named, with what to do', async () => {
  const nodes = [makeNode('Erfc', ['x'], ['y'])]
  const left = writeModel(modelOf({ nodes, inputs: { x: [1] }, outputs: ['y'] }))
  await expect(createSession(left, { device: 'cpu', threads: 1 })).rejects.toMatchObject({
    code: 'model',
    hint: expect.stringContaining('ONNX has no operator Erfc'),
  })
})
