import { createSession, firstLine, type Session, type Tensor } from '../saliency/session.js'
import { type Found, findBlocks } from './blockSize.js'
import type { StepSequence, TrainingModel } from './trainingModel.js'

/** What some steps gave. */
interface Ran {
  /** float32 [steps] */
  readonly losses: Float32Array
  /** float32 [steps, N, K] */
  readonly logits: Float32Array
  /** Makes the values behind them those that the next step begins with. */
  keep(): void
}

/** Carried values by input, as the standard step has them. */
type Values = Map<string, Float32Array<ArrayBuffer>>

interface StepRunner {
  /** In blocks of how many channels the last step ran, or why it ran as standard ONNX. */
  readonly form: Found
  /** Steps on batches of `count` pictures with what they are fed beside carried values, all with an axis of steps in front. */
  run(count: number, feeds: Record<string, Tensor>): Promise<Ran>
  /** What the next step begins with, of all or some `inputs`; a copy. */
  values(inputs?: readonly string[]): Values
  /** Sets that. */
  restore(values: ReadonlyMap<string, Float32Array>): void
  release(): Promise<void>
}

interface Opened extends Omit<StepSequence, 'bytes'> {
  readonly session: Session
  /** The only batch that it takes; null means any. */
  readonly count: number | null
}

/** Between the nodes of a step, of which there are thousands, waking a thread takes longer than many a node; microseconds. */
const AWAKE = 200

/**
 * Runs steps on the CPU, first with the initial values: in blocks of channels where onnxruntime has them, made anew for every
 * other batch size; else, and should it not take the blocked form of this network, as standard ONNX.
 */
export function stepRunner(model: TrainingModel, threads: number): StepRunner {
  let opened: Opened | null = null
  let refused: string | null = null
  let form: Found = { block: null, reason: null }
  /** Carried values as the opened session takes them. */
  let carried: ReadonlyMap<string, Float32Array>
  restore(new Map(model.carried.map(({ input, initial }) => [input, initial])))

  function restore(values: ReadonlyMap<string, Float32Array>): void {
    const own = (input: string) => opened?.pack(input, values.get(input)!) ?? values.get(input)!
    carried = new Map(model.carried.map(({ input }) => [input, own(input)]))
  }

  function values(inputs: readonly string[] = [...carried.keys()]): Values {
    const plain = (input: string) => {
      const own = carried.get(input)!
      const found = opened?.unpack(input, own) ?? own
      return (found === own ? own.slice() : found) as Float32Array<ArrayBuffer>
    }
    return new Map(inputs.map((input) => [input, plain(input)]))
  }

  async function formFor(count: number): Promise<{ form: Found; sequence: StepSequence }> {
    const standard = (reason: string | null) => ({ form: { block: null, reason }, sequence: model.sequence(null)! })
    if (refused !== null) return standard(refused)
    const { block, reason } = await findBlocks()
    if (block === null) return standard(reason)
    try {
      const sequence = model.sequence({ batch: count, block })
      return sequence ? { form: { block, reason }, sequence } : standard('nothing of it gains from blocks of channels')
    } catch (error) {
      return standard(`it cannot be written in blocks of channels (${firstLine(error as Error)})`)
    }
  }

  async function open(count: number): Promise<Opened> {
    const plain = values()
    await opened?.session.release()
    opened = null
    carried = plain
    const chosen = await formFor(count)
    form = chosen.form
    const { bytes, ...order } = chosen.sequence
    const session = await createSession(bytes, { device: 'cpu', threads, awake: AWAKE })
    opened = { ...order, session, count: form.block && count }
    restore(plain)
    return opened
  }

  async function ran(session: Session, feeds: Record<string, Tensor>): Promise<Ran> {
    const own = model.carried.map(({ input, dims }) => [input, float32(dims, carried.get(input)!)])
    const found = await session.run({ ...feeds, ...Object.fromEntries(own) })
    const data = (name: string) => found[name]!.data as Float32Array
    return {
      losses: data('loss'),
      logits: data('logits'),
      keep() {
        carried = new Map(model.carried.map(({ input, output }) => [input, data(output)]))
      },
    }
  }

  return {
    get form() {
      return form
    },
    async run(count, feeds) {
      if (opened !== null && (opened.count === null || opened.count === count)) return ran(opened.session, feeds)
      try {
        return await ran((await open(count)).session, feeds)
      } catch (error) {
        if (form.block === null) throw error
        refused = `onnxruntime does not take it in blocks of channels (${firstLine(error as Error)})`
        return ran((await open(count)).session, feeds)
      }
    },
    values,
    restore,
    release: async () => opened?.session.release(),
  }
}

const float32 = (dims: readonly number[], data: Float32Array): Tensor => ({ type: 'float32', dims, data })
