import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { ModelKind } from '../../src/core/saliencyKinds.js'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { inspectModel } from '../../src/saliency/inspectModel.js'
import { type SaliencyOptions, saliencyModel } from '../../src/saliency/saliencyModel.js'
import { float32, modelOf, runModel } from '../helpers/onnx.js'

/** What PyTorch's autograd says in float64 (models/train/activation_maps.py). */
interface Reference {
  readonly dims: readonly [number, number, number, number]
  readonly pixels: string
  readonly labels: readonly number[]
  /** Of the logit alone, but for 'cam-ce'. */
  readonly maps: Partial<Record<ModelKind | 'cam-ce', { size: [width: number, height: number]; values: string }>>
}

const folder = new URL('../../fixtures/activations/', import.meta.url)
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -5)] : []))
const bytesOf = (name: string) => readFileSync(new URL(`${name}.onnx`, folder))
const referenceOf = (name: string): Reference => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))
const floats = (base64: string) => new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer)

const OPTIONS: SaliencyOptions = {
  preprocessing: { mean: [1, 1, 1], std: [1, 1, 1], scale: 1 / 127.5, layout: 'nchw', colorOrder: 'rgb' },
  loss: 'logit',
  target: 'label',
  channelNorm: 'mean',
  blur: { kernel: 0 },
}

async function maps(name: string, options: Partial<SaliencyOptions>, pictures?: readonly number[]) {
  const { dims, pixels, labels } = referenceOf(name)
  const model = await saliencyModel(bytesOf(name), name, { ...OPTIONS, ...options })
  const all = Uint8Array.from(Buffer.from(pixels, 'base64'))
  const size = all.length / dims[0]
  const rows = pictures ?? [0, 1]
  const data = new Uint8Array(Buffer.concat(rows.map((i) => all.subarray(i * size, (i + 1) * size))))
  const target = rows.flatMap((i) => Array.from({ length: model.classes }, (_, k) => (k === labels[i] ? 1 : 0)))
  const feeds = {
    pixels: { type: 'uint8', dims: [rows.length, ...dims.slice(1)], data } as const,
    target: float32([rows.length, model.classes], target),
  }
  const out = await runModel(model.bytes, feeds)
  return { model, saliency: out.saliency!.data as Float32Array, uniform: out.uniform!.data as Uint8Array }
}

/** Each of `count` maps divided by its largest value. */
function toLargest(values: Float32Array, count: number): number[] {
  const size = values.length / count
  return Array.from({ length: count }, (_, i) => values.subarray(i * size, (i + 1) * size)).flatMap((map) => {
    const largest = map.reduce((a, b) => Math.max(a, b))
    return Array.from(map, (value) => value / largest)
  })
}

const cases = names.flatMap((name) =>
  Object.keys(referenceOf(name).maps).map((map) => [map as keyof Reference['maps'], name] as const),
)

test.each(cases)('the %s map of the classifier "%s" is that of autograd in float64', async (map, name) => {
  const { size, values } = referenceOf(name).maps[map]!
  const [width, height] = size
  const of = map === 'cam-ce' ? ({ kind: 'cam', loss: 'ce' } as const) : { kind: map }
  const { model, saliency, uniform } = await maps(name, { ...of, grid: { width, height } })
  expect(model.grid).toEqual({ width, height })
  const expected = floats(values)
  expect(saliency.length).toBe(expected.length)
  const worst = toLargest(saliency, 2).reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0)
  expect(worst).toBeLessThan(1e-5)
  expect(Array.from(uniform)).toEqual([0, 0])
})

test('a head that is not linear has no class activation map, which is told with what works instead', async () => {
  for (const name of ['hidden', 'transformer']) {
    await expect(maps(name, { kind: 'cam' })).rejects.toMatchObject({
      code: 'model',
      message: expect.stringMatching(
        /^\w+: found \w+.*, expected a pooling, then only linear layers, for --saliency cam$/,
      ),
      hint: '--saliency gradcam works without',
    })
  }
})

