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
  /** Elements that a step is fed for each picture. */
  readonly fed: number
  readonly preprocessing: Preprocessing
}

/** Steps of one run, at most; more save less and less, and nothing is told before a run ends. */
const MOST = 8
/** So many elements are fed to one run at most, unless a step alone takes more: 64 pictures of 224 x 224. */
const FED = 64 * 3 * 224 ** 2

/** How many steps on batches of `batch` pictures are best done in one run. */
export const stepsTogether = ({ fed }: Grid, batch: number): number =>
  Math.min(MOST, Math.max(1, Math.floor(FED / (batch * fed))))

/** A run takes about so many milliseconds at most, unless a step alone takes longer: nothing stops it before its end. */
const RUN_MS = 2000

/** How many steps the next run should make. */
export interface Pace {
  readonly steps: number
  took(steps: number, milliseconds: number): void
}

/** One at first, then as many as RUN_MS and `most` allow. That changes no bit of what they make. */
export function paceOf(most: number): Pace {
  let steps = 1
  return {
    get steps() {
      return steps
    },
    took(count, milliseconds) {
      steps = Math.min(most, Math.max(1, Math.floor((RUN_MS * count) / milliseconds)))
    },
  }
}

/** A network that is being trained. Its steps block the thread that it lives in. */
export interface Trainer {
  readonly grid: Grid
  /** How steps on `count` pictures run, found by one on empty pictures, which changes nothing. */
  form(count: number): Promise<Found>
  /**
   * Steps on batches of one size, each with its learning rate, as one run; their numbers, from `first` on, draw their masks. Throws
   * AugmentError where a loss is no number.
   */
  steps(batches: readonly Batch[], rates: readonly number[], first: number): Promise<Score[]>
  /** The loss is the cross-entropy, whatever is trained with. */
  evaluate(batch: Batch): Promise<Score>
  /** Every value that a step carries on, by input, as it is now; a copy. */
  values(): Map<string, Float32Array<ArrayBuffer>>
  restore(values: ReadonlyMap<string, Float32Array>): Promise<void>
  /** The classifier with the weights of `values`, or, for null, as they are now. */
  classifier(values: ReadonlyMap<string, Float32Array> | null): Uint8Array<ArrayBuffer>
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
  const ofMasks = model.masks.reduce((sum, { dims }) => sum + volume(dims.map((dim) => dim ?? 1)), 0)
  const fed = channels * height * width + ofMasks
  const grid: Grid = { width, height, channels, classes, fixedBatch, weights, fed, preprocessing }
  const runner = stepRunner(model, threads)
  let inference: Session | null = null

  /** Batches of one size as the network takes them, with an axis of `steps` in front where there is one. */
  function picturesOf(batches: readonly Batch[], ...steps: number[]): Tensor {
    const { count } = batches[0]!
    const dims = preprocessing.layout === 'nchw' ? [count, channels, height, width] : [count, height, width, channels]
    const each = batches.map(({ pixels }) => networkInput(pixels, count, grid, preprocessing))
    return float32([...steps, ...dims], joined(each))
  }

  const kept = model.carried.filter(({ kind }) => kind !== 'state')

  const now = () => runner.values(kept.map(({ input }) => input))

  /** The weights and statistics among carried values, by the classifier's names. */
  function named(values: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
    return new Map(kept.map((c) => [c.name, values.get(c.input)!]))
  }

  async function stale(): Promise<void> {
    await inference?.release()
    inference = null
  }

  function run(batches: readonly Batch[], rates: readonly number[], first: number) {
    const [steps, { count }] = [batches.length, batches[0]!]
    const masks = model.masks.map(({ input, ratio, dims }, i): [string, Tensor] => {
      const sizes = dims.map((dim) => dim ?? count)
      const each = batches.map((_, step) => {
        const random = streamFor('masks', seed, (first + step) * model.masks.length + i)
        return Float32Array.from({ length: volume(sizes) }, () => (random.uniform() < ratio ? 0 : 1 / (1 - ratio)))
      })
      return [input, float32([steps, ...sizes], joined(each))]
    })
    return runner.run(count, {
      [model.input]: picturesOf(batches, steps),
      target: float32([steps, count, classes], joined(batches.map(({ target }) => target))),
      rate: float32([steps], Float32Array.from(rates)),
      ...Object.fromEntries(masks),
    })
  }

  return {
    grid,
    async form(count) {
      const pixels = new Uint8Array(count * channels * height * width)
      await run([{ count, pixels, target: new Float32Array(count * classes) }], [0], 0)
      return runner.form
    },
    async steps(batches, rates, first) {
      await stale()
      const { losses, logits, keep } = await run(batches, rates, first)
      const bad = losses.findIndex((loss) => !Number.isFinite(loss))
      if (bad >= 0) throw diverged(name, first + bad, losses[bad]!)
      keep()
      const rows = logits.length / batches.length
      return batches.map((batch, i) => {
        const own = logits.subarray(i * rows, (i + 1) * rows)
        return { loss: losses[i]!, hits: hitsOf(own, batch, classes) }
      })
    },
    async evaluate(batch) {
      inference ??= await createSession(model.evaluation(named(now())), {
        device: 'cpu',
        threads,
      })
      const found = await inference.run({ [model.input]: picturesOf([batch]) })
      const logits = found.logits!.data as Float32Array
      return { loss: crossEntropy(logits, batch, grid.classes), hits: hitsOf(logits, batch, grid.classes) }
    },
    values: () => runner.values(),
    async restore(values) {
      await stale()
      runner.restore(values)
    },
    classifier: (values) => model.classifier(named(values ?? now())),
    async release() {
      await stale()
      await runner.release()
    },
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
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
