import { readFileSync } from 'node:fs'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { expect, test } from 'vitest'
import { encodeModel } from '../../src/onnx/encode.js'

const bundled = readFileSync(new URL('../../models/cifar10.onnx', import.meta.url))

test('a model means the same in pieces, unknown fields included', () => {
  const model = fromBinary(ModelProtoSchema, bundled)
  const unknown = [{ no: 1000, wireType: 2, data: Uint8Array.of(2, 7, 8) }]
  Object.assign(model, { $unknown: unknown })
  Object.assign(model.graph!.initializer[0]!, { $unknown: unknown })
  // As bytes, which compare a thousand times faster than messages do.
  const meaning = (bytes: Uint8Array) => toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes))
  expect(Buffer.compare(meaning(encodeModel(model)), meaning(toBinary(ModelProtoSchema, model)))).toBe(0)
})
