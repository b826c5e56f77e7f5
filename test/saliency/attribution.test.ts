import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { integratedMap } from '../../src/saliency/integrated.js'
import { type SaliencyOptions, saliencyModel } from '../../src/saliency/saliencyModel.js'
import { createSession, type Tensor } from '../../src/saliency/session.js'
import { float32, runModel } from '../helpers/onnx.js'

/** What PyTorch computes in float64 (models/train/reference.py attributions). */
interface Attributions {
  readonly target: number[][]
  readonly steps: number
  readonly times_input: string
  readonly integrated: string
}

const fixtures = new URL('../../fixtures/', import.meta.url)
const json = (path: string) => JSON.parse(readFileSync(new URL(path, fixtures), 'utf8'))
const floats = (base64: string) => new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer)

function load(name: string) {
  const { mean, std, dims, pixels, cases } = json(`gradients/${name}.json`)
  const options: SaliencyOptions = {
    preprocessing: { mean, std, scale: 1 / 255, layout: 'nchw', colorOrder: 'rgb' },
    loss: 'ce',
    target: 'label',
    blur: { kernel: 5, sigma: 1 },
    channelNorm: 'mean',
  }
  const [images, height, width] = dims as [number, number, number]
  const small = name.startsWith('small')
  const bytes = readFileSync(new URL(small ? `gradients/${name}.onnx` : `../models/${name}.onnx`, fixtures))
  const all = Uint8Array.from(Buffer.from(pixels, 'base64'))
  const size = height * width * 3
  const pictures = Array.from({ length: images }, (_, i) => all.slice(i * size, (i + 1) * size))
  return { options, bytes, dims: dims as number[], all, pictures, target: cases[0].target as number[][] }
}

const attributions = (name: string): Attributions => json(`attributions/${name}.json`)

/** Half the summed absolute difference of two maps that each sum to 1. */
const distance = (a: ArrayLike<number>, b: Float32Array) =>
  b.reduce((total, value, i) => total + Math.abs(value - a[i]!), 0) / 2

const data = (tensor: Tensor | undefined) => tensor!.data as Float32Array

async function integrate(name: string, picture: number, steps: number, target: Float32Array | null) {
  const { options, bytes, pictures } = load(name)
  const model = await saliencyModel(bytes, name, { ...options, integrated: steps })
  const session = await createSession(model.bytes, { device: 'cpu', threads: 1 })
  try {
    return await integratedMap(session, model, pictures[picture]!, target, steps)
  } finally {
    await session.release()
  }
}

const NAMES = ['small-rgb', 'small-grey']

test.each(NAMES)('gradient times input on %s is that of PyTorch in float64', async (name) => {
  const { options, bytes, dims, all } = load(name)
  const expected = attributions(name)
  const model = await saliencyModel(bytes, name, { ...options, timesInput: true })
  const { saliency } = await runModel(model.bytes, {
    pixels: { type: 'uint8', dims, data: all },
    target: float32([2, 10], expected.target.flat()),
  })
  const maps = floats(expected.times_input)
  for (const i of [0, 1]) {
    const [from, to] = [(i * maps.length) / 2, ((i + 1) * maps.length) / 2]
    expect(distance(data(saliency).subarray(from, to), maps.subarray(from, to))).toBeLessThan(1e-5)
  }
})

test.each(NAMES)('integrated gradients on %s are those of PyTorch in float64', async (name) => {
  const expected = attributions(name)
  const maps = floats(expected.integrated)
  for (const [i, target] of expected.target.entries()) {
    const { saliency } = await integrate(name, i, expected.steps, Float32Array.from(target))
    expect(distance(data(saliency), maps.subarray((i * maps.length) / 2, ((i + 1) * maps.length) / 2))).toBeLessThan(
      1e-4,
    )
  }
})

test.each(['cifar10', 'fashion-mnist'])('integrated gradients of %s sum to f(x) - f(baseline)', async (name) => {
  const { options, bytes, pictures, target, dims } = load(name)
  const { mean = [], std = [] } = options.preprocessing
  const label = Float32Array.from(target[0]!)
  const [, height, width] = dims as [number, number, number]
  // Grey pictures are stored with three equal channels.
  const x = Float32Array.from({ length: mean.length * height * width }, (_, i) => {
    const channel = Math.floor(i / (height * width))
    return (pictures[0]![3 * (i % (height * width)) + channel]! / 255 - mean[channel]!) / std[channel]!
  })
  const logit = async (input: Float32Array) => {
    const outputs = await runModel(bytes, { input: float32([1, mean.length, height, width], input) })
    return data(Object.values(outputs)[0])[label.indexOf(1)]!
  }
  const difference = (await logit(x)) - (await logit(new Float32Array(x.length)))
  expect(Math.abs(difference)).toBeGreaterThan(1)
  const { sum } = await integrate(name, 0, 200, label)
  const total = data(sum).reduce((t, g, i) => t + g * x[i]!, 0)
  expect(Math.abs(total / difference - 1)).toBeLessThan(1e-2)
})

test('without labels the path explains the class that the picture itself is given', async () => {
  const { target } = attributions('small-rgb')
  const [predicted, label] = await Promise.all([
    integrate('small-rgb', 1, 9, null),
    // The second picture's label is what PyTorch's model predicts.
    integrate('small-rgb', 1, 9, Float32Array.from(target[1]!)),
  ])
  expect(Array.from(data(predicted.saliency))).toEqual(Array.from(data(label.saliency)))
})
