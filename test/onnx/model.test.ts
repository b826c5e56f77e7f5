import { readFileSync } from 'node:fs'
import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProtoSchema,
  ModelProtoSchema,
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
} from 'onnx-buf'
import { expect, test } from 'vitest'
import { AugmentError } from '../../src/core/errors.js'
import { type Model, readModel, writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { revise } from '../../src/onnx/revise.js'
import { DataType, makeTensor } from '../../src/onnx/tensor.js'
import { modelOf } from '../helpers/onnx.js'

const bytes = readFileSync(new URL('../../fixtures/gradients/small-grey.onnx', import.meta.url))

/** What is said about a model that cannot be used. */
function complaint(data: Uint8Array): string {
  try {
    readModel(data, 'm.onnx')
  } catch (error) {
    if (!(error instanceof AugmentError)) throw error
    expect(error.code).toBe('model')
    return error.message
  }
  return 'no complaint'
}

/** A sound model, broken by `change`. */
function broken(change: (graph: Model['graph']) => Partial<Model['graph']>): Uint8Array {
  const model = modelOf({
    nodes: [makeNode('Add', ['x', 'w'], ['h']), makeNode('Relu', ['h'], ['y'])],
    inputs: { x: [2] },
    outputs: ['y'],
    weights: { w: { dims: [2], values: [1, 2] } },
  })
  return writeModel({ ...model, graph: { ...model.graph, ...change(model.graph) } })
}

test('a model survives reading and writing', () => {
  const model = readModel(bytes, 'm.onnx')
  const again = readModel(writeModel(model), 'm.onnx')
  expect(again.opset).toBe(17)
  expect(again.graph.nodes.map((n) => n.opType)).toEqual(model.graph.nodes.map((n) => n.opType))
  expect([...again.graph.initializers.keys()]).toEqual([...model.graph.initializers.keys()])
})

test('what an exporter notes at its nodes is left out', () => {
  const noted = makeNode('Relu', ['x'], ['y'])
  Object.assign(noted, { docString: 'a call stack' })
  noted.metadataProps.push(
    create(StringStringEntryProtoSchema, { key: 'pkg.torch.onnx.stack_trace', value: 'a call stack' }),
  )
  const written = writeModel(modelOf({ nodes: [noted], inputs: { x: [2] }, outputs: ['y'] }))
  expect(Buffer.from(written).includes('a call stack')).toBe(false)
})

test('weights are views of the file, not copies', () => {
  const model = readModel(bytes, 'm.onnx')
  for (const tensor of model.graph.initializers.values()) expect(tensor.rawData.buffer).toBe(bytes.buffer)
})

test('every truncated file is refused in one line', () => {
  for (let length = 0; length < bytes.length; length += 97) {
    const message = complaint(bytes.subarray(0, length))
    expect(message).toMatch(/^m\.onnx: /)
    expect(message).not.toContain('\n')
  }
})

test('files that are not ONNX are refused in one line', () => {
  const text = new TextEncoder().encode('{"not": "onnx"}')
  for (const data of [text, new Uint8Array(0), new Uint8Array(1000), new Uint8Array(1000).fill(255)]) {
    expect(complaint(data)).toMatch(/^m\.onnx: not an ONNX model/)
  }
})

test('flipped bytes never crash, hang or take memory', () => {
  for (let i = 0; i < 400; i++) {
    const data = Uint8Array.from(bytes)
    const at = Math.imul(i + 1, 2654435761) >>> 0
    data[at % data.length] = at >>> 24
    complaint(data)
  }
})

test('what is wrong with a graph is said, all at once', () => {
  const duplicate = broken(({ nodes }) => ({ nodes: [...nodes, makeNode('Relu', ['x'], ['h'])] }))
  expect(complaint(duplicate)).toBe('m.onnx: "h" is defined twice, again by Relu (node "h")')
  const cycle = broken(() => ({ nodes: [makeNode('Add', ['x', 'y'], ['h']), makeNode('Relu', ['h'], ['y'])] }))
  expect(complaint(cycle)).toBe('m.onnx: Add (node "h") uses "y", which nothing before it makes')
  const both = broken(() => ({ nodes: [makeNode('Add', ['x', 'q'], ['h'])] }))
  expect(complaint(both).split('\n')).toEqual([
    'm.onnx: Add (node "h") uses "q", which nothing before it makes',
    'm.onnx: nothing makes the output "y"',
  ])
})

test('an operator that adds what it is given is given all of it', () => {
  const nodes = [makeNode('Sum', ['x', ''], ['h']), makeNode('Einsum', ['h', ''], ['y'], { equation: 'i,i->i' })]
  expect(complaint(broken(() => ({ nodes }))).split('\n')).toEqual([
    'm.onnx: Sum (node "h") lacks an input',
    'm.onnx: Einsum (node "y") lacks an input',
  ])
})

test('axes and counts that no tensor has are refused', () => {
  const nodes = [
    makeNode('GatherND', ['x', 'w'], ['g'], { batch_dims: -1 }),
    makeNode('Softmax', ['g'], ['h'], { axis: -(2 ** 31) }),
    makeNode('DepthToSpace', ['h'], ['d'], { blocksize: 2 ** 40 }),
    makeNode('Softmax', ['d'], ['y'], { axis: -1 }),
  ]
  expect(complaint(broken(() => ({ nodes }))).split('\n')).toEqual([
    'm.onnx: GatherND (node "g") names an impossible axis',
    'm.onnx: Softmax (node "h") names an impossible axis',
    'm.onnx: DepthToSpace (node "d") has the impossible "blocksize" of 1099511627776',
  ])
})

test('weights of impossible or wrong sizes are refused', () => {
  const w = makeTensor('w', DataType.FLOAT, [2], [1, 2])
  const withWeight = (fields: Partial<typeof w>) =>
    broken(() => ({ initializers: new Map([['w', revise(w, fields)]]) }))
  expect(complaint(withWeight({ dims: [2n ** 40n, 2n ** 40n] }))).toContain(
    'impossible shape [1099511627776,1099511627776]',
  )
  expect(complaint(withWeight({ dims: [-1n] }))).toContain('impossible shape [-1]')
  expect(complaint(withWeight({ dims: [3n] }))).toBe('m.onnx: initializer "w" of shape [3] holds 2 elements')
  expect(complaint(withWeight({ dataType: 99 }))).toContain('unsupported type 99')
  expect(complaint(withWeight({ dataLocation: TensorProto_DataLocation.EXTERNAL }))).toContain(
    'lies in an external file',
  )
})

test('constants of nodes are held to the same rules as initializers', () => {
  const constant = (fields: Partial<typeof tensor>) => {
    const node = makeNode('Constant', [], ['y'])
    node.attribute.push(create(AttributeProtoSchema, { name: 'value', type: 4, t: revise(tensor, fields) }))
    return broken(() => ({ nodes: [node] }))
  }
  const tensor = makeTensor('', DataType.FLOAT, [2], [1, 2])
  const place = 'm.onnx: the constant of Constant (node "y")'
  expect(complaint(constant({ dataLocation: TensorProto_DataLocation.EXTERNAL }))).toBe(
    `${place} lies in an external file`,
  )
  expect(complaint(constant({ dims: [2n ** 41n] }))).toBe(`${place} has an impossible shape [2199023255552]`)
  const sparse = makeNode('Constant', [], ['y'])
  sparse.attribute.push(
    create(AttributeProtoSchema, { name: 'sparse_value', type: 11, sparseTensor: create(SparseTensorProtoSchema, {}) }),
  )
  expect(complaint(broken(() => ({ nodes: [sparse] })))).toBe(
    'm.onnx: Constant (node "y") has an impossible sparse tensor',
  )
})

test('a thousand problems are counted, not listed, and names cannot move the cursor', () => {
  const nodes = Array.from({ length: 1000 }, (_, i) => makeNode('Relu', ['\u001b[2J\n'], [`h${i}`]))
  const lines = complaint(broken(() => ({ nodes }))).split('\n')
  expect(lines).toHaveLength(11)
  expect(lines[0]).toBe('m.onnx: Relu (node "h0") uses "\\u001b[2J\\n", which nothing before it makes')
  expect(lines[10]).toBe('m.onnx: and 991 more problems')
})

test('a model without nodes, outputs or opset is refused', () => {
  expect(complaint(toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n })))).toBe(
    'm.onnx: not an ONNX model',
  )
})

test('half precision constants are rounded to the nearest even', () => {
  const values = [1, -2.5, 65504, 65520, 1e-8, 6e-8, 2 ** -15, 1.00048828125, 0.1, Number.NEGATIVE_INFINITY]
  const bits = [0x3c00, 0xc100, 0x7bff, 0x7c00, 0x0000, 0x0001, 0x0200, 0x3c00, 0x2e66, 0xfc00]
  const { rawData } = makeTensor('h', DataType.FLOAT16, [values.length], values)
  expect([...new Uint16Array(rawData.slice().buffer)]).toEqual(bits)
})
