import { createSession, firstLine, type Session, type Tensor } from '../saliency/session.js'
import { type Found, findBlocks } from './blockSize.js'
import type { TrainingModel } from './trainingModel.js'

interface StepRunner {
  /** In blocks of how many channels the last step ran, or why it ran as standard ONNX. */
  readonly form: Found
  /** One step on a batch of `count` pictures. */
  run(count: number, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>
  release(): Promise<void>
}

interface Opened {
  readonly session: Session
  /** The only batch that it takes; null means any. */
  readonly count: number | null
}

/** Between the nodes of a step, of which there are thousands, waking a thread takes longer than many a node; microseconds. */
const AWAKE = 200

/**
 * Runs the step on the CPU: in blocks of channels where onnxruntime has them, made anew for every other batch size; else, and
 * should it not take the blocked form of this network, as standard ONNX.
 */
export function stepRunner(model: TrainingModel, threads: number): StepRunner {
  let opened: Opened | null = null
  let refused: string | null = null
  let form: Found = { block: null, reason: null }

  async function formFor(count: number): Promise<{ form: Found; bytes: Uint8Array | null }> {
    const standard = (reason: string | null) => ({ form: { block: null, reason }, bytes: null })
    if (refused !== null) return standard(refused)
    const { block, reason } = await findBlocks()
    if (block === null) return standard(reason)
    const bytes = model.blocked({ batch: count, block })
    return bytes ? { form: { block, reason }, bytes } : standard('nothing of it gains from blocks of channels')
  }

  async function open(count: number): Promise<Opened> {
    const chosen = await formFor(count)
    form = chosen.form
    const session = await createSession(chosen.bytes ?? model.bytes, { device: 'cpu', threads, awake: AWAKE })
    return { session, count: chosen.bytes ? count : null }
  }

  async function first(count: number, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    await opened?.session.release()
    opened = null
    opened = await open(count)
    return opened.session.run(feeds)
  }

  return {
    get form() {
      return form
    },
    async run(count, feeds) {
      if (opened !== null && (opened.count === null || opened.count === count)) return opened.session.run(feeds)
      try {
        return await first(count, feeds)
      } catch (error) {
        if (form.block === null) throw error
        refused = `onnxruntime does not take it in blocks of channels (${firstLine(error as Error)})`
        return await first(count, feeds)
      }
    },
    release: async () => opened?.session.release(),
  }
}
