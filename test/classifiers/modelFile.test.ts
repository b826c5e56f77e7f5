import { readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProtoSchema,
  TensorProto_DataLocation as DataLocation,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
} from 'onnx-buf'
import { expect, test } from 'vitest'
import { readModelFile } from '../../src/classifiers/modelFile.js'
import { readModel, writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { revise } from '../../src/onnx/revise.js'
import { temporaryFolder } from '../helpers/folder.js'
import { float32, modelOf, runModel } from '../helpers/onnx.js'

/** A new model y = x w whose weights lie in an external file. */
function external(entries: Record<string, string>): string {
  const folder = temporaryFolder({ 'weights.bin': new Uint8Array(Float32Array.of(9, 9, 1, 2, 3).buffer) })
  symlinkSync('/etc/hostname', path.join(folder, 'link.bin'))
  const model = modelOf({
    nodes: [makeNode('Mul', ['x', 'w'], ['y'])],
    inputs: { x: [3] },
    outputs: ['y'],
    weights: { w: { dims: [3], values: [0, 0, 0] } },
  })
  const w = revise(model.graph.initializers.get('w')!, {
    rawData: new Uint8Array(0),
    dataLocation: DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  })
  const file = path.join(folder, 'model.onnx')
  writeFileSync(file, writeModel({ ...model, graph: { ...model.graph, initializers: new Map([['w', w]]) } }))
  return file
}

test('weights beside the model are read in', async () => {
  const bytes = await readModelFile(external({ location: 'weights.bin', offset: '8', length: '12' }))
  const { y } = await runModel(readModel(bytes, 'model.onnx'), { x: float32([3], [1, 10, 100]) })
  expect(Array.from(y!.data as Float32Array)).toEqual([1, 20, 300])
})

test('constants of nodes beside the model are read in, too', async () => {
  const file = external({ location: 'weights.bin', offset: '8', length: '12' })
  const model = fromBinary(ModelProtoSchema, readFileSync(file))
  const constant = makeNode('Constant', [], ['w'])
  const [t] = model.graph!.initializer
  constant.attribute.push(create(AttributeProtoSchema, { name: 'value', type: 4, t: t! }))
  model.graph!.node.unshift(constant)
  model.graph!.initializer = []
  writeFileSync(file, toBinary(ModelProtoSchema, model))
  const { y } = await runModel(readModel(await readModelFile(file), 'model.onnx'), { x: float32([3], [1, 10, 100]) })
  expect(Array.from(y!.data as Float32Array)).toEqual([1, 20, 300])
})

test("weights outside the model's folder are refused, also through a link", async () => {
  for (const location of ['../weights.bin', '/etc/passwd', 'link.bin', '../../../../etc/passwd']) {
    await expect(readModelFile(external({ location }))).rejects.toThrow(
      /weights of "w": (".*" is outside the model's folder|no such file)/,
    )
  }
})

test('weights that are missing or cut short are refused', async () => {
  await expect(readModelFile(external({ location: 'gone.bin' }))).rejects.toThrow(
    'weights of "w": no such file "gone.bin"',
  )
  await expect(readModelFile(external({ location: 'weights.bin', offset: '16', length: '12' }))).rejects.toThrow(
    'weights of "w": bytes 16 to 28, but "weights.bin" has 20',
  )
  await expect(readModelFile(external({ location: 'weights.bin', length: '1e15' }))).rejects.toMatchObject({
    code: 'model',
  })
  await expect(readModelFile(external({ location: 'weights.bin', offset: '-4' }))).rejects.toMatchObject({
    code: 'model',
  })
})

test('many weights that are all of one large file are refused before they fill the memory', async () => {
  const file = external({ location: 'weights.bin' })
  const model = fromBinary(ModelProtoSchema, readFileSync(file))
  const [w] = model.graph!.initializer
  model.graph!.initializer = Array.from({ length: 5 }, (_, i) => revise(w!, { name: `w${i}` }))
  writeFileSync(file, toBinary(ModelProtoSchema, model))
  truncateSync(path.join(path.dirname(file), 'weights.bin'), 2 ** 31)
  await expect(readModelFile(file)).rejects.toThrow('expected less than 2 GiB for the model in all')
})

test('a file that is not there is an error of usage', async () => {
  await expect(readModelFile(path.join(temporaryFolder(), 'no.onnx'))).rejects.toMatchObject({ code: 'usage' })
})