test('a class activation map shows a cell that its class shares with another less, unless it is of the logit alone', async () => {
  // Two cells, [1, 0] and [2, 4]: logit 0 is the first feature, logit 1 the second.
  const model = modelOf({
    nodes: [
      makeNode('Conv', ['x', 'filter'], ['layer']),
      makeNode('GlobalAveragePool', ['layer'], ['pooled']),
      makeNode('Flatten', ['pooled'], ['features']),
      makeNode('Gemm', ['features', 'seed', 'bias'], ['z'], { transB: 1 }),
    ],
    inputs: { x: [2, 3, 1, 2] },
    outputs: ['z'],
    weights: {
      filter: { dims: [2, 3, 1, 1], values: [1, 0, 0, 0, 1, 0] },
      seed: { dims: [2, 2], values: [1, 0, 0, 1] },
      bias: { dims: [2], values: [1, 0] },
    },
  })
  const preprocessing = { ...OPTIONS.preprocessing, mean: [0, 0, 0], scale: 1 }
  const read = async (loss: 'ce' | 'logit') => {
    const { bytes } = await saliencyModel(writeModel(model), 'two', { ...OPTIONS, loss, preprocessing, kind: 'cam' })
    const out = await runModel(bytes, {
      pixels: { type: 'uint8', dims: [2, 1, 2, 3], data: Uint8Array.of(1, 0, 0, 2, 4, 0, 1, 0, 0, 2, 4, 0) },
      target: float32([2, 2], [1, 0, 0, 1]),
    })
    return Array.from(out.saliency!.data as Float32Array)
  }
  const expectNear = (found: number[], expected: number[]) => {
    for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 6)
  }
  expectNear(await read('logit'), [1 / 3, 2 / 3, 0, 1])
  // Of class 0 the first cell has e^2 / (e^2 + 1), and what sets it apart there is positive; of class 1 all is in the second.
  expectNear(await read('ce'), [1, 0, 0, 1])
})

test('a layer can be named, and one that is none is told', async () => {
  const { model } = await maps('mean', { kind: 'gradcam' })
  const finer = await maps('mean', { kind: 'layercam' })
  expect(finer.model.layer).not.toBe(model.layer)
  const named = await maps('mean', { kind: 'gradcam', layer: finer.model.layer! })
  expect(named.model.layer).toBe(finer.model.layer)
  await expect(maps('mean', { kind: 'gradcam', layer: `${model.layer}x` })).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringMatching(/^--layer .*: mean has no such layer; did you mean .*\?$/),
  })
})

test.each(['cam', 'layercam', 'gradcam', 'gradient'] as const)(
  'the batch does not change the %s map, and the grid is at most 32 cells per side',
  async (kind) => {
    const grid = { width: 13, height: 17 }
    const together = await maps('mean', { kind, grid, loss: 'ce', blur: {} }, [0, 1, 0])
    const alone = [
      await maps('mean', { kind, grid, loss: 'ce', blur: {} }, [0]),
      await maps('mean', { kind, grid, loss: 'ce', blur: {} }, [1]),
    ]
    const size = 13 * 17
    expect(together.saliency.slice(0, size)).toEqual(alone[0]!.saliency)
    expect(together.saliency.slice(size, 2 * size)).toEqual(alone[1]!.saliency)
    expect(together.saliency.slice(2 * size)).toEqual(alone[0]!.saliency)
    expect((await maps('mean', { kind })).model.grid).toEqual({ width: 24, height: 32 })
  },
)

test('a target that nothing speaks for is mapped where least speaks against it', async () => {
  // The features of the one channel are 1 and 3; the only logit that is not 0 falls with them.
  const model = modelOf({
    nodes: [
      makeNode('Conv', ['x', 'filter'], ['layer']),
      makeNode('GlobalAveragePool', ['layer'], ['pooled']),
      makeNode('Flatten', ['pooled'], ['features']),
      makeNode('Gemm', ['features', 'w'], ['z'], { transB: 1 }),
    ],
    inputs: { x: ['N', 3, 1, 2] },
    outputs: ['z'],
    weights: { filter: { dims: [1, 3, 1, 1], values: [1, 0, 0] }, w: { dims: [2, 1], values: [-1, 0] } },
  })
  const preprocessing = { ...OPTIONS.preprocessing, mean: [0, 0, 0], scale: 1 }
  const { bytes } = await saliencyModel(writeModel(model), 'falling', { ...OPTIONS, preprocessing, kind: 'cam' })
  const out = await runModel(bytes, {
    pixels: { type: 'uint8', dims: [1, 1, 2, 3], data: Uint8Array.of(1, 0, 0, 3, 0, 0) },
    target: float32([1, 2], [1, 0]),
  })
  expect(Array.from(out.saliency!.data as Float32Array)).toEqual([1, 0])
  expect(Array.from(out.uniform!.data as Uint8Array)).toEqual([0])
})

test('inspect lists the layers that can be named, which are read by rule, and why there is no class activation map', async () => {
  const { maps: of } = await inspectModel(bytesOf('mean'), 'mean.onnx')
  const read = async (kind: ModelKind) => (await maps('mean', { kind })).model.layer
  expect([of!.gradcam, of!.layercam, of!.noCam]).toEqual([await read('gradcam'), await read('layercam'), null])
  for (const layer of of!.layers.map(({ name }) => name))
    expect((await maps('mean', { kind: 'gradcam', layer })).model.layer).toBe(layer)
  const { maps: tokens } = await inspectModel(bytesOf('transformer'), 'transformer.onnx')
  expect(tokens!.noCam).toMatch(/^found \w+ /)
  expect(tokens!.layers.at(-1)).toMatchObject({ width: 6, height: 8 })
})
