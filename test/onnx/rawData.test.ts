/** Tensors in every field that tools write them to, against onnxruntime on the file as it is. */
import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  SparseTensorProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf'
import { expect, test } from 'vitest'
import { readModel, writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { makeValueInfo } from '../../src/onnx/valueInfo.js'
import { runModel } from '../helpers/onnx.js'

/** The bytes of a model as a tool would write them: the fields that are set, and no others. */
function file(nodes: NodeProto[], graph: Partial<GraphProto>): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 10n,
      opsetImport: [create(OperatorSetIdProtoSchema, { version: 21n })],
      graph: create(GraphProtoSchema, {
        name: 'g',
        node: nodes,
        output: [makeValueInfo('y', DataType.FLOAT)],
        ...graph,
      } as GraphProto),
    }),
  )
}

async function outputOf(bytes: Uint8Array): Promise<number[]> {
  const { y } = await runModel(bytes, {})
  return Array.from(y!.data as Float32Array)
}

/** What the model gives after it was read and written again; the same as before, says onnxruntime. */
async function survived(bytes: Uint8Array): Promise<number[]> {
  const after = await outputOf(writeModel(readModel(bytes, 'typed.onnx')))
  expect(after).toEqual(await outputOf(bytes))
  return after
}

const toFloat = (value: string) => makeNode('Cast', [value], ['y'], { to: DataType.FLOAT })

/** An entry of the typed fields (onnx.proto, TensorProto) and the number it stands for. */
const TYPED: readonly [keyof typeof DataType, Partial<TensorProto>, number[]][] = [
  ['FLOAT', { floatData: [1.5, -2] }, [1.5, -2]],
  ['DOUBLE', { doubleData: [1.5, -2] }, [1.5, -2]],
  ['INT64', { int64Data: [3n, -2n] }, [3, -2]],
  ['UINT64', { uint64Data: [3n, 2n ** 40n] }, [3, 2 ** 40]],
  ['UINT32', { uint64Data: [3n, 2n ** 31n] }, [3, 2 ** 31]],
  ['INT32', { int32Data: [3, -2] }, [3, -2]],
  ['INT16', { int32Data: [3, -300] }, [3, -300]],
  ['UINT16', { int32Data: [3, 65000] }, [3, 65000]],
  ['INT8', { int32Data: [3, -2] }, [3, -2]],
  ['UINT8', { int32Data: [3, 200] }, [3, 200]],
  ['BOOL', { int32Data: [1, 0] }, [1, 0]],
  ['FLOAT16', { int32Data: [0x3c00, 0xc100] }, [1, -2.5]],
  ['BFLOAT16', { int32Data: [0x3f80, 0xc020] }, [1, -2.5]],
  ['FLOAT8E4M3FN', { int32Data: [0x38, 0xc0] }, [1, -2]],
]

test.each(TYPED)('%s elements in a typed field', async (type, fields, values) => {
  const tensor = create(TensorProtoSchema, {
    name: 'w',
    dataType: DataType[type],
    dims: [2n],
    ...fields,
  } as TensorProto)
  expect(await survived(file([toFloat('w')], { initializer: [tensor] }))).toEqual(values)
  const constant = makeNode('Constant', [], ['w'])
  constant.attribute.push(create(AttributeProtoSchema, { name: 'value', type: AttributeType.TENSOR, t: tensor }))
  expect(await survived(file([constant, toFloat('w')], {}))).toEqual(values)
})

test('two elements of 4 bits lie in one entry, the first one low', async () => {
  const [int4, dims] = [22, [3n]]
  const w = create(TensorProtoSchema, { name: 'w', dataType: int4, dims, int32Data: [0xe3, 0x07] })
  expect(await survived(file([toFloat('w')], { initializer: [w] }))).toEqual([3, -2, 7])
})

test('strings stay in their field, whatever the model does with them', async () => {
  const text = (words: string[]) => words.map((word) => new TextEncoder().encode(word))
  const names = (name: string, words: string[]) =>
    create(TensorProtoSchema, { name, dataType: DataType.STRING, dims: [2n], stringData: text(words) })
  const nodes = [makeNode('Equal', ['a', 'b'], ['same']), toFloat('same')]
  const initializer = [names('a', ['cat', 'dog']), names('b', ['cat', 'cow'])]
  expect(await survived(file(nodes, { initializer }))).toEqual([1, 0])
})

test('a list of no elements stays one', async () => {
  const shape = create(TensorProtoSchema, { name: 'shape', dataType: DataType.INT64, dims: [0n] })
  const one = create(TensorProtoSchema, { name: 'one', dataType: DataType.FLOAT, dims: [1n], floatData: [7] })
  expect(await survived(file([makeNode('Reshape', ['one', 'shape'], ['y'])], { initializer: [shape, one] }))).toEqual([
    7,
  ])
})

test('sparse weights and constants are written out', async () => {
  const values = create(TensorProtoSchema, { name: 'w', dataType: DataType.FLOAT, dims: [2n], floatData: [5, 7] })
  const linear = create(TensorProtoSchema, { dataType: DataType.INT64, dims: [2n], int64Data: [1n, 5n] })
  const tuples = create(TensorProtoSchema, { dataType: DataType.INT64, dims: [2n, 2n], int64Data: [0n, 1n, 1n, 2n] })
  for (const indices of [linear, tuples]) {
    const sparse = create(SparseTensorProtoSchema, { values, indices, dims: [2n, 3n] })
    const constant = makeNode('Constant', [], ['w'])
    constant.attribute.push(
      create(AttributeProtoSchema, {
        name: 'sparse_value',
        type: AttributeType.SPARSE_TENSOR,
        sparseTensor: sparse,
      }),
    )
    for (const bytes of [file([toFloat('w')], { sparseInitializer: [sparse] }), file([constant, toFloat('w')], {})])
      expect(await survived(bytes)).toEqual([0, 5, 0, 0, 0, 7])
  }
})

test('a sparse tensor that is not sound, or fills the memory, is refused', () => {
  const values = create(TensorProtoSchema, { name: 'w', dataType: DataType.FLOAT, dims: [1n], floatData: [5] })
  const at = (index: bigint) => create(TensorProtoSchema, { dataType: DataType.INT64, dims: [1n], int64Data: [index] })
  for (const [index, dims] of [[6n, 6n] as const, [-1n, 6n] as const, [0n, 2n ** 40n] as const]) {
    const sparse = create(SparseTensorProtoSchema, { values, indices: at(index), dims: [dims] })
    expect(() => readModel(file([toFloat('w')], { sparseInitializer: [sparse] }), 'm.onnx')).toThrow(
      'm.onnx: an impossible sparse tensor among the initializers',
    )
  }
})

test('elements in the field of another type are none', () => {
  const w = create(TensorProtoSchema, { name: 'w', dataType: DataType.FLOAT, dims: [2n], int32Data: [1, 2] })
  expect(() => readModel(file([toFloat('w')], { initializer: [w] }), 'm.onnx')).toThrow(
    'm.onnx: initializer "w" of shape [2] holds 0 elements',
  )
})
