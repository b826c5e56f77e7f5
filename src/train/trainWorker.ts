/** In a worker thread: a network that trains and evaluates batches as they come. */
import { answerRequests, workerData } from '../threads/answer.js'
import type { Found } from './blockSize.js'
import { type Batch, type Grid, type Score, startTrainer, type TrainerSettings } from './trainer.js'

export interface TrainData extends TrainerSettings {
  readonly bytes: Uint8Array<ArrayBuffer>
}

export type Values = ReadonlyMap<string, Float32Array<ArrayBuffer>>

export type TrainRequest =
  | { readonly kind: 'grid' }
  | { readonly kind: 'form'; readonly count: number }
  | {
      readonly kind: 'steps'
      readonly batches: readonly Batch[]
      readonly rates: readonly number[]
      readonly first: number
    }
  | { readonly kind: 'evaluate'; readonly batch: Batch }
  | { readonly kind: 'values' }
  | { readonly kind: 'restore'; readonly values: Values }
  | { readonly kind: 'classifier'; readonly values: Values | null }

/** By the kind of request. */
export interface TrainReply {
  readonly grid?: Grid
  readonly form?: Found
  readonly scores?: readonly Score[]
  /** What the steps took. */
  readonly milliseconds?: number
  readonly values?: Values
  readonly classifier?: Uint8Array<ArrayBuffer>
}

const { bytes, ...settings } = workerData as TrainData
const started = startTrainer(bytes, settings)
started.catch(() => undefined)

async function answer(request: TrainRequest): Promise<TrainReply> {
  const trainer = await started
  switch (request.kind) {
    case 'grid':
      return { grid: trainer.grid }
    case 'form':
      return { form: await trainer.form(request.count) }
    case 'steps': {
      const began = performance.now()
      const scores = await trainer.steps(request.batches, request.rates, request.first)
      return { scores, milliseconds: performance.now() - began }
    }
    case 'evaluate':
      return { scores: [await trainer.evaluate(request.batch)] }
    case 'values':
      return { values: trainer.values() }
    case 'restore':
      await trainer.restore(request.values)
      return {}
    case 'classifier':
      return { classifier: trainer.classifier(request.values) }
  }
}

answerRequests<TrainRequest, TrainReply>(
  async (request) => ({ reply: await answer(request), transfer: [] }),
  async () => {
    const trainer = await started.catch(() => null)
    await trainer?.release()
  },
)
