/** A trained classifier, asked about held-out pictures as they are, noisy, and changed against it. */
import { normal, type Random } from '../core/random.js'
import { readModel } from '../onnx/model.js'
import { declaredType } from '../onnx/valueInfo.js'
import { gradientModel } from '../saliency/gradientModel.js'
import { createSession, type Tensor } from '../saliency/session.js'
import { networkInput } from './networkInput.js'
import type { Batch, Grid } from './trainer.js'

/** Strength of the attack and deviation of the noise, in grey levels of 255. */
const [ATTACK, NOISE] = [2, 16] as const

export interface Judge {
  /** Logits [count, K] of pictures as they are. */
  plain(batch: Batch): Promise<Float32Array>
  /** Of pictures with Gaussian noise added to each channel, limited to black and white. */
  noisy(batch: Batch, random: Random): Promise<Float32Array>
  /**
   * Of x + ATTACK sign(dL/dx), L the cross-entropy with the true labels, limited to black and white: FGSM (Goodfellow et al.
   * 2015, arXiv 1412.6572).
   */
  attacked(batch: Batch): Promise<Float32Array>
  release(): Promise<void>
}

/** Loads the classifier in `bytes`, whose input is made as `grid` says. Throws AugmentError 'model'. */
export async function startJudge(
  bytes: Uint8Array,
  name: string,
  grid: Omit<Grid, 'fed' | 'fixedBatch' | 'weights'>,
  threads: number,
): Promise<Judge> {
  const { width, height, channels, classes, preprocessing } = grid
  const { layout, mean, std, scale } = preprocessing
  const [own] = readModel(bytes, name).graph.inputs
  const isOpen = declaredType(own!)!.dims.slice(1).includes(null)
  const model = await gradientModel(bytes, name, isOpen ? { size: { width, height } } : {})
  const input = readModel(model, name).graph.inputs[0]!.name
  const [forward, session] = await Promise.all(
    [bytes, model].map((each) => createSession(each, { device: 'cpu', threads })),
  )

  const inputOf = ({ pixels, count }: Batch) => networkInput(pixels, count, grid, preprocessing)
  const dimsOf = (count: number) =>
    layout === 'nchw' ? [count, channels, height, width] : [count, height, width, channels]
  const pictures = (data: Float32Array, count: number): Tensor => ({ type: 'float32', dims: dimsOf(count), data })
  async function logitsOf(data: Float32Array, { count }: Batch): Promise<Float32Array> {
    const found = await forward!.run({ [own!.name]: pictures(data, count) })
    return Object.values(found).find((value) => value.data.length === count * classes)!.data as Float32Array
  }
  async function gradientOf(data: Float32Array, { count, target }: Batch): Promise<Float32Array> {
    const labels: Tensor = { type: 'float32', dims: [count, classes], data: target }
    return (await session!.run({ [input]: pictures(data, count), target: labels })).gradient!.data as Float32Array
  }
  /** x plus `change(i)` grey levels at element i, limited to black and white. */
  function moved(x: Float32Array, change: (i: number) => number): Float32Array {
    const area = width * height
    return x.map((value, i) => {
      const channel = layout === 'nchw' ? Math.floor(i / area) % channels : i % channels
      const [m, s] = [mean[channel]!, std[channel]!]
      const low = -m / s
      return Math.min(Math.max(value + (change(i) * scale) / s, low), (255 * scale - m) / s)
    })
  }
  return {
    plain: (batch) => logitsOf(inputOf(batch), batch),
    noisy: (batch, random) =>
      logitsOf(
        moved(inputOf(batch), () => NOISE * normal(random)),
        batch,
      ),
    async attacked(batch) {
      const x = inputOf(batch)
      const gradient = await gradientOf(x, batch)
      return logitsOf(
        moved(x, (i) => ATTACK * Math.sign(gradient[i]!)),
        batch,
      )
    },
    async release() {
      await Promise.all([forward!.release(), session!.release()])
    },
  }
}
