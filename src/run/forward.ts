/** A classifier that is only run forward. */
import type { Classifier } from '../classifiers/resolveModel.js'
import { resize } from '../codec/codec.js'
import type { Image } from '../core/image.js'
import { forwardModel } from '../saliency/forwardModel.js'
import { createSession } from '../saliency/session.js'
import { cores } from '../threads/cores.js'

/** Pictures per inference. */
const BATCH = 8

export interface Forward {
  /** Of the model's input. */
  readonly width: number
  readonly height: number
  /** Numbers for each picture. */
  readonly outputs: number
  /** The name of the value of the classifier that is computed. */
  readonly value: string
  /** The outputs for pictures of any size, float32 each; blocks the thread meanwhile. */
  of(images: readonly Image[]): Promise<Float32Array[]>
  close(): Promise<void>
}

/** The probabilities of a classifier or its features (see forwardModel), on the CPU. Throws AugmentError 'model'. */
export async function startForward(
  {
    bytes,
    name,
    preprocessing,
    width,
    height,
  }: Pick<Classifier, 'bytes' | 'name' | 'preprocessing' | 'width' | 'height'>,
  wanted: 'probabilities' | 'features',
  output?: string,
): Promise<Forward> {
  const model = await forwardModel(
    bytes,
    name,
    { preprocessing, width, height, ...(output !== undefined && { output }) },
    wanted,
  )
  const session = await createSession(model.bytes, { device: 'cpu', threads: cores() })
  const size = model.width * model.height * 3
  const rows = model.fixedBatch ?? BATCH

  async function batch(images: readonly Image[]): Promise<Float32Array[]> {
    const count = model.fixedBatch ?? images.length
    const pixels = new Uint8Array(count * size)
    for (const [i, image] of images.entries()) {
      pixels.set((await resize(image, model.width, model.height)).data, i * size)
    }
    const dims = [count, model.height, model.width, 3]
    const { forward } = await session.run({ pixels: { type: 'uint8', dims, data: pixels } })
    const data = forward!.data as Float32Array
    return images.map((_, i) => data.slice(i * model.outputs, (i + 1) * model.outputs))
  }

  return {
    ...model,
    async of(images) {
      const found: Float32Array[] = []
      for (let first = 0; first < images.length; first += rows) {
        found.push(...(await batch(images.slice(first, first + rows))))
      }
      return found
    },
    close: () => session.release(),
  }
}
