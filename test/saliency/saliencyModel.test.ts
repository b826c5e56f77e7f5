import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readModel, writeModel } from '../../src/onnx/model.js'
import { makeTensor } from '../../src/onnx/tensor.js'
import { type SaliencyOptions, saliencyModel } from '../../src/saliency/saliencyModel.js'
import { createSession, type Tensor } from '../../src/saliency/session.js'

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
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => file.slice(0, -5))

const modelBytes = (name: string) => readFileSync(new URL(`${name}.onnx`, folder))
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
  const dims = [target.length, target[0]!.length]
  return { pixels, target: { type: 'float32', dims, data: Float32Array.from(target.flat()) } }
}

async function run(bytes: Uint8Array, inputs: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await createSession(bytes, { device: 'cpu', threads: 1 })
  try {
    return await session.run(inputs)
  } finally {
    await session.release()
  }
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
    const out = await run(model.bytes, feeds(ref, target))
    const expected = floats(saliency)
    expect(expected.length).toBe(out.saliency!.data.length)
    expect(totalVariation(out.saliency!.data as Float32Array, expected, ref.dims[0]!)).toBeLessThan(1e-5)
    expect(Array.from(out.uniform!.data as Uint8Array)).toEqual([0, 0])
  }
})
