import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readModel, writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { makeTensor } from '../../src/onnx/tensor.js'
import { type SaliencyOptions, saliencyModel } from '../../src/saliency/saliencyModel.js'
import { createSession, type Tensor } from '../../src/saliency/session.js'
import { float32, modelOf, runModel } from '../helpers/onnx.js'

/** One answer of PyTorch in float64 (models/train/reference.py). */
interface Case {
  scale: number
  loss: 'ce' | 'bce'
  labels: string
  target: number[][]
  saliency: string
  logits?: number[][]
  gradient?: string
}

interface Reference {
  mean: number[]
  std: number[]
  dims: number[]
  pixels: string
  cases: Case[]
}

const folder = new URL('../../fixtures/gradients/', import.meta.url)
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -5))

/** The small classifiers lie beside their references, the bundled ones in models/. */
const modelBytes = (name: string) =>
  readFileSync(new URL(`${name.startsWith('small') ? '' : '../../models/'}${name}.onnx`, folder))
const reference = (name: string): Reference => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))
const floats = (base64: string) => new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer)

function optionsFor({ mean, std }: Reference): SaliencyOptions {
  return {
    preprocessing: { mean, std, scale: 1 / 255, layout: 'nchw', colorOrder: 'rgb' },
    loss: 'ce',
    target: 'label',
    blur: { kernel: 5, sigma: 1 },
    channelNorm: 'mean',
  }
}

/** The model with its last Gemm's weights and bias multiplied. */
function sharpened(bytes: Uint8Array, factor: number): Uint8Array {
  const model = readModel(bytes, 'sharpened')
  const head = model.graph.nodes.at(-1)!
  const initializers = new Map(model.graph.initializers)
  for (const name of head.input.slice(1)) {
    const tensor = initializers.get(name)!
    const values = Array.from(new Float32Array(Uint8Array.from(tensor.rawData).buffer), (v) => v * factor)
    initializers.set(name, makeTensor(name, tensor.dataType, tensor.dims.map(Number), values))
  }
  return writeModel({ ...model, graph: { ...model.graph, initializers } })
}

function feeds(ref: Reference, target?: number[][]): Record<string, Tensor> {
  const pixels: Tensor = { type: 'uint8', dims: ref.dims, data: Uint8Array.from(Buffer.from(ref.pixels, 'base64')) }
  if (!target) return { pixels }
  return { pixels, target: float32([target.length, target[0]!.length], target.flat()) }
}

/** Half the summed absolute difference of maps that each sum to 1, the worst image's. */
function totalVariation(a: Float32Array, b: Float32Array, images: number): number {
  const size = a.length / images
  const rows = Array.from({ length: images }, (_, n) => {
    let sum = 0
    for (let i = n * size; i < (n + 1) * size; i++) sum += Math.abs(a[i]! - b[i]!)
    return sum / 2
  })
  return Math.max(...rows)
}

test.each(names)('the saliency maps of %s are those of the float64 gradient, however confident it is', async (name) => {
  const ref = reference(name)
  for (const { scale, loss, target, saliency } of ref.cases) {
    const bytes = sharpened(modelBytes(name), scale)
    const model = await saliencyModel(bytes, name, { ...optionsFor(ref), loss })
    const out = await runModel(model.bytes, feeds(ref, target))
    const expected = floats(saliency)
    expect(expected.length).toBe(out.saliency!.data.length)
    expect(totalVariation(out.saliency!.data as Float32Array, expected, ref.dims[0]!)).toBeLessThan(1e-5)
    expect(Array.from(out.uniform!.data as Uint8Array)).toEqual([0, 0])
  }
})

/** A classifier of two classes whose first logit is sum of `weights` x, [1, channels, height, width], and second 0. */
function linear(weights: readonly number[], channels: number, height: number, width: number): Uint8Array {
  const size = channels * height * width
  const nodes = [makeNode('Flatten', ['x'], ['flat']), makeNode('Gemm', ['flat', 'w'], ['z'], { transB: 1 })]
  const w = { dims: [2, size], values: [...weights, ...weights.map(() => 0)] }
  return writeModel(modelOf({ nodes, inputs: { x: ['N', channels, height, width] }, outputs: ['z'], weights: { w } }))
}

const plain: SaliencyOptions = {
  preprocessing: { mean: [0], std: [1], scale: 1, layout: 'nchw', colorOrder: 'rgb' },
  loss: 'ce',
  target: 'label',
  blur: { kernel: 5, sigma: 1 },
  channelNorm: 'mean',
}

/** Zero pixels, first class. */
function blank(height: number, width: number, images = 1): Record<string, Tensor> {
  const pixels: Tensor = {
    type: 'uint8',
    dims: [images, height, width, 3],
    data: new Uint8Array(images * height * width * 3),
  }
  return { pixels, target: float32([images, 2], Array.from({ length: images }, () => [1, 0]).flat()) }
}

