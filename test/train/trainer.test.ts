import { expect, test } from 'vitest'
import { AugmentError } from '../../src/core/errors.js'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { saliencyModel } from '../../src/saliency/saliencyModel.js'
import { decodeCheckpoint, encodeCheckpoint } from '../../src/train/checkpoint.js'
import { networkInput } from '../../src/train/networkInput.js'
import {
  type Batch,
  type Grid,
  paceOf,
  type Score,
  startTrainer,
  stepsTogether,
  type TrainerSettings,
} from '../../src/train/trainer.js'
import { float32, modelOf, runModel } from '../helpers/onnx.js'

const wave = (dims: number[]) => ({
  dims,
  values: Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => 0.5 * Math.sin(1.7 * i + 0.4)),
})
const network = writeModel(
  modelOf({
    nodes: [
      makeNode('Conv', ['x', 'filter'], ['c']),
      makeNode('BatchNormalization', ['c', 'scale', 'bias', 'mean', 'variance'], ['n']),
      makeNode('Relu', ['n'], ['r']),
      makeNode('Flatten', ['r'], ['f']),
      makeNode('Dropout', ['f', 'ratio'], ['d']),
      makeNode('MatMul', ['d', 'head'], ['m']),
      makeNode('Softmax', ['m'], ['y'], { axis: 1 }),
    ],
    inputs: { x: ['N', 3, 4, 4] },
    outputs: ['y'],
    weights: {
      filter: wave([4, 3, 3, 3]),
      scale: { dims: [4], values: [1, 1, 1, 1] },
      bias: { dims: [4], values: [0, 0, 0, 0] },
      mean: { dims: [4], values: [0, 0, 0, 0] },
      variance: { dims: [4], values: [1, 1, 1, 1] },
      ratio: { dims: [], values: [0.25] },
      head: wave([16, 2]),
    },
  }),
)
const settings: TrainerSettings = {
  name: 'test.onnx',
  options: { optimizer: { name: 'adamw' } },
  input: { preprocessing: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], scale: 1 / 255, layout: 'nchw' } },
  threads: 1,
  seed: 5,
}

/** Pictures that are bright on the left or on the right, in turn. */
function batch(count: number, shift = 0): Batch {
  const pixels = Uint8Array.from({ length: count * 48 }, (_, i) => {
    const [picture, x] = [Math.floor(i / 48), Math.floor((i % 12) / 3)]
    return (picture % 2 === 0) === x < 2 ? 180 + ((i * 7 + shift) % 60) : 20 + ((i * 11 + shift) % 60)
  })
  return { count, pixels, target: Float32Array.from({ length: count * 2 }, (_, i) => Number(i % 2 === (i >> 1) % 2)) }
}

test('a network learns, goes on from values just as it did, and is judged by the classifier it makes', async () => {
  const trainer = await startTrainer(network, settings)
  expect(trainer.grid).toMatchObject({ width: 4, height: 4, channels: 3, classes: 2, fixedBatch: null, weights: 148 })
  const losses: number[] = []
  const steps = async (from: number, to: number) => {
    for (let i = from; i < to; i++) losses.push((await trainer.steps([batch(8, i)], [0.02], i))[0]!.loss)
  }
  await steps(0, 30)
  const middle = trainer.values()
  await steps(30, 60)
  const [end, first] = [trainer.values(), losses.slice(30)]
  await trainer.restore(middle)
  losses.length = 0
  await steps(30, 60)
  expect(losses).toEqual(first)
  expect(trainer.values()).toEqual(end)

  const exam = batch(6, 3)
  const { loss, hits } = await trainer.evaluate(exam)
  expect(hits).toBe(6)
  const x = float32([6, 3, 4, 4], networkInput(exam.pixels, 6, trainer.grid, trainer.grid.preprocessing))
  const { y } = await runModel(trainer.classifier(end), { x })
  const own = Array.from({ length: 6 }, (_, i) => -Math.log((y!.data as Float32Array)[2 * i + (i % 2)]!))
  expect(loss).toBeCloseTo(own.reduce((a, b) => a + b) / 6, 5)
  expect(loss).toBeLessThan(0.3)
  await trainer.release()
})

test('steps in one run end where they do one by one, bit by bit', async () => {
  const batches = Array.from({ length: 5 }, (_, i) => batch(8, i))
  const after = async (lengths: number[]) => {
    const trainer = await startTrainer(network, settings)
    const scores: Score[] = []
    for (const length of lengths) {
      const first = scores.length
      const rates = Array.from({ length }, (_, i) => 0.01 * (first + i + 1))
      scores.push(...(await trainer.steps(batches.slice(first, first + length), rates, first)))
    }
    const values = trainer.values()
    await trainer.release()
    return { scores, values }
  }
  const single = await after([1, 1, 1, 1, 1])
  expect(single.scores).toHaveLength(5)
  expect(await after([5])).toEqual(single)
  expect(await after([1, 3, 1])).toEqual(single)
})

