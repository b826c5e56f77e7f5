import { expect, test } from 'vitest'
import { randomStream } from '../../src/core/random.js'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { startJudge } from '../../src/train/judge.js'
import { modelOf } from '../helpers/onnx.js'

const [WIDTH, HEIGHT] = [20, 10]
const ELEMENTS = 3 * WIDTH * HEIGHT
const [MEAN, STD] = [
  [0.5, 0.4, 0.3],
  [0.25, 0.2, 0.5],
]

/** y = W^T x: its gradient is known on paper. */
function linear(classes: number, values: readonly number[]) {
  return writeModel(
    modelOf({
      nodes: [makeNode('Flatten', ['x'], ['f']), makeNode('MatMul', ['f', 'w'], ['y'])],
      inputs: { x: ['N', 3, HEIGHT, WIDTH] },
      outputs: ['y'],
      weights: { w: { dims: [ELEMENTS, classes], values } },
    }),
  )
}

const start = (bytes: Uint8Array, classes: number) => {
  const preprocessing = { mean: MEAN!, std: STD!, layout: 'nchw', scale: 1 / 255, colorOrder: 'rgb' } as const
  const grid = { width: WIDTH, height: HEIGHT, channels: 3, classes, preprocessing }
  return startJudge(bytes, 'linear', grid, 1)
}

/** Place in [N, 3, H, W] of channel c of pixel i. */
const place = (c: number, i: number) => c * WIDTH * HEIGHT + i

test('FGSM moves each value by two grey levels up the loss, and stops at black and white', async () => {
  const random = randomStream(1, 0)
  const classes = 3
  const w = Array.from({ length: ELEMENTS * classes }, () => (random.uniform() - 0.5) / 20)
  const pixels = Uint8Array.from({ length: ELEMENTS }, (_, i) =>
    i % 7 === 0 ? 0 : i % 7 === 1 ? 255 : 256 * random.uniform(),
  )
  const target = Float32Array.of(0.7, 0.3, 0)
  const judge = await start(linear(classes, w), classes)
  const batch = { count: 1, pixels, target }
  const plain = [...(await judge.plain(batch))]
  const found = await judge.attacked(batch)
  await judge.release()
  const logits = (grey: (c: number, i: number) => number) =>
    Array.from({ length: classes }, (_, k) => {
      let sum = 0
      for (let c = 0; c < 3; c++)
        for (let i = 0; i < WIDTH * HEIGHT; i++)
          sum += w[place(c, i) * classes + k]! * ((grey(c, i) / 255 - MEAN![c]!) / STD![c]!)
      return sum
    })
  const before = logits((c, i) => pixels[3 * i + c]!)
  for (const k of before.keys()) expect(plain[k]).toBeCloseTo(before[k]!, 3)
  // dL/dx = W (softmax(y) - t), as every loss with targets that sum to 1 has it.
  const all = before.reduce((sum, z) => sum + Math.exp(z), 0)
  const error = before.map((z, k) => Math.exp(z) / all - target[k]!)
  const after = logits((c, i) => {
    const slope = error.reduce((sum, e, k) => sum + e * w[place(c, i) * classes + k]!, 0)
    return Math.min(255, Math.max(0, pixels[3 * i + c]! + 2 * Math.sign(slope)))
  })
  for (const k of after.keys()) expect(found[k]).toBeCloseTo(after[k]!, 3)
})

test('noise has a deviation of 16 grey levels in every channel, is limited, and comes from the stream', async () => {
  // The logits are the values themselves.
  const identity = Array.from({ length: ELEMENTS ** 2 }, (_, i) => Number(i % (ELEMENTS + 1) === 0))
  const judge = await start(linear(ELEMENTS, identity), ELEMENTS)
  const greys = async (grey: number, seed: number) => {
    const batch = { count: 4, pixels: new Uint8Array(4 * ELEMENTS).fill(grey), target: new Float32Array(4 * ELEMENTS) }
    const found = await judge.noisy(batch, randomStream(seed, 0))
    return found.map((value, i) => {
      const c = Math.floor((i % ELEMENTS) / (WIDTH * HEIGHT))
      return 255 * (value * STD![c]! + MEAN![c]!)
    })
  }
  const middle = await greys(128, 5)
  for (let c = 0; c < 3; c++) {
    const own = middle.filter((_, i) => Math.floor((i % ELEMENTS) / (WIDTH * HEIGHT)) === c)
    const mean = own.reduce((a, b) => a + b, 0) / own.length
    const deviation = Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (own.length - 1))
    // Of 800 values: five standard errors, 16 / sqrt(800) and 16 / sqrt(1600).
    expect(Math.abs(mean - 128)).toBeLessThan(2.9)
    expect(Math.abs(deviation - 16)).toBeLessThan(2)
  }
  expect(await greys(128, 5)).toEqual(middle)
  expect(await greys(128, 6)).not.toEqual(middle)
  const black = await greys(0, 5)
  expect(Math.min(...black)).toBeCloseTo(0, 3)
  expect(Math.abs(black.filter((value) => value < 0.01).length / black.length - 0.5)).toBeLessThan(0.06)
  const white = await greys(255, 5)
  expect(Math.max(...white)).toBeCloseTo(255, 3)
  await judge.release()
})
