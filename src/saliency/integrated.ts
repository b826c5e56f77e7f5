/** Integrated gradients, a part of the path at a time. */
import type { SaliencyModel } from './saliencyModel.js'
import type { Session, Tensor } from './session.js'

/** Points of the path an inference; larger batches gain nothing on a CPU. */
const PART = 8

const floats = (data: Float32Array, dims: readonly number[]): Tensor => ({ type: 'float32', dims, data })

/**
 * The outputs of the integrated graph of saliencyModel after the whole path of `steps` points, which are those of the
 * midpoint rule, for `pixels` uint8 [1, H, W, 3] and `target`, label weights [K], or null for the arg max. `sum` [1, ...] is
 * the mean gradient on the path: times the normalised picture it sums to f(x) - f(baseline), but for the rule's error.
 */
export async function integratedMap(
  session: Session,
  model: Omit<SaliencyModel, 'bytes'>,
  pixels: Uint8Array,
  target: Float32Array | null,
  steps: number,
): Promise<Record<string, Tensor>> {
  const { width, height, channels, classes } = model
  const part = model.fixedBatch ?? Math.min(PART, steps)
  const before = model.preprocessing.layout === 'nchw' ? [1, channels, height, width] : [1, height, width, channels]

  async function run(fractions: Float32Array, weights: Float32Array, label: Float32Array, sum: Float32Array) {
    return session.run({
      pixels: { type: 'uint8', dims: [1, height, width, 3], data: pixels },
      target: floats(label, [1, classes]),
      fractions: floats(fractions, [fractions.length, 1, 1, 1]),
      weights: floats(weights, [weights.length, 1, 1, 1]),
      before: floats(sum, before),
    })
  }

  async function predicted(): Promise<Float32Array> {
    const rows = model.fixedBatch ?? 1
    const [none, zero] = [new Float32Array(classes), new Float32Array(channels * height * width)]
    const { logits } = await run(new Float32Array(rows).fill(1), new Float32Array(rows), none, zero)
    const z = (logits!.data as Float32Array).subarray(0, classes)
    none[z.indexOf(z.reduce((a, b) => Math.max(a, b)))] = 1
    return none
  }

  const label = target ?? (await predicted())
  let outputs: Record<string, Tensor> = {}
  let sum = new Float32Array(channels * height * width)
  for (let first = 0; first < steps; first += part) {
    // A fixed batch gets points of no weight beyond the end.
    const rows = model.fixedBatch ?? Math.min(part, steps - first)
    const fractions = Float32Array.from({ length: rows }, (_, i) => (first + i + 0.5) / steps)
    const weights = Float32Array.from({ length: rows }, (_, i) => (first + i < steps ? 1 / steps : 0))
    outputs = await run(fractions, weights, label, sum)
    sum = outputs.sum!.data as Float32Array<ArrayBuffer>
  }
  return outputs
}
