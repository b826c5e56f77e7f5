import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test, vi } from 'vitest'
import { call } from '../../src/cli/call.js'
import { programOf } from '../../src/cli/program.js'
import type { AugmentError } from '../../src/core/errors.js'
import { type Model, readModel, writeModel } from '../../src/onnx/model.js'
import { makeNode, type NodeProto } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { makeValueInfo } from '../../src/onnx/valueInfo.js'
import { temporaryFolder } from '../helpers/folder.js'
import { float32, type GraphSpec, modelOf, runModel } from '../helpers/onnx.js'

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

test('grad does not replace the model that it reads', async () => {
  const file = saved('dynamic.onnx', dynamic())
  const before = readFileSync(file)
  await expect(grad(file, '--out', file, '--size', '8x8')).rejects.toThrow(/^--out: found .* expected another file$/)
  expect(readFileSync(file)).toEqual(before)
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

test('inspect tells what a model takes and gives, and why it has no gradient', async () => {
  const nodes = [
    makeNode('Relu', ['x'], ['r']),
    makeNode('DeformConv', ['r', 'w', 'k'], ['g']),
    makeNode('Relu', ['g'], ['h']),
    makeNode('Flatten', ['h'], ['y']),
  ]
  const weights = {
    w: { dims: [3, 3, 1, 1], values: Array(9).fill(1) },
    k: { dims: [1, 2, 2, 2], values: Array(8).fill(0) },
  }
  const dims = { x: [1, 3, 2, 2] }
  const file = saved('dcn.onnx', modelOf({ nodes, inputs: dims, outputs: ['y'], weights, opset: 19 }))
  const { operators, problems, ...rest } = JSON.parse(await printed(file, '--json'))
  expect(rest).toMatchObject({
    file: 'dcn.onnx',
    opset: 19,
    inputs: [{ name: 'x', type: 'float', dims: [1, 3, 2, 2] }],
    outputs: [{ name: 'y', type: 'float', dims: null }],
    picture: { name: 'x', layout: 'nchw', channels: 3 },
    command: null,
  })
  expect(operators).toContainEqual({ operator: 'DeformConv', count: 1, hasRule: false })
  const out = path.join(temporaryFolder(), 'out.onnx')
  const said = await grad(file, '--out', out).catch((error: Error) => error.message)
  expect(problems[0]).toBe(said)
  expect(await printed(file)).toContain('cannot be differentiated:\n')
})

/** Models that are seen as they are only by trying every rule. */
const linear = (nodes: NodeProto[], spec: Partial<GraphSpec> = {}) => {
  const w = { dims: [3, 4], values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3] }
  const { weights, ...more } = spec
  return modelOf({ nodes, inputs: { x: ['N', 3] }, outputs: ['y'], weights: { w, ...weights }, ...more })
}
const head = makeNode('MatMul', ['h', 'w'], ['y'])
const index = { dims: [1, 1], values: [0], dtype: DataType.INT64 }
const one = { dims: [1, 1], values: [2] }
const yes = { dims: [], values: [1], dtype: DataType.BOOL }
const HOPELESS: Record<string, Model> = {
  'ScatterElements by mul': linear(
    [makeNode('ScatterElements', ['x', 'i', 'u'], ['h'], { axis: 1, reduction: 'mul' }), head],
    { inputs: { x: [1, 3] }, weights: { i: index, u: one }, opset: 18 },
  ),
  'Dropout in training mode': linear([makeNode('Dropout', ['x', 'r', 't'], ['h']), head], {
    weights: { r: { dims: [], values: [0.5] }, t: yes },
  }),
  'BatchNormalization in training mode': linear(
    [makeNode('BatchNormalization', ['x', 's', 's', 's', 's'], ['h', 'm', 'v'], { training_mode: 1 }), head],
    { weights: { s: { dims: [3], values: [1, 1, 1] } } },
  ),
  'one class': linear([makeNode('MatMul', ['x', 'c'], ['y'])], { weights: { c: { dims: [3, 1], values: [1, 2, 3] } } }),
  'a step': linear([makeNode('Round', ['x'], ['h']), head]),
  'integers in the way': linear([
    makeNode('Cast', ['x'], ['i'], { to: DataType.INT32 }),
    makeNode('Cast', ['i'], ['h'], { to: DataType.FLOAT }),
    head,
  ]),
}

test.each(Object.keys(HOPELESS))('%s: inspect says what grad does', async (name) => {
  const file = saved('m.onnx', HOPELESS[name]!)
  const said = await grad(file, '--out', path.join(temporaryFolder(), 'out.onnx')).then(
    () => 'written',
    (error: AugmentError) => error.message,
  )
  expect(said).toMatch(/^m\.onnx: /)
  expect(JSON.parse(await printed(file, '--json')).problems).toContain(said)
})

test('the output of a classifier is found behind a label or features, or asked for by name', async () => {
  const nodes = [
    makeNode('Tanh', ['x'], ['features']),
    makeNode('MatMul', ['features', 'w'], ['z']),
    makeNode('Softmax', ['z'], ['p'], { axis: 1 }),
    makeNode('ArgMax', ['p'], ['label'], { axis: 1, keepdims: 0 }),
    makeNode('MatMul', ['features', 'v'], ['colour']),
  ]
  const v = { dims: [3, 2], values: [1, 2, 3, 4, 5, 6] }
  const model = linear(nodes, { outputs: ['p'], weights: { v } })
  const outputs = {
    label: makeValueInfo('label', DataType.INT64, ['N']),
    features: makeValueInfo('features', DataType.FLOAT, ['N', 3]),
    p: makeValueInfo('p', DataType.FLOAT, ['N', 4]),
    colour: makeValueInfo('colour', DataType.FLOAT, ['N', 2]),
  }
  const inspected = async (...names: (keyof typeof outputs)[]) => {
    const ports = names.map((name) => outputs[name])
    const file = saved('m.onnx', { ...model, graph: { ...model.graph, outputs: ports } })
    return JSON.parse(await printed(file, '--json'))
  }
  const found = { output: 'p', logits: 'z', classes: 4 }
  expect(await inspected('label', 'p')).toMatchObject({ head: found, problems: [] })
  expect(await inspected('features', 'p', 'label')).toMatchObject({ head: found, batch: 'any' })
  expect((await inspected('p', 'colour')).problems).toEqual([
    'm.onnx: 2 outputs may hold its classes: p [N, 4], colour [N, 2]',
    'hint: choose with --output p or colour',
  ])
})

test('inspect names type, layout and range of the pixels, and the command that works', async () => {
  const nodes = [
    makeNode('Cast', ['u'], ['f'], { to: DataType.FLOAT }),
    makeNode('Div', ['f', 'range'], ['s']),
    makeNode('Transpose', ['s'], ['x'], { perm: [0, 3, 1, 2] }),
    makeNode('GlobalAveragePool', ['x'], ['y']),
  ]
  const weights = { range: { dims: [], values: [255] } }
  const plain = modelOf({ nodes, inputs: { u: ['N', 8, 6, 3] }, outputs: ['y'], weights })
  const bytes = makeValueInfo('u', DataType.UINT8, ['N', 8, 6, 3])
  const integer = { ...plain, graph: { ...plain.graph, inputs: [bytes] } }
  expect(await printed(saved('m.onnx', integer))).toMatch(
    /input {3}u uint8 \[\?, 8, 6, 3\][\s\S]*nhwc, 3 channels; whole numbers, 0 to 255\nclasses: 3, in output y\nbatch: any\ncan be differentiated\n {2}sage-augment <images> --model m\.onnx$/m,
  )
  expect(await printed(saved('m.onnx', plain))).toContain('3 channels; 0 to 255, as it scales them itself')
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
  const file = saved('dynamic.onnx', dynamic())
  expect(await printed(file)).toContain('hint: fix the size of the input pictures: --size WxH')
  expect(await printed(file, '--size', '6x4')).toContain('can be differentiated')
})