test('the blur is a Gaussian with reflected edges, on pictures that are not square', async () => {
  const [height, width, half] = [4, 7, 2]
  const weights = Array.from({ length: height * width }, (_, i) => ((i * 37) % 19) - 9)
  const model = await saliencyModel(linear(weights, 1, height, width), 'linear', plain)
  const { saliency } = await runModel(model.bytes, blank(height, width))
  const taps = [0.054489, 0.244201, 0.40262, 0.244201, 0.054489]
  const mirror = (i: number, n: number) => (i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i)
  const blurredAt = (x: number, y: number) => {
    let sum = 0
    for (let dy = -half; dy <= half; dy++) {
      for (let dx = -half; dx <= half; dx++) {
        const at = mirror(y + dy, height) * width + mirror(x + dx, width)
        sum += taps[dy + half]! * taps[dx + half]! * Math.abs(weights[at]!)
      }
    }
    return sum
  }
  const expected = Array.from({ length: height * width }, (_, i) => blurredAt(i % width, Math.floor(i / width)))
  const total = expected.reduce((a, b) => a + b)
  expect(saliency!.dims).toEqual([1, height, width])
  const found = Array.from(saliency!.data as Float32Array)
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]! / total, 6)
  })
})

test('channels are joined by their mean or by their l2 norm', async () => {
  const weights = [3, -1, 0, 4, 1, 0, 0, 1, 2]
  for (const [channelNorm, joined] of [
    ['mean', [7, 3, 2]],
    ['l2', [5, Math.sqrt(3), 2]],
  ] as const) {
    const preprocessing = { ...plain.preprocessing, mean: [0, 0, 0], std: [1, 1, 1] }
    const options: SaliencyOptions = { ...plain, preprocessing, channelNorm, blur: { kernel: 0, sigma: 0 } }
    const model = await saliencyModel(linear(weights, 3, 1, 3), 'linear', options)
    const { saliency } = await runModel(model.bytes, blank(1, 3))
    const total = joined.reduce((a, b) => a + b, 0)
    Array.from(saliency!.data as Float32Array).forEach((value, i) => {
      expect(value).toBeCloseTo(joined[i]! / total, 6)
    })
  }
})

test.each([
  ['vanishes', 0],
  ['is not a number', Number.NaN],
  ['is infinite', Number.POSITIVE_INFINITY],
])('a gradient that %s gives the uniform map and says so', async (_, weight) => {
  const model = await saliencyModel(linear(Array(20).fill(weight), 1, 4, 5), 'linear', plain)
  const { saliency, uniform } = await runModel(model.bytes, blank(4, 5, 2))
  expect(Array.from(saliency!.data as Float32Array)).toEqual(Array(40).fill(Math.fround(1 / 20)))
  expect(Array.from(uniform!.data as Uint8Array)).toEqual([1, 1])
})

test.each([1e-38, 1e37])('a gradient of about %f is neither lost nor overflows', async (scale) => {
  const weights = Array.from({ length: 20 }, (_, i) => (1 + (i % 3)) * scale)
  const model = await saliencyModel(linear(weights, 1, 4, 5), 'linear', { ...plain, blur: { kernel: 0, sigma: 0 } })
  const { saliency, uniform } = await runModel(model.bytes, blank(4, 5))
  const total = weights.reduce((a, b) => a + b)
  Array.from(saliency!.data as Float32Array).forEach((value, i) => {
    expect(value).toBeCloseTo(weights[i]! / total, 6)
  })
  expect(Array.from(uniform!.data as Uint8Array)).toEqual([0])
})

test('predicted targets are the arg max of the logits', async () => {
  const name = 'small-rgb'
  const ref = reference(name)
  const byLabel = await saliencyModel(modelBytes(name), name, optionsFor(ref))
  const byModel = await saliencyModel(modelBytes(name), name, { ...optionsFor(ref), target: 'predicted' })
  const predicted = await runModel(byModel.bytes, feeds(ref))
  const rows = ref.cases[0]!.logits!.map((z) => z.map((value) => (value === Math.max(...z) ? 1 : 0)))
  const labelled = await runModel(byLabel.bytes, feeds(ref, rows))
  expect(predicted.saliency!.data).toEqual(labelled.saliency!.data)
})

