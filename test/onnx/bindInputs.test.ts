import { expect, test } from 'vitest'
import { bindInputs } from '../../src/onnx/bindInputs.js'
import { makeNode } from '../../src/onnx/node.js'
import { float32, modelOf, runModel } from '../helpers/onnx.js'

/** y = (x - mean) / std; nothing reads \`spare\`. */
const model = () =>
  modelOf({
    nodes: [makeNode('Sub', ['x', 'mean'], ['c']), makeNode('Div', ['c', 'std'], ['y'])],
    inputs: { mean: [1, 3], x: ['N', 3], spare: [2], std: [1, 3] },
    outputs: ['y'],
  })

test('inputs that are given values become constants, and those that nothing reads are none', async () => {
  expect(model().graph.inputs.map(({ name }) => name)).toEqual(['mean', 'x', 'std'])
  const bound = bindInputs(model(), { mean: [1, 2, 3], std: 2 })
  expect(bound.graph.inputs.map(({ name }) => name)).toEqual(['x'])
  const { y } = await runModel(bound, { x: float32([1, 3], [3, 8, 13]) })
  expect(Array.from(y!.data as Float32Array)).toEqual([1, 3, 5])
})

test.each([
  [{ means: [1, 2, 3] }, 'test.onnx: no input "means" to give a value, expected one of mean, x, std'],
  [{ mean: [1, 2] }, 'test.onnx: input "mean" is [1, 3], got 2 values for it'],
  [{ x: 0 }, 'test.onnx: input "x" is [?, 3], got 0 values for it'],
])('values %j are refused', (values, message) => {
  expect(() => bindInputs(model(), values)).toThrow(message)
})
