import { expect, test } from 'vitest'
import { makeNode } from '../../src/onnx/node.js'
import { poolFirst } from '../../src/onnx/poolFirst.js'
import { float32, modelOf, runModel } from '../helpers/onnx.js'

const pool = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }
const nodes = [
  makeNode('Relu', ['x'], ['r']),
  makeNode('MaxPool', ['r'], ['p'], pool),
  makeNode('Relu', ['p'], ['q']),
  makeNode('MaxPool', ['q'], ['y'], pool),
]
const operators = (model: ReturnType<typeof modelOf>) => model.graph.nodes.map((node) => node.opType)

test('maxima are rectified after pooling, with the same result', async () => {
  const model = modelOf({ nodes, inputs: { x: [1, 2, 7, 8] }, outputs: ['y'] })
  const changed = poolFirst(model)
  expect(operators(changed)).toEqual(['MaxPool', 'Relu', 'MaxPool', 'Relu'])
  const values = Array.from({ length: 112 }, (_, i) => Math.sin(i * i) - 0.8)
  const x = float32([1, 2, 7, 8], values)
  const [before, after] = [await runModel(model, { x }), await runModel(changed, { x })]
  expect(after.y).toEqual(before.y)
})

test('a rectified value that something else reads stays', () => {
  const shared = [...nodes, makeNode('Neg', ['q'], ['z'])]
  const model = modelOf({ nodes: shared, inputs: { x: [1, 2, 7, 8] }, outputs: ['y', 'z', 'r'] })
  expect(poolFirst(model).graph.nodes).toEqual(model.graph.nodes)
})