test('a classifier of grey pictures sees the luma, exactly the value of a grey pixel', async () => {
  const model = await saliencyModel(linear([1, 0], 1, 1, 2), 'linear', { ...plain, blur: { kernel: 0, sigma: 0 } })
  const data = Uint8Array.from({ length: 256 * 6 }, (_, i) => Math.floor(i / 6))
  const greys = await runModel(model.bytes, {
    ...blank(1, 2, 256),
    pixels: { type: 'uint8', dims: [256, 1, 2, 3], data },
  })
  expect(Array.from({ length: 256 }, (_, i) => greys.logits!.data[2 * i])).toEqual(
    Array.from({ length: 256 }, (_, i) => i),
  )
  const pixels: Tensor = { type: 'uint8', dims: [1, 1, 2, 3], data: Uint8Array.from([200, 100, 50, 0, 0, 0]) }
  const { logits } = await runModel(model.bytes, { ...blank(1, 2), pixels })
  expect(logits!.data[0]).toBeCloseTo(0.299 * 200 + 0.587 * 100 + 0.114 * 50, 2)
})

test('layout and colour order arrange what the classifier sees', async () => {
  const picture = Array.from({ length: 2 * 3 * 3 }, (_, i) => i * 7)
  const pixels: Tensor = { type: 'uint8', dims: [1, 2, 3, 3], data: Uint8Array.from(picture) }
  const seen = (layout: 'nchw' | 'nhwc', bgr: boolean) =>
    Array.from({ length: 18 }, (_, i) => {
      const [pixel, channel] = layout === 'nchw' ? [i % 6, Math.floor(i / 6)] : [Math.floor(i / 3), i % 3]
      return (picture[pixel * 3 + (bgr ? 2 - channel : channel)]! * 0.5 - channel) / (channel + 1)
    })
  const weights = Array.from({ length: 18 }, (_, i) => Math.sin(i))
  for (const layout of ['nchw', 'nhwc'] as const) {
    for (const colorOrder of ['rgb', 'bgr'] as const) {
      const preprocessing = { mean: [0, 1, 2], std: [1, 2, 3], scale: 0.5, layout, colorOrder }
      const bytes = layout === 'nchw' ? linear(weights, 3, 2, 3) : linear(weights, 2, 3, 3)
      const model = await saliencyModel(bytes, 'linear', { ...plain, preprocessing, blur: { kernel: 0, sigma: 0 } })
      expect([model.width, model.height]).toEqual([3, 2])
      const { logits, saliency } = await runModel(model.bytes, { ...blank(2, 3), pixels })
      const expected = seen(layout, colorOrder === 'bgr').reduce((sum, value, i) => sum + value * weights[i]!, 0)
      expect(logits!.data[0]).toBeCloseTo(expected, 3)
      expect(saliency!.dims).toEqual([1, 2, 3])
    }
  }
})

test.each([
  ['small-rgb', 'ce', [1, 0]],
  ['cifar10', 'ce', [0.7, 0.3]],
  ['cifar10', 'bce', [1, 0]],
  ['cifar10', 'bce', [0.6, 0.4]],
] as const)(
  'an image has the same bits of saliency in any batch, on any number of threads: %s, %s, %j',
  async (name, loss, label) => {
    const ref = reference(name)
    const images = 64
    const size = 32 * 32 * 3
    const data = Uint8Array.from({ length: images * size }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24)
    const rows = Array.from({ length: images }, (_, n) =>
      Array.from({ length: 10 }, (_, k) => label[(k - n + 10 * n) % 10] ?? 0),
    )
    const { bytes } = await saliencyModel(modelBytes(name), name, { ...optionsFor(ref), loss })
    /** The bytes of the maps of the first `count` pictures. */
    const maps = async (batch: number, threads: number, count: number) => {
      const session = await createSession(bytes, { device: 'cpu', threads })
      const found: Buffer[] = []
      for (let i = 0; i < count; i += batch) {
        const n = Math.min(batch, count - i)
        const pixels: Tensor = { type: 'uint8', dims: [n, 32, 32, 3], data: data.slice(i * size, (i + n) * size) }
        const { saliency } = await session.run({ pixels, target: float32([n, 10], rows.slice(i, i + n).flat()) })
        const { buffer, byteOffset, byteLength } = saliency!.data as Float32Array<ArrayBuffer>
        found.push(Buffer.from(buffer, byteOffset, byteLength))
      }
      await session.release()
      return Buffer.concat(found)
    }
    const whole = await maps(images, 1, images)
    for (const [batch, threads, count] of [
      [1, 1, 16],
      [2, 2, 16],
      [3, 1, 16],
      [7, 2, 16],
      [images, 2, images],
    ] as const) {
      const found = await maps(batch, threads, count)
      expect(found.length).toBe(count * 32 * 32 * 4)
      expect(found.equals(whole.subarray(0, found.length)), `batch ${batch}, ${threads} threads`).toBe(true)
    }
  },
)

test("a picture's working memory is all that the classifier computes of it, twice", async () => {
  const { pictureBytes } = await saliencyModel(linear(Array(15).fill(1), 1, 3, 5), 'linear', plain)
  const [input, flat, logits] = [15, 15, 2]
  expect(pictureBytes).toBe(2 * 4 * (input + flat + logits))
})
