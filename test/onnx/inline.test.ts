/** Functions, constant branches and disorder: what onnxruntime makes of the file, and of the model as it is read. */
import { create, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type FunctionProto,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
} from 'onnx-buf'
import { expect, test } from 'vitest'
import { readModel, writeModel } from '../../src/onnx/model.js'
import { type Attributes, makeNode } from '../../src/onnx/node.js'
import { DataType, makeTensor, type TensorProto } from '../../src/onnx/tensor.js'
import { makeValueInfo } from '../../src/onnx/valueInfo.js'
import { gradientModel } from '../../src/saliency/gradientModel.js'
import { float32, runModel } from '../helpers/onnx.js'

const n = (op: string, inputs: string[], outputs: string[], attributes: Attributes = {}, domain = '') =>
  Object.assign(makeNode(op, inputs, outputs, attributes), { domain })
const opset = (domain: string, version: bigint) => create(OperatorSetIdProtoSchema, { domain, version })
const scalar = (name: string, value: number) => makeTensor(name, DataType.FLOAT, [], [value])
const condition = (value: number) => makeTensor('condition', DataType.BOOL, [], [value])

function withReference(node: NodeProto, name: string, refAttrName: string): NodeProto {
  node.attribute.push(create(AttributeProtoSchema, { name, refAttrName, type: AttributeType.FLOAT }))
  return node
}

function fileOf(node: NodeProto[], initializer: TensorProto[] = [], functions: FunctionProto[] = [], version = 17n) {
  const x = makeValueInfo('x', DataType.FLOAT, ['N', 3])
  const y = makeValueInfo('y', DataType.FLOAT, ['N', 3])
  const graph = create(GraphProtoSchema, { name: 'g', node, initializer, input: [x], output: [y] })
  const opsetImport = [opset('', version), opset('own', 1n)]
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, opsetImport, functions, graph }))
}

const makeFunction = (name: string, input: string[], output: string[], node: NodeProto[], attribute: string[] = []) =>
  create(FunctionProtoSchema, {
    name,
    domain: 'own',
    input,
    output,
    node,
    opsetImport: [opset('', 17n), opset('own', 1n)],
    attribute,
  })

/** leaky(a, slope) twice, once by its default. */
const FUNCTIONS = [
  makeFunction(
    'Leaky',
    ['a'],
    ['r'],
    [
      withReference(n('LeakyRelu', ['a'], ['t']), 'alpha', 'slope'),
      n('Neg', ['t'], ['r']),
      n('Identity', ['a'], ['same']),
    ],
    ['slope'],
  ),
  makeFunction(
    'Twice',
    ['a'],
    ['t'],
    [
      n('Leaky', ['a'], ['r'], { slope: { float: 0.5 } }, 'own'),
      n('Leaky', ['r'], ['s'], {}, 'own'),
      n('Add', ['s', 'a'], ['t']),
    ],
  ),
]

function ifNode(thenValue: string): NodeProto {
  const branch = (name: string, op: string, weight: number): AttributeProto => {
    const nodes = [n(op, ['x', `${name}/k`], [`${name}/t`]), n('Tanh', [`${name}/t`], [`${name}/r`])]
    const g = create(GraphProtoSchema, {
      name,
      node: nodes,
      initializer: [scalar(`${name}/k`, weight)],
      output: [makeValueInfo(`${name}/r`, DataType.FLOAT, ['N', 3])],
    })
    return create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g })
  }
  const node = n('If', [thenValue], ['y'])
  node.attribute.push(branch('then_branch', 'Mul', 2), branch('else_branch', 'Add', 3))
  return node
}

const FILES: Record<string, Uint8Array> = {
  'functions that call functions': fileOf(
    [n('Twice', ['x'], ['m'], {}, 'own'), n('Twice', ['m'], ['y'], {}, 'own')],
    [],
    FUNCTIONS,
  ),
  'a branch that is always taken': fileOf([ifNode('condition')], [condition(1)]),
  'the other branch': fileOf([ifNode('condition')], [condition(0)]),
  'nodes in the wrong order': fileOf([
    n('Mul', ['b', 'c'], ['y']),
    n('Add', ['b', 'x'], ['c']),
    n('Exp', ['x'], ['a']),
    n('Neg', ['a'], ['b']),
  ]),
}

const X = float32([2, 3], [-1, 0.5, 2, 0.1, -0.7, 1.2])

test.each(Object.entries(FILES))('%s', async (_, file) => {
  const model = readModel(file, 'test.onnx')
  expect(model.graph.nodes.every(({ domain, opType }) => domain === '' && opType !== 'If')).toBe(true)
  const [before, after] = [await runModel(file, { x: X }), await runModel(writeModel(model), { x: X })]
  expect(after.y!.data).toEqual(before.y!.data)
  await expect(gradientModel(file, 'test.onnx')).resolves.toBeInstanceOf(Uint8Array)
})

test('a condition that depends on the picture, and a circle of nodes, are refused', () => {
  const computed = fileOf([
    n('ReduceSum', ['x'], ['sum'], { keepdims: 0 }),
    n('Cast', ['sum'], ['condition'], { to: DataType.BOOL }),
    ifNode('condition'),
  ])
  expect(() => readModel(computed, 'test.onnx')).toThrow('control flow is not supported: If (node "y", opset 17)')
  const circle = fileOf([n('Add', ['x', 'b'], ['a']), n('Neg', ['a'], ['b']), n('Neg', ['a'], ['y'])])
  expect(() => readModel(circle, 'test.onnx')).toThrow('which nothing before it makes')
})

test('a function that calls itself is refused by name', async () => {
  const endless = [makeFunction('Endless', ['a'], ['r'], [n('Endless', ['a'], ['r'], {}, 'own')])]
  const file = fileOf([n('Endless', ['x'], ['y'], {}, 'own')], [], endless)
  await expect(gradientModel(file, 'test.onnx')).rejects.toMatchObject({ code: 'model' })
})

test('opset 27 and IR version 14 are read', async () => {
  const file = fileOf([n('Relu', ['x'], ['y'])], [], [], 27n)
  const newest = Uint8Array.from(file)
  expect(newest.subarray(0, 2)).toEqual(Uint8Array.from([8, 8]))
  newest[1] = 14
  const gradient = await gradientModel(newest, 'test.onnx', { loss: 'logit' })
  const found = await runModel(gradient, { x: X, target: float32([2, 3], [1, 1, 1, 0, 1, 1]) })
  expect(Array.from(found.gradient!.data as Float32Array)).toEqual([0, 1, 1, 0, 0, 1])
})
