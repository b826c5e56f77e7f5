import type { Classifier } from '../classifiers/resolveModel.js'
import { resize } from '../codec/codec.js'
import { counted } from '../core/counted.js'
import { AUTO_DEVICES, type Device } from '../core/devices.js'
import { AugmentError } from '../core/errors.js'
import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import type { SaliencyKind } from '../core/saliencyKinds.js'
import type { SaliencyOptions } from '../saliency/saliencyModel.js'
import { batcher } from '../threads/batcher.js'
import { cores } from '../threads/cores.js'
import { Pool } from '../threads/pool.js'
import { isExhaustion, withinMemory } from '../threads/withinMemory.js'
import { settleTf32 } from './exact.js'
import type { InferenceData, InferenceReply, InferenceRequest, ModelFacts } from './inferenceWorker.js'

/** What gives pictures their saliency maps: a classifier in a thread of its own, or a detector without one. */
export interface Estimator {
  readonly facts: MapFacts
  readonly batch: number
  /** The map of a picture on the run's grid; `source` is whose label the loss takes. */
  estimate(source: number, image: Image): Promise<{ saliency: Plane; uniform: boolean }>
  close(): Promise<void>
}

/** What is known of the maps; `device` is null where no classifier makes them. */
interface MapFacts extends Pick<ModelFacts, 'width' | 'height' | 'grid' | 'layer'> {
  readonly device: string | null
  /** Null as well. */
  readonly preprocessing: ModelFacts['preprocessing'] | null
  readonly kind: SaliencyKind
}

/** An estimator that asks a classifier. */
export interface ModelEstimator extends Estimator {
  readonly facts: ModelFacts
}

/**
 * As many pictures per batch as make about 400,000 pixels (8 at 224 x 224), where bigger ones gain nothing on a CPU, and fit in
 * half of the `available` bytes of memory.
 */
export function defaultBatch(
  { width, height, pictureBytes }: Pick<ModelFacts, 'width' | 'height' | 'pictureBytes'>,
  available: number,
): number {
  return Math.max(1, Math.min(64, Math.floor(400_000 / (width * height)), Math.floor(available / 2 / pictureBytes)))
}

/**
 * Starts the thread and the session in it; the classifier's bytes move there and are gone here. `targetOf` is the label
 * distribution over the model's classes that the loss of a source takes, or null to take the model's own prediction. Throws
 * usage, model and device errors.
 */
export async function startEstimator(
  classifier: Classifier,
  options: Omit<SaliencyOptions, 'preprocessing' | 'width' | 'height' | 'target'>,
  run: {
    readonly device: 'auto' | Device
    readonly exact: boolean
    readonly jobs?: number | undefined
    readonly batch?: number | undefined
  },
  targetOf: ((source: number, modelClasses: number) => Float32Array) | null,
): Promise<ModelEstimator> {
  const devices: readonly Device[] = run.device === 'auto' ? AUTO_DEVICES : [run.device]
  if (devices.includes('cuda')) settleTf32(run.exact)
  const data: InferenceData = {
    bytes: classifier.bytes,
    name: classifier.name,
    options: {
      ...options,
      preprocessing: classifier.preprocessing,
      target: targetOf === null ? 'predicted' : 'label',
      ...(classifier.width === undefined ? {} : { width: classifier.width }),
      ...(classifier.height === undefined ? {} : { height: classifier.height }),
    },
    devices,
    threads: run.jobs ?? cores(),
  }
  const script = new URL('./inferenceWorker.js', import.meta.url)
  const pool = new Pool<InferenceRequest, InferenceReply>(script, 1, data, [classifier.bytes.buffer])
  try {
    const { facts } = await pool.call(null)
    if (targetOf !== null && classifier.classes !== null && classifier.classes.length !== facts.classes) {
      throw new AugmentError(
        'usage',
        `${classifier.name}: ${classifier.classes.length} class names, expected ${facts.classes}, one per logit of the model`,
      )
    }
    const batch = facts.fixedBatch ?? run.batch ?? defaultBatch(facts, process.availableMemory())
    const once = (items: readonly Item[]) => infer(pool, facts, items)
    const fitting = facts.fixedBatch === null ? withinMemory(once) : once
    const request = batcher(batch, (items: Item[]) =>
      fitting(items).catch((error) => {
        throw isExhaustion(error) ? exhausted(classifier.name, facts, error) : error
      }),
    )
    return {
      facts,
      batch,
      async estimate(source, image) {
        const onGrid = await resize(image, facts.width, facts.height)
        return request({ image: onGrid, target: targetOf?.(source, facts.classes) ?? null })
      },
      close: () => pool.close(),
    }
  } catch (error) {
    await pool.close()
    throw error
  }
}

function exhausted(model: string, { fixedBatch, width, height }: ModelFacts, cause: unknown): AugmentError {
  const found = `not enough memory for ${counted(fixedBatch ?? 1, 'picture')} of ${width} x ${height}`
  return new AugmentError('failed', `${model}: ${found}, the smallest batch`, {
    hint: 'close other programs or use a smaller model, then repeat the command: it continues where it stopped',
    cause,
  })
}

interface Item {
  readonly image: Image
  readonly target: Float32Array | null
}

async function infer(pool: Pool<InferenceRequest, InferenceReply>, facts: ModelFacts, items: readonly Item[]) {
  const { width, height, classes } = facts
  // A model of a fixed batch gets black pictures in the rows left over.
  const count = facts.fixedBatch ?? items.length
  const pixels = new Uint8Array(count * width * height * 3)
  items.forEach(({ image }, i) => {
    pixels.set(image.data, i * width * height * 3)
  })
  const target = items[0]!.target === null ? null : new Float32Array(count * classes).fill(1 / classes)
  items.forEach((item, i) => {
    target?.set(item.target!, i * classes)
  })
  const { width: columns, height: rows } = facts.grid
  const cells = columns * rows
  const reply = await pool.call({ count, pixels, target }, [pixels.buffer, ...(target === null ? [] : [target.buffer])])
  return items.map((_, i) => ({
    saliency: { data: reply.saliency.slice(i * cells, (i + 1) * cells), width: columns, height: rows },
    uniform: reply.uniform[i] === 1,
  }))
}
