import { expect, test } from 'vitest'
import { makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { prepare } from '../../src/saliency/prepare.js'
import { float32, modelOf, runModel } from '../helpers/onnx.js'

/** Slices of x [N, 2, 6] along its last axis from each start to each end. */
async function sliced(...cuts: [start: number, end: number, step?: number][]) {
  const at = (value: number) => ({ dims: [1], values: [value], dtype: DataType.INT64 })
  const weights = Object.fromEntries(
    cuts.flatMap(([start, end, step = 1], i) => [
      [`from${i}`, at(start)],
      [`to${i}`, at(end)],
      [`step${i}`, at(step)],
    ]),
  )
  const slices = cuts.map((_, i) => makeNode('Slice', ['x', `from${i}`, `to${i}`, 'last', `step${i}`], [`y${i}`]))
  const join = makeNode(
    'Concat',
    cuts.map((_, i) => `y${i}`),
    ['joined'],
    { axis: 2 },
  )
  const nodes = [...slices, join, makeNode('Flatten', ['joined'], ['y'])]
  const spec = { nodes, inputs: { x: ['N', 2, 6] }, outputs: ['y'], weights: { ...weights, last: at(-1) } }
  const original = modelOf(spec)
  const { model, types } = await prepare(original, (type) => type.dims)
  const x = float32(
    [3, 2, 6],
    Array.from({ length: 36 }, (_, i) => i),
  )
  expect((await runModel(model, { x })).y).toEqual((await runModel(original, { x })).y)
  for (const node of model.graph.nodes)
    for (const value of [...node.input, ...node.output]) expect(types.has(value)).toBe(true)
  return model.graph.nodes.map(({ opType }) => opType)
}

test.each([
  [
    'in order',
    [
      [0, 2],
      [2, 5],
      [5, 6],
    ],
  ],
  [
    'in any order, counted from either end',
    [
      [-2, 100],
      [-100, 3],
      [3, -2],
    ],
  ],
] as const)('parts that make up a value are one Split: %s', async (_, cuts) => {
  expect(await sliced(...(cuts as unknown as [number, number][]))).toEqual(['Split', 'Concat', 'Flatten'])
})

test.each([
  [
    'a gap',
    [
      [0, 2],
      [3, 6],
    ],
  ],
  [
    'an overlap',
    [
      [0, 3],
      [2, 6],
    ],
  ],
  [
    'one twice',
    [
      [0, 3],
      [0, 3],
      [3, 6],
    ],
  ],
  [
    'no end',
    [
      [0, 3],
      [3, 5],
    ],
  ],
  [
    'a stride',
    [
      [0, 6, 2],
      [3, 6, 1],
    ],
  ],
  [
    'backwards',
    [
      [2, -100, -1],
      [3, 6],
    ],
  ],
  ['all of it', [[0, 6]]],
] as const)('other Slices stay: %s', async (_, cuts) => {
  expect(await sliced(...(cuts as unknown as [number, number, number?][]))).not.toContain('Split')
})
