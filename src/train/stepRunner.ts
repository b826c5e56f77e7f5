import { createSession, type Session, type Tensor } from '../saliency/session.js'
import { blockSize } from './blockSize.js'
import type { TrainingModel } from './trainingModel.js'

interface StepRunner {
  /** One step on a batch of `count` pictures. */
  run(count: number, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>
  release(): Promise<void>
}

interface Opened {
  readonly session: Session
  /** The only batch that it takes; null means any. */
  readonly count: number | null
}

/**
 * Runs the step on the CPU: in blocks of channels where onnxruntime has them, made anew for every other batch size; else, and
 * should it not take the blocked form of this network, as standard ONNX.
 */
export function stepRunner(model: TrainingModel, threads: number): StepRunner {
  let opened: Opened | null = null
  let isBlocked = true

  async function open(count: number): Promise<Opened> {
    const block = isBlocked ? await blockSize() : null
    const [bytes, only] = block === null ? [model.bytes, null] : [model.blocked({ batch: count, block }), count]
    return { session: await createSession(bytes, { device: 'cpu', threads }), count: only }
  }

  async function first(count: number, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    await opened?.session.release()
    opened = null
    opened = await open(count)
    return opened.session.run(feeds)
  }

  return {
    async run(count, feeds) {
      if (opened !== null && (opened.count === null || opened.count === count)) return opened.session.run(feeds)
      try {
        return await first(count, feeds)
      } catch (error) {
        if (!isBlocked) throw error
        isBlocked = false
        return await first(count, feeds)
      }
    },
    release: async () => opened?.session.release(),
  }
}
