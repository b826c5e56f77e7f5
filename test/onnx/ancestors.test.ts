import { expect, test } from 'vitest'
import { ancestors, upTo } from '../../src/onnx/ancestors.js'
import { makeNode } from '../../src/onnx/node.js'
import { DataType, makeTensor } from '../../src/onnx/tensor.js'

const nodes = [
  makeNode('Neg', ['a'], ['b']),
  makeNode('TopK', ['x', 'k'], ['', 'indices']),
  makeNode('Clip', ['b', '', 'c'], ['d']),
  makeNode('Neg', ['d'], ['e']),
]
const initializers = new Map(['a', 'c', 'k'].map((name) => [name, makeTensor(name, DataType.FLOAT, [], [1])]))
const body = { nodes, initializers }

test('a graph up to a value has what that is computed from, and no more', () => {
  expect(upTo(body, ['d'])).toEqual({
    nodes: [nodes[0], nodes[2]],
    initializers: new Map([...initializers].filter(([name]) => name !== 'k')),
  })
})

test('an input that is left out is no name of an output that is', () => {
  expect(ancestors(nodes, ['e'])).toEqual(new Set(['e', 'd', 'b', 'c', 'a']))
})

test('known values are computed from nothing', () => {
  const { nodes: kept, initializers: used } = upTo(body, ['e'], new Set(['b']))
  expect(kept).toEqual([nodes[2], nodes[3]])
  expect([...used.keys()]).toEqual(['c'])
})
