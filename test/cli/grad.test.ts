import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test, vi } from 'vitest'
import { call } from '../../src/cli/call.js'
import { programOf } from '../../src/cli/program.js'
import { type Model, readModel, writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { temporaryFolder } from '../helpers/folder.js'
import { float32, modelOf, runModel } from '../helpers/onnx.js'

/** Writes a model into a folder of its own and returns its path. */
function saved(name: string, model: Model): string {
  return path.join(temporaryFolder({ [name]: writeModel(model) }), name)
}

const program = (...args: string[]) =>
  programOf(call, { isAll: false, parameters: {} }).parseAsync(args, { from: 'user' })
const grad = (...args: string[]) => program('grad', ...args)

async function printed(...args: string[]): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  try {
    await program('inspect', ...args)
    return write.mock.calls.map(([text]) => text).join('')
  } finally {
    write.mockRestore()
  }
}

const dynamic = () => {
  const nodes = [
    makeNode('MaxPool', ['x'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }),
    makeNode('GlobalAveragePool', ['p'], ['y']),
  ]
  return modelOf({ nodes, inputs: { x: ['N', 2, 'height', 'width'] }, outputs: ['y'] }, 'dynamic.onnx')
}

test('grad writes a model whose gradient is that of the chosen loss', async () => {
  const w = { dims: [3, 2], values: [1, 2, 3, 4, 5, 6] }
  const model = modelOf({
    nodes: [makeNode('MatMul', ['x', 'w'], ['y'])],
    inputs: { x: ['N', 3] },
    outputs: ['y'],
    weights: { w },
  })
  const out = path.join(temporaryFolder(), 'grad.onnx')
  await grad(saved('linear.onnx', model), '--out', out, '--loss', 'logit')
  const written = readModel(readFileSync(out), out)
  const { logits, gradient } = await runModel(written, {
    x: float32([2, 3], [1, 0, 0, 0, 1, 0]),
    target: float32([2, 2], [1, 0, 0, 1]),
  })
  expect(Array.from(logits!.data as Float32Array)).toEqual([1, 2, 3, 4])
  expect(Array.from(gradient!.data as Float32Array)).toEqual([1, 3, 5, 2, 4, 6])
})

test('a size that the model leaves open is asked for, and can be given', async () => {
  const file = saved('dynamic.onnx', dynamic())
  const out = path.join(temporaryFolder(), 'sized.onnx')
  await expect(grad(file, '--out', out)).rejects.toMatchObject({
    code: 'model',
    hint: expect.stringContaining('--size'),
  })
  await grad(file, '--out', out, '--size', '6x4', '--loss', 'logit')
  const x = float32(
    [1, 2, 4, 6],
    Array.from({ length: 48 }, (_, i) => i),
  )
  const { gradient } = await runModel(readModel(readFileSync(out), out), { x, target: float32([1, 2], [0, 1]) })
  const corners = Array.from({ length: 48 }, (_, i) =>
    i >= 24 && (i % 6) % 2 === 1 && Math.floor(i / 6) % 2 === 1 ? Math.fround(1 / 6) : 0,
  )
  expect(Array.from(gradient!.data as Float32Array)).toEqual(corners)
})

test.each(['224', '0x10', '10x', 'axb'])('--size %s is refused', async (size) => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  await expect(grad('m.onnx', '--out', 'o.onnx', '--size', size)).rejects.toThrow('expected <width>x<height>')
  write.mockRestore()
})

test('inspect counts operators and names what blocks the gradient', async () => {
  const nodes = [
    makeNode('Relu', ['x'], ['r']),
    makeNode('GridSample', ['r', 'k'], ['g']),
    makeNode('Relu', ['g'], ['h']),
    makeNode('Flatten', ['h'], ['y']),
  ]
  const k = { dims: [1, 2, 2, 2], values: Array(8).fill(0) }
  const file = saved('stn.onnx', modelOf({ nodes, inputs: { x: ['N', 3, 2, 2] }, outputs: ['y'], weights: { k } }))
  expect(JSON.parse(await printed(file, '--json'))).toEqual({
    file: 'stn.onnx',
    opset: 17,
    inputs: [{ name: 'x', type: 'float', dims: [null, 3, 2, 2] }],
    outputs: [{ name: 'y', type: 'float', dims: null }],
    operators: [
      { operator: 'Relu', count: 2, hasRule: true },
      { operator: 'GridSample', count: 1, hasRule: false },
      { operator: 'Flatten', count: 1, hasRule: true },
    ],
    blocking: ['GridSample (node "g")'],
  })
  expect(await printed(file)).toContain('blocked first by GridSample (node "g")')
})

test('inspect names the opset of a model that is too old', async () => {
  const spec = { nodes: [makeNode('Relu', ['x'], ['y'])], inputs: { x: ['N', 3] }, outputs: ['y'], opset: 6 }
  await expect(printed(saved('old.onnx', modelOf(spec)))).rejects.toMatchObject({
    code: 'model',
    message: 'old.onnx: opset 6, expected 7 or newer',
  })
})

test('inspect shows an element type that it does not know by its number', async () => {
  const nodes = [makeNode('Cast', ['x'], ['y'], { to: 77 })]
  const file = saved('odd.onnx', modelOf({ nodes, inputs: { x: ['N', 3] }, outputs: ['y'] }))
  expect(await printed(file)).toMatch(/^output {2}y type 77 /m)
})

test('inspect says so where nothing blocks', async () => {
  expect(await printed(saved('dynamic.onnx', dynamic()))).toContain('can be differentiated')
})
