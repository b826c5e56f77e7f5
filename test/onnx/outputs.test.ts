import { create } from '@bufbuild/protobuf'
import { TypeProto_SequenceSchema, TypeProtoSchema, ValueInfoProtoSchema } from 'onnx-buf'
import { expect, test } from 'vitest'
import { makeNode } from '../../src/onnx/node.js'
import { chooseOutput, withOutput } from '../../src/onnx/outputs.js'
import { DataType } from '../../src/onnx/tensor.js'
import { makeValueInfo } from '../../src/onnx/valueInfo.js'
import { modelOf } from '../helpers/onnx.js'

const { FLOAT, INT64 } = DataType
const base = modelOf({
  nodes: [makeNode('Tanh', ['x'], ['f']), makeNode('Relu', ['f'], ['z']), makeNode('Neg', ['x'], ['aux'])],
  inputs: { x: ['N', 4] },
  outputs: ['z'],
})
const withOutputs = (...outputs: ReturnType<typeof makeValueInfo>[]) => ({ ...base, graph: { ...base.graph, outputs } })
const row = (name: string, ...sizes: number[]) => makeValueInfo(name, FLOAT, ['N', ...sizes])

test('the output that can be logits is taken, whatever stands before it', () => {
  const label = makeValueInfo('f', INT64, ['N'])
  expect(chooseOutput(withOutputs(label, row('z', 4)))).toBe('z')
  expect(chooseOutput(withOutputs(row('f', 8, 7, 7), row('z', 4)))).toBe('z')
  expect(chooseOutput(withOutputs(row('f', 512), row('z', 4, 1, 1)))).toBe('z')
  expect(chooseOutput(withOutputs(row('z', 4), row('aux', 4)))).toBe('z')
  expect(chooseOutput(withOutputs(row('aux', 4), row('z', 3)), 'aux')).toBe('aux')
})

test('where there is no telling the names are asked for', () => {
  expect(() => chooseOutput(withOutputs(row('z', 4), row('aux', 3)))).toThrow(
    'test.onnx: 2 outputs may hold its classes: z [N, 4], aux [N, 3]',
  )
  expect(() => chooseOutput(withOutputs(row('z', 4), row('aux', 3)), 'q')).toThrow('no output "q", it has z, aux')
})

test('a list of dictionaries, as scikit-learn’s converter writes it, is refused with a hint', () => {
  const value = { case: 'sequenceType', value: create(TypeProto_SequenceSchema, {}) } as const
  const maps = create(ValueInfoProtoSchema, { name: 'z', type: create(TypeProtoSchema, { value }) })
  expect(() => chooseOutput(withOutputs(makeValueInfo('f', INT64, ['N']), maps))).toThrow('output "z" is not a tensor')
})

test('what an output does not need is left out', () => {
  const { graph } = withOutput(withOutputs(row('f', 4), row('aux', 4)), 'f')
  expect(graph.nodes.map(({ opType }) => opType)).toEqual(['Tanh'])
  expect(graph.outputs.map(({ name }) => name)).toEqual(['f'])
})
