/** Sizes that are declared in multiples of the batch, and those that a run finds. */
import { create } from '@bufbuild/protobuf'
import { ValueInfoProtoSchema } from 'onnx-buf'
import { expect, test } from 'vitest'
import { type Model, readModel, type ValueInfoProto, writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { reshapedSizes } from '../../src/saliency/declareSizes.js'
import { gradientModel } from '../../src/saliency/gradientModel.js'
import { float32, modelOf, runModel } from '../helpers/onnx.js'

const integers = (...values: number[]) => ({ dims: [values.length], values, dtype: DataType.INT64 })

/** x [N, 4, 6] cut into windows, in another order, and with one more row, with its first picture once more. */
const views = modelOf({
  nodes: [
    makeNode('Reshape', ['x', 'windows'], ['w']),
    makeNode('Transpose', ['w'], ['t'], { perm: [1, 0] }),
    makeNode('Reshape', ['t', 'rows'], ['r']),
    makeNode('Gather', ['x', 'first'], ['f']),
    makeNode('Concat', ['x', 'f'], ['more'], { axis: 0 }),
    makeNode('Reshape', ['more', 'flat'], ['m']),
    makeNode('Reshape', ['scale', 'flat'], ['s']),
    makeNode('Reshape', ['x', 'flat'], ['y']),
  ],
  inputs: { x: ['batch', 4, 6] },
  outputs: ['y', 'r', 'm', 's'],
  weights: {
    windows: integers(-1, 2),
    rows: integers(2, -1, 3),
    flat: integers(-1, 24),
    first: integers(0),
    scale: { dims: [2, 3, 8], values: Array(48).fill(1) },
  },
})

function declared(info: ValueInfoProto, batch: string, size: number): number[] {
  const type = info.type!.value
  const dims = type.case === 'tensorType' ? type.value.shape!.dim : []
  return dims.map(({ value }) => {
    if (value.case === 'dimValue') return Number(value.value)
    const [rows, name] = /^(?:(\d+)\*)?(.*)$/.exec(String(value.value))!.slice(1)
    expect(name).toBe(batch)
    return Number(rows ?? 1) * size
  })
}

/** Every declared size is what a run of `size` pictures finds. */
async function expectSizes(model: Model, infos: readonly ValueInfoProto[], size: number, batch: string) {
  const outputs = infos.map(({ name }) => create(ValueInfoProtoSchema, { name }))
  const feeds = Object.fromEntries(
    model.graph.inputs.map((info) => {
      const dims = declared(info, batch, size)
      return [info.name, float32(dims, new Float32Array(dims.reduce((a, b) => a * b, 1)))]
    }),
  )
  const found = await runModel({ ...model, graph: { ...model.graph, outputs } }, feeds)
  for (const info of infos) expect(found[info.name]!.dims).toEqual(declared(info, batch, size))
}

test('sizes are told in multiples of the batch, or not at all', async () => {
  const inner = { ...views, graph: { ...views.graph, outputs: [] } }
  const infos = await reshapedSizes(inner)
  expect(infos.map(({ name }) => name)).toEqual(['w', 'r', 's', 'y'])
  for (const size of [1, 2, 7]) await expectSizes(inner, infos, size, 'batch')
})

test('outputs keep the type that they have, and a model of fixed sizes needs none', async () => {
  expect((await reshapedSizes(views)).map(({ name }) => name)).toEqual(['w'])
  const fixed = modelOf({
    nodes: [makeNode('Reshape', ['x', 'flat'], ['r']), makeNode('Relu', ['r'], ['y'])],
    inputs: { x: [2, 3] },
    outputs: ['y'],
    weights: { flat: integers(-1) },
  })
  expect(await reshapedSizes(fixed)).toEqual([])
})

test('a long model with few reshapes is not searched for sizes', async () => {
  const relus = Array.from({ length: 200 }, (_, i) => makeNode('Relu', [`v${i}`], [`v${i + 1}`]))
  const long = (from: number) =>
    modelOf({
      nodes: [makeNode('Reshape', ['x', 'flat'], [`v${from}`]), ...relus.slice(from)],
      inputs: { x: ['N', 2, 3] },
      outputs: ['v200'],
      weights: { flat: integers(-1, 6) },
    })
  expect(await reshapedSizes(long(0))).toEqual([])
  expect((await reshapedSizes(long(150))).map(({ name }) => name)).toEqual(['v150'])
})

test('a gradient declares the sizes of what it reshapes', async () => {
  const classifier = modelOf({
    nodes: [
      makeNode('Reshape', ['x', 'windows'], ['w']),
      makeNode('MatMul', ['w', 'a'], ['h']),
      makeNode('Reshape', ['h', 'flat'], ['f']),
      makeNode('MatMul', ['f', 'b'], ['y']),
    ],
    inputs: { x: ['N', 4, 6] },
    outputs: ['y'],
    weights: {
      windows: integers(-1, 2),
      flat: integers(-1, 36),
      a: { dims: [2, 3], values: [1, 2, 3, 4, 5, 6] },
      b: { dims: [36, 3], values: Array.from({ length: 108 }, (_, i) => Math.sin(i)) },
    },
  })
  const model = readModel(await gradientModel(writeModel(classifier), 'test.onnx'), 'test.onnx')
  const infos = model.proto.graph!.valueInfo
  expect(infos.map(({ name }) => name)).toEqual(expect.arrayContaining(['w', 'f']))
  expect(infos.some(({ name }) => name.startsWith('grad/'))).toBe(true)
  for (const size of [1, 5]) await expectSizes(model, infos, size, 'N')
})
