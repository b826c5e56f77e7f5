import type { Preprocessing } from '../classifiers/preprocessing.js'
import { AugmentError } from '../core/errors.js'
import { heaviest } from '../core/softLabel.js'
import { readModel } from '../onnx/model.js'
import { DataType } from '../onnx/tensor.js'
import { declaredType, typeName } from '../onnx/valueInfo.js'
import { type InputOptions, pictureInput } from '../saliency/pictureInput.js'
import { createSession, type Session, type Tensor } from '../saliency/session.js'
import type { Found } from './blockSize.js'
import { networkInput } from './networkInput.js'
import { stepRunner } from './stepRunner.js'
import { streamFor } from './streams.js'
import { type TrainingOptions, trainingModel } from './trainingModel.js'

export interface TrainerSettings {
  /** What messages call the classifier. */
  readonly name: string
  readonly options: Omit<TrainingOptions, 'size'>
  /** What is known of how its input is made. */
  readonly input: InputOptions
  readonly threads: number
  /** Of the masks of Dropout. */
  readonly seed: number
}

/** `count` pictures on the network's grid with their labels. */
export interface Batch {
  readonly count: number
  /** uint8 [count, height, width, 3] */
  readonly pixels: Uint8Array
  /** float32 [count, classes], rows sum to 1 */
  readonly target: Float32Array
}

/** What a batch came to: the mean loss, and how many pictures have their heaviest class. */
export interface Score {
  readonly loss: number
  readonly hits: number
}

export interface Grid {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly classes: number
  /** The only batch size that the network takes; null means any. */
  readonly fixedBatch: number | null
  /** Elements of all weights that are trained. */
  readonly weights: number
  readonly preprocessing: Preprocessing
}

/** A network that is being trained. Its steps block the thread that it lives in. */
export interface Trainer {
  readonly grid: Grid
  /** How steps on `count` pictures run, found by one on empty pictures, which changes nothing. */
  form(count: number): Promise<Found>
  /** One step with the learning rate `rate`; step number `index` draws its masks. Throws AugmentError where the loss is no number. */
  step(batch: Batch, rate: number, index: number): Promise<Score>
  /** The loss is the cross-entropy, whatever is trained with. */
  evaluate(batch: Batch): Promise<Score>
  /** Every value that a step carries on, by input, as it is now; a copy. */
  values(): Map<string, Float32Array<ArrayBuffer>>
  restore(values: ReadonlyMap<string, Float32Array>): Promise<void>
  /** The classifier with the weights of `values`. */
  classifier(values: ReadonlyMap<string, Float32Array>): Uint8Array<ArrayBuffer>
  release(): Promise<void>
}

/** Makes the step of training for the classifier in `bytes` and loads it. Throws what trainingModel throws. */
export async function startTrainer(bytes: Uint8Array, settings: TrainerSettings): Promise<Trainer> {
  const { name, threads, seed } = settings
  const read = readModel(bytes, name)
  const picture = pictureInput(read, settings.input)
  if (picture.dtype !== DataType.FLOAT)
    throw new AugmentError('model', `${name}: its input is ${typeName(picture.dtype)}, expected float32 to train it`)
  const { width, height, channels, preprocessing } = picture
  const isOpen = declaredType(read.graph.inputs[0]!)!.dims.slice(1).includes(null)
  const size = isOpen ? { size: { width, height } } : {}
  const model = await trainingModel(bytes, name, { ...settings.options, ...size })
  const { classes, fixedBatch } = model
  const weights = model.carried.reduce((sum, { kind, dims }) => sum + (kind === 'weight' ? volume(dims) : 0), 0)
  const grid: Grid = { width, height, channels, classes, fixedBatch, weights, preprocessing }
  const steps = stepRunner(model, threads)
  let inference: Session | null = null

  function picturesOf({ count, pixels }: Batch): Tensor {
    const dims = preprocessing.layout === 'nchw' ? [count, channels, height, width] : [count, height, width, channels]
    return float32(dims, networkInput(pixels, count, grid, preprocessing))
  }

  /** The weights and statistics among carried values, by the classifier's names. */
  function named(values: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
    const kept = model.carried.filter(({ kind }) => kind !== 'state')
    return new Map(kept.map((c) => [c.name, values.get(c.input)!]))
  }

  async function stale(): Promise<void> {
    await inference?.release()
    inference = null
  }

  function run(batch: Batch, rate: number, index: number) {
    const masks = model.masks.map(({ input, ratio, dims }, i): [string, Tensor] => {
      const sizes = dims.map((dim) => dim ?? batch.count)
      const random = streamFor('masks', seed, index * model.masks.length + i)
      const data = Float32Array.from({ length: volume(sizes) }, () => (random.uniform() < ratio ? 0 : 1 / (1 - ratio)))
      return [input, float32(sizes, data)]
    })
    return steps.run(batch.count, {
      [model.input]: picturesOf(batch),
      target: float32([batch.count, grid.classes], batch.target),
      rate: float32([], Float32Array.of(rate)),
      ...Object.fromEntries(masks),
    })
  }

  return {
    grid,
    async form(count) {
      const pixels = new Uint8Array(count * channels * height * width)
      await run({ count, pixels, target: new Float32Array(count * classes) }, 0, 0)
      return steps.form
    },
    async step(batch, rate, index) {
      await stale()
      const { loss, logits, keep } = await run(batch, rate, index)
      if (!Number.isFinite(loss)) throw diverged(name, index, loss)
      keep()
      return { loss, hits: hitsOf(logits, batch, grid.classes) }
    },
    async evaluate(batch) {
      inference ??= await createSession(model.evaluation(named(steps.values())), { device: 'cpu', threads })
      const found = await inference.run({ [model.input]: picturesOf(batch) })
      const logits = found.logits!.data as Float32Array
      return { loss: crossEntropy(logits, batch, grid.classes), hits: hitsOf(logits, batch, grid.classes) }
    },
    values: steps.values,
    async restore(values) {
      await stale()
      steps.restore(values)
    },
    classifier: (values) => model.classifier(named(values)),
    async release() {
      await stale()
      await steps.release()
    },
  }
}

const volume = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1)

const float32 = (dims: readonly number[], data: Float32Array): Tensor => ({ type: 'float32', dims, data })

function diverged(name: string, step: number, loss: number): AugmentError {
  return new AugmentError('failed', `${name}: the loss of step ${step + 1} is ${loss}, expected a number`, {
    hint: 'try a smaller --rate, or --clip 1',
  })
}

/** How many rows of `logits` have their largest entry where those of the target have. */
function hitsOf(logits: Float32Array, { count, target }: Batch, classes: number): number {
  let hits = 0
  for (let i = 0; i < count; i++) {
    const row = (values: Float32Array) => heaviest(values.subarray(i * classes, (i + 1) * classes))
    if (row(logits) === row(target)) hits++
  }
  return hits
}

/** Mean over the batch of -sum y log softmax z. */
function crossEntropy(logits: Float32Array, { count, target }: Batch, classes: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) {
    const z = logits.subarray(i * classes, (i + 1) * classes)
    const most = z.reduce((a, b) => Math.max(a, b))
    const log = most + Math.log(z.reduce((total, value) => total + Math.exp(value - most), 0))
    for (let k = 0; k < classes; k++) sum += target[i * classes + k]! * (log - z[k]!)
  }
  return sum / count
}
