import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { arch, cpus, hostname } from 'node:os'
import type { Classifier } from '../classifiers/resolveModel.js'
import { resize } from '../codec/codec.js'
import { counted } from '../core/counted.js'
import { AUTO_DEVICES, type Device } from '../core/devices.js'
import { AugmentError } from '../core/errors.js'
import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import type { SaliencyKind } from '../core/saliencyKinds.js'
import { runOptions } from '../options/run.js'
import { hasCudaProvider } from '../saliency/cudaProvider.js'
import type { SaliencyOptions } from '../saliency/saliencyModel.js'
import { batcher } from '../threads/batcher.js'
import { cores } from '../threads/cores.js'
import { Pool } from '../threads/pool.js'
import { isExhaustion, withinMemory } from '../threads/withinMemory.js'
import { settleTf32 } from './exact.js'
import type { InferenceData, InferenceReply, InferenceRequest, ModelFacts } from './inferenceWorker.js'
import { type MapCache, openMapCache } from './mapCache.js'
import { SESSION_BATCH } from './sessions.js'
import { versions } from './versions.js'

/** What gives pictures their saliency maps: a classifier in threads of its own, or a detector without one. */
export interface Estimator {
  readonly facts: MapFacts
  /** Pictures that it takes at a time, all sessions together. */
  readonly batch: number
  /** The map of a picture on the run's grid; `source` is whose label the loss takes. */
  estimate(source: number, image: Image): Promise<{ saliency: Plane; uniform: boolean }>
  /** Once or more often. */
  close(): Promise<void>
  /** What has come of the cache, in words; null without one. Complete after `close`. */
  told(): string | null
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
 * As many pictures per batch as make about 400,000 pixels (8 at 224 x 224), where bigger ones gain nothing, and fit in half of the
 * `available` bytes of memory. Of several sessions that run side by side each gets few, which stay in the processor's cache.
 */
export function defaultBatch(
  { width, height, pictureBytes }: Pick<ModelFacts, 'width' | 'height' | 'pictureBytes'>,
  available: number,
  sessions = 1,
): number {
  const [most, pixels] = sessions > 1 ? [SESSION_BATCH, 210_000] : [64, 400_000]
  const fitting = Math.floor(available / 2 / pictureBytes / sessions)
  return Math.max(1, Math.min(most, Math.floor(pixels / (width * height)), fitting))
}

/** How a run computes its maps, and where it keeps them. */
interface Running {
  readonly device: 'auto' | Device
  readonly exact: boolean
  readonly jobs?: number | undefined
  readonly batch?: number | undefined
  /** A folder where maps are kept between runs, and how many gigabytes of them. */
  readonly cache?: string | undefined
  readonly cacheSize?: number
}

/**
 * Starts the threads and the sessions in them, where a cache does not know all that is asked; the classifier's bytes move there
 * and are gone here. `targetOf` is the label distribution over the model's classes that the loss of a source takes, or null to
 * take the model's own prediction. Throws usage, model and device errors.
 */
export async function startEstimator(
  classifier: Classifier,
  given: Omit<SaliencyOptions, 'preprocessing' | 'width' | 'height' | 'target'>,
  run: Running,
  targetOf: ((source: number, modelClasses: number) => Float32Array) | null,
): Promise<ModelEstimator> {
  const options: SaliencyOptions = {
    ...given,
    preprocessing: classifier.preprocessing,
    target: targetOf === null ? 'predicted' : 'label',
    ...(classifier.width === undefined ? {} : { width: classifier.width }),
    ...(classifier.height === undefined ? {} : { height: classifier.height }),
  }
  const engine = lazyEngine(classifier, options, run)
  try {
    const certain = certainDevice(run.device)
    // Before the bytes move away.
    const model = run.cache === undefined ? null : modelId(classifier)
    const early = certain === null ? null : await cacheOf(model, options, run, certain)
    const facts = early?.facts ?? (await engine.start()).facts
    const cache = early ?? (await cacheOf(model, options, run, facts.device))
    if (targetOf !== null && classifier.classes !== null && classifier.classes.length !== facts.classes) {
      throw new AugmentError(
        'usage',
        `${classifier.name}: ${classifier.classes.length} class names, expected ${facts.classes}, one per logit of the model`,
      )
    }
    let closing: Promise<void> | undefined
    return {
      facts,
      batch: engine.batchOf(facts),
      async estimate(source, image) {
        const item = {
          image: await resize(image, facts.width, facts.height),
          target: targetOf?.(source, facts.classes) ?? null,
        }
        return cache === null ? (await engine.start()).map(item) : kept(cache, item, facts, engine)
      },
      close() {
        closing ??= engine.close().then(() => cache?.close(facts))
        return closing
      },
      told: () => cache && describeCache(run.cache!, cache),
    }
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** The device that will be used, where that is known without a start of it: `auto` may find CUDA. */
function certainDevice(device: 'auto' | Device): Device | null {
  if (device !== 'auto') return device
  return hasCudaProvider() ? null : 'cpu'
}

/** The cache of a run, whose maps are what the same model, options, versions and kind of processor would make again to the last bit. */
async function cacheOf(
  model: readonly string[] | null,
  options: SaliencyOptions,
  { cache, cacheSize = runOptions.cacheSize.default, exact }: Running,
  device: string,
): Promise<MapCache | null> {
  if (cache === undefined || model === null) return null
  if ((await stat(cache).catch(() => null))?.isDirectory() === false)
    throw new AugmentError('usage', `--cache ${cache}: found a file, expected a folder`)
  const { tool, onnxruntime } = versions
  const place = device === 'cpu' ? [arch(), cpus()[0]?.model] : [hostname(), exact]
  return openMapCache(cache, { tool, onnxruntime, model, options, device, place }, cacheSize * 2 ** 30)
}

/** A fitted head stands in the bytes alone; of a model in several files they are a part. */
function modelId({ sha256, bytes }: Classifier): string[] {
  return [sha256, createHash('sha256').update(bytes).digest('hex')]
}

function describeCache(folder: string, { counts: { found, missing, damaged, problem } }: MapCache): string {
  const lost = damaged > 0 ? `; ${damaged} damaged, made again` : ''
  const unwritten = problem === null ? '' : `; new ones not kept: ${problem}`
  return `--cache ${folder}: ${found} of ${counted(found + missing, 'saliency map')} found${lost}${unwritten}`
}

/** The map of an item, from the cache if it is there. */
async function kept(cache: MapCache, item: Item, { grid }: ModelFacts, engine: Engine): Promise<Explained> {
  const { image, target } = item
  const hash = createHash('sha256').update(image.data)
  if (target !== null) hash.update(new Uint8Array(target.buffer, target.byteOffset, target.byteLength))
  const key = hash.digest()
  const known = await cache.get(key)
  if (known !== null && known.data.length === grid.width * grid.height) {
    return { saliency: { data: known.data, ...grid }, uniform: known.uniform }
  }
  const made = await (await engine.start()).map(item)
  cache.put(key, { data: made.saliency.data, uniform: made.uniform })
  return made
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

interface Explained {
  readonly saliency: Plane
  readonly uniform: boolean
}

interface Engine {
  /** Starts it, once. */
  start(): Promise<{ readonly facts: ModelFacts; map(item: Item): Promise<Explained> }>
  /** Pictures that it takes at a time. */
  batchOf(facts: ModelFacts): number
  close(): Promise<void>
}

function lazyEngine(classifier: Classifier, options: SaliencyOptions, run: Running): Engine {
  const threads = run.jobs ?? cores()
  let pool: Pool<InferenceRequest, InferenceReply> | undefined
  let started: ReturnType<Engine['start']> | undefined

  const batchOf = (facts: ModelFacts, sessions: number) =>
    facts.fixedBatch ?? run.batch ?? defaultBatch(facts, process.availableMemory(), sessions)

  async function start() {
    const devices: readonly Device[] = run.device === 'auto' ? AUTO_DEVICES : [run.device]
    if (devices.includes('cuda')) settleTf32(run.exact)
    const { bytes, name } = classifier
    const data: InferenceData = { bytes, built: null, name, options, devices, threads }
    const script = new URL('./inferenceWorker.js', import.meta.url)
    const own = new Pool<InferenceRequest, InferenceReply>(script, 1, data, [bytes.buffer])
    pool = own
    const { facts, shared } = await own.call(null)
    const sessions = shared?.sessions ?? 1
    if (shared !== undefined) own.grow(sessions, { ...data, ...shared })
    const once = (items: readonly Item[]) => infer(own, facts, items)
    const fitting = facts.fixedBatch === null ? withinMemory(once) : once
    const whole = (items: Item[]) =>
      fitting(items).catch((error) => {
        throw isExhaustion(error) ? exhausted(name, facts, error) : error
      })
    return { facts, map: batcher(batchOf(facts, sessions), whole, sessions + 1) }
  }

  return {
    start() {
      started ??= start()
      return started
    },
    // Before the model is built it is not known how many sessions a CPU will have: as many as threads, if the model is small.
    batchOf: (facts) =>
      facts.device === 'cpu'
        ? Math.max(Math.ceil(batchOf(facts, 1) / 4), threads * batchOf(facts, threads))
        : batchOf(facts, 1),
    async close() {
      await pool?.close()
    },
  }
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
