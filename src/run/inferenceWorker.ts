import type { Preprocessing } from '../classifiers/preprocessing.js'
import type { Device } from '../core/devices.js'
import type { ModelKind } from '../core/saliencyKinds.js'
import { integratedMap } from '../saliency/integrated.js'
import type { Scaling } from '../saliency/pictureInput.js'
import { type SaliencyModel, type SaliencyOptions, saliencyModel } from '../saliency/saliencyModel.js'
import { createSession } from '../saliency/session.js'
import { answerRequests, workerData } from '../threads/answer.js'
import { sessionsFor } from './sessions.js'

export interface InferenceData {
  /** Of the classifier, or of the graph around it that another thread has `built`. */
  readonly bytes: Uint8Array
  readonly built: BuiltModel | null
  readonly name: string
  readonly options: SaliencyOptions
  readonly devices: readonly Device[]
  /** Of all sessions together. */
  readonly threads: number
}

export type BuiltModel = Omit<SaliencyModel, 'bytes'>

/** null asks what the model is; otherwise `count` pictures on its grid and, unless it predicts them, their labels. */
export type InferenceRequest = null | {
  readonly count: number
  /** uint8 [count, height, width, 3] */
  readonly pixels: Uint8Array
  /** float32 [count, classes], rows sum to 1 */
  readonly target: Float32Array | null
}

export interface ModelFacts {
  readonly device: string
  readonly width: number
  readonly height: number
  /** How the model's input is made, defaults put in. */
  readonly preprocessing: Preprocessing
  /** Of the maps. */
  readonly grid: { readonly width: number; readonly height: number }
  readonly kind: ModelKind
  /** The value that an inner layer's map is read from; null for gradients. */
  readonly layer: string | null
  readonly classes: number
  /** The only batch size the model takes; null means any. */
  readonly fixedBatch: number | null
  /** Whether it takes one picture at a time because several would influence each other. */
  readonly coupled: boolean
  /** How the numbers of its pixels are known. */
  readonly scaling: Scaling
  /** Estimate, on the high side, of what another picture in the batch takes of memory. */
  readonly pictureBytes: number
}

/** What further threads need to run the same graph, and how many of them help. */
export interface Shared {
  readonly bytes: Uint8Array
  readonly built: BuiltModel
  readonly sessions: number
}

export interface InferenceReply {
  readonly facts: ModelFacts
  /** Only in answer to null. */
  readonly shared?: Shared
  /** float32 [count, grid.height, grid.width], each map non-negative with sum 1 */
  readonly saliency: Float32Array
  /** 1 where a map is uniform, as nothing speaks for the target */
  readonly uniform: Uint8Array
}

const data = workerData as InferenceData

/** Frees the memory of `bytes` at once, which may be gigabytes: a message that is never read is freed with its port. */
function discard({ buffer }: Uint8Array): void {
  if (buffer instanceof SharedArrayBuffer) return
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(null, [buffer as ArrayBuffer])
  port2.close()
}

async function model(): Promise<SaliencyModel> {
  if (data.built !== null) return { ...data.built, bytes: new Uint8Array(data.bytes) }
  const built = await saliencyModel(data.bytes, data.name, data.options)
  discard(data.bytes)
  return built
}

async function start() {
  const { bytes, ...built } = await model()
  let refusal: unknown
  for (const device of data.devices) {
    const sessions = device === 'cpu' ? sessionsFor(data.threads, bytes.length, built.pictureBytes) : 1
    const threads = Math.max(1, Math.floor(data.threads / sessions))
    try {
      const session = await createSession(bytes, { device, threads })
      const shared = sessions > 1 && data.built === null ? { bytes: shareable(bytes), built, sessions } : undefined
      discard(bytes)
      return { model: built, device, session, shared }
    } catch (error) {
      // The last device is the CPU; what fails there too is not the fault of the others.
      refusal = error
    }
  }
  throw refusal
}

function shareable(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  return shared
}

const started = start()
started.catch(() => undefined)

async function estimate(request: InferenceRequest) {
  const { model, device, session, shared } = await started
  const { width, height, preprocessing, scaling, grid, kind, layer, classes, coupled, pictureBytes } = model
  const { integrated } = data.options
  // A path of integrated gradients fills a batch with one picture.
  const fixedBatch = integrated === undefined ? model.fixedBatch : 1
  const input = { width, height, preprocessing, scaling }
  const facts: ModelFacts = { device, ...input, grid, kind, layer, classes, fixedBatch, coupled, pictureBytes }
  if (request === null) {
    const none = { saliency: new Float32Array(0), uniform: new Uint8Array(0) }
    return { reply: { facts, ...none, ...(shared && { shared }) }, transfer: [] }
  }
  const { count, pixels, target } = request
  const pixelsFeed = { type: 'uint8', dims: [count, height, width, 3], data: pixels } as const
  const outputs =
    integrated === undefined
      ? await session.run({
          pixels: pixelsFeed,
          ...(target === null ? {} : { target: { type: 'float32', dims: [count, classes], data: target } as const }),
        })
      : await integratedMap(session, model, pixels, target, integrated)
  const saliency = outputs.saliency!.data as Float32Array
  const uniform = outputs.uniform!.data as Uint8Array
  return { reply: { facts, saliency, uniform }, transfer: [] }
}

answerRequests<InferenceRequest, InferenceReply>(estimate, async () => {
  const { session } = await started.catch(() => ({ session: null }))
  await session?.release()
})
