/** What exporters write into their files; the texts are those of Ultralytics 8.4.190 and of onnx/docs/MetadataProps.md. */
import { create } from '@bufbuild/protobuf'
import { StringStringEntryProtoSchema } from 'onnx-buf'
import { expect, test } from 'vitest'
import { metadataOf, toldBy } from '../../src/classifiers/metadata.js'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { revise } from '../../src/onnx/revise.js'
import { modelOf } from '../helpers/onnx.js'

/** What a model with this metadata tells, by way of its bytes. */
function told(metadata: Readonly<Record<string, string>>) {
  const nodes = [makeNode('Relu', ['x'], ['y'])]
  const model = modelOf({ nodes, inputs: { x: [1, 3] }, outputs: ['y'] })
  const metadataProps = Object.entries(metadata).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  )
  return toldBy(metadataOf(writeModel({ ...model, proto: revise(model.proto, { metadataProps }) })))
}

const yolo = { author: 'Ultralytics', task: 'classify', channels: '3', imgsz: '[64, 64]' }

test('Ultralytics: pixels / 255, and the names of a Python dictionary', () => {
  const names = `{0: 'cat', 1: 'it\\'s a "dog"', 2: "a bird's", 3: 'back\\\\slash'}`
  expect(told({ ...yolo, names })?.descriptor).toEqual({
    ...{ scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
    classes: ['cat', 'it\'s a "dog"', "a bird's", 'back\\slash'],
  })
  expect(told({ ...yolo, names: "{1: 'cat', 0: 'dog'}" })?.descriptor.classes).toBeUndefined()
  expect(told({ ...yolo, names: "{0: 'cat'" })?.descriptor.classes).toBeUndefined()
  expect(told({ ...yolo, task: 'detect', names })).toBeNull()
})

test('Image metadata: range and order of the channels', () => {
  const image = { 'Image.BitmapPixelFormat': 'Bgr8', 'Image.ColorSpaceGamma': 'SRGB' }
  const range = (value: string) => told({ ...image, 'Image.NominalPixelRange': value })?.descriptor
  const bgr = { colorOrder: 'bgr' }
  expect(range('NominalRange_0_255')).toEqual({ ...bgr, scale: 1, mean: [0, 0, 0], std: [1, 1, 1] })
  expect(range('Normalized_0_1')).toEqual({ ...bgr, scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] })
  expect(range('Normalized_1_1')).toEqual({ ...bgr, scale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] })
  expect(range('NominalRange_16_235')).toBeUndefined()
  expect(told({ 'image.bitmapPIXELformat': 'RGB8', 'Image.nominalpixelrange': 'NORMALIZED_0_1' })?.descriptor).toEqual({
    ...{ colorOrder: 'rgb', scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
  })
  const grey = { 'Image.BitmapPixelFormat': 'Gray8', 'Image.NominalPixelRange': 'NominalRange_0_255' }
  expect(told(grey)?.descriptor).toEqual({ scale: 1, mean: [0], std: [1] })
})

test('other metadata tells nothing, and what is no model has none', () => {
  expect(told({ producer: 'me', names: "{0: 'cat'}" })).toBeNull()
  expect(metadataOf(new TextEncoder().encode('no model at all'))).toEqual(new Map())
  expect(metadataOf(new Uint8Array())).toEqual(new Map())
})