test('a run has one step at first, then as many as take two seconds', () => {
  const pace = paceOf(8)
  expect(pace.steps).toBe(1)
  pace.took(1, 300)
  expect(pace.steps).toBe(6)
  pace.took(6, 30)
  expect(pace.steps).toBe(8)
  pace.took(8, 40_000)
  expect(pace.steps).toBe(1)
  const grid = { fed: 3 * 224 ** 2 } as Grid
  expect([1, 8, 16, 32, 64, 100].map((count) => stepsTogether(grid, count))).toEqual([8, 8, 4, 2, 1, 1])
})

test('a loss that is no number ends the training in a line', async () => {
  const trainer = await startTrainer(network, { ...settings, options: { optimizer: { name: 'sgd' } } })
  await trainer.steps([batch(4)], [1e30], 0)
  const error = await trainer.steps([batch(4)], [1], 1).catch((e) => e)
  expect(error).toBeInstanceOf(AugmentError)
  expect(error.message).toMatch(/^test.onnx: the loss of step 2 is (NaN|Infinity), expected a number$/)
  await trainer.release()
})

test.each([
  ['nchw', 'rgb', 3],
  ['nchw', 'bgr', 3],
  ['nhwc', 'rgb', 3],
  ['nhwc', 'bgr', 3],
  ['nchw', 'rgb', 1],
] as const)(
  'pixels become the input of a %s, %s, %i-channel network as for its saliency',
  async (layout, colorOrder, channels) => {
    const [width, height] = [5, 4]
    const dims = layout === 'nchw' ? [channels, height, width] : [height, width, channels]
    const size = channels * height * width
    const spec = {
      nodes: [makeNode('Flatten', ['x'], ['f']), makeNode('MatMul', ['f', 'w'], ['y'])],
      inputs: { x: ['N', ...dims] },
      outputs: ['y'],
      weights: { w: wave([size, 4]) },
    }
    const bytes = writeModel(modelOf(spec))
    const preprocessing = {
      mean: [0.2, 0.4, 0.6].slice(0, channels),
      std: [0.3, 0.2, 0.5].slice(0, channels),
      scale: 1 / 200,
      layout,
      colorOrder,
    }
    const built = await saliencyModel(bytes, 'm', {
      preprocessing,
      loss: 'ce',
      target: 'predicted',
      blur: { kernel: 0, sigma: 0 },
      channelNorm: 'mean',
    })
    const pixels = Uint8Array.from({ length: 2 * width * height * 3 }, (_, i) => (i * 37) % 256)
    const { logits } = await runModel(built.bytes, {
      pixels: { type: 'uint8', dims: [2, height, width, 3], data: pixels },
    })
    const x = float32([2, ...dims], networkInput(pixels, 2, { width, height, channels }, preprocessing))
    const { y } = await runModel(bytes, { x })
    for (const [i, value] of (y!.data as Float32Array).entries())
      expect(value).toBeCloseTo((logits!.data as Float32Array)[i]!, 4)
  },
)

test('a checkpoint gives back what went in, and only for the training it is of', () => {
  const values = new Map([
    ['w', Float32Array.of(1, -2.5)],
    ['é', Float32Array.of(3)],
  ])
  const best = {
    epoch: 1,
    accuracy: 0.75,
    loss: 0.5,
    values: new Map([
      ['w', Float32Array.of(4, 5)],
      ['é', Float32Array.of(6)],
    ]),
  }
  const checkpoint = { epochs: 3, planned: 9, values, best }
  const bytes = encodeCheckpoint(checkpoint, 'abc')
  for (const read of [bytes, Buffer.from(bytes)]) expect(decodeCheckpoint(read, 'abc', 'p')).toEqual(checkpoint)
  expect(decodeCheckpoint(bytes, 'abd', 'p')).toBeNull()
  const flipped = bytes.with(-40, bytes.at(-40)! ^ 1) // in the last value
  for (const damaged of [bytes.subarray(0, 20), bytes.subarray(0, -4), Uint8Array.of(1, 2, 3), flipped])
    expect(() => decodeCheckpoint(damaged, 'abc', 'p')).toThrow('p: not a checkpoint of sage-augment')
})
