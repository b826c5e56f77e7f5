/** Which batches a classifier takes so that every picture gets what it would get alone, found out by running it. */
import { create } from '@bufbuild/protobuf'
import { ValueInfoProtoSchema } from 'onnx-buf'
import { AugmentError } from '../core/errors.js'
import { type Model, writeModel } from '../onnx/model.js'
import { DataType } from '../onnx/tensor.js'
import { declaredType } from '../onnx/valueInfo.js'
import { feedSizes, inferSizes } from './inferSizes.js'
import { opened, withInput } from './openBatch.js'
import { tryRun, zeros } from './probe.js'
import { createSession, type Session, type Tensor } from './session.js'

/** The model for the batches that are right; `coupled` says that one at a time is, for pictures influence each other. */
interface Settled {
  readonly model: Model
  readonly coupled: boolean
}

/** Amplitudes of three pictures, all different: each of them moves a mean or a largest value over the batch. */
const AMPLITUDES = [1, 3, 2]

/** A batch of different pictures, each given by a number. */
function pictures(dtype: DataType, dims: readonly number[], which: readonly number[]): Tensor {
  const size = dims.reduce((a, b) => a * b, 1)
  const tensor = zeros(dtype, [which.length, ...dims])
  const data = tensor.data as Float32Array
  which.forEach((picture, row) => {
    for (let i = 0; i < size; i++) {
      const at = i + picture * size
      data[row * size + i] = AMPLITUDES[picture]! * Math.sin(0.7 * at + 0.01 * (at % 97))
    }
  })
  return tensor
}

/** Runs one output of a model on pictures: the list of each one's values. */
type Runner = (which: readonly number[]) => Promise<number[][]>

function runner(session: Session, model: Model, output: string, dtype: DataType, dims: readonly number[]): Runner {
  const [first, ...others] = model.graph.inputs
  return async (which) => {
    const rest = others.map((info) => {
      const type = declaredType(info)
      return [info.name, zeros(type?.dtype ?? DataType.FLOAT, feedSizes(type?.dims ?? [], which.length, EXTENT))]
    })
    const feeds = { [first!.name]: pictures(dtype, dims, which), ...Object.fromEntries(rest) }
    const found = await tryRun(session, model.name, feeds)
    const values = Array.from((found[output]?.data ?? []) as ArrayLike<number | bigint>, Number)
    const length = values.length / which.length
    return which.map((_, row) => values.slice(row * length, (row + 1) * length))
  }
}

/** Height and width that are fed where the model leaves them open. */
const EXTENT = 224

async function withRunner<T>(model: Model, output: string, use: (run: Runner) => Promise<T>): Promise<T> {
  const { dtype, dims } = declaredType(model.graph.inputs[0]!)!
  // Without a type: onnxruntime infers it.
  const outputs = [create(ValueInfoProtoSchema, { name: output })]
  const bytes = writeModel({ ...model, graph: { ...model.graph, outputs } })
  const session = await createSession(bytes, { device: 'cpu', threads: 1 })
  try {
    return await use(runner(session, model, output, dtype, feedSizes(dims, 1, EXTENT).slice(1)))
  } finally {
    await session.release()
  }
}

const isEqual = (a: readonly number[] | undefined, b: readonly number[] | undefined) =>
  a?.length === b?.length && a!.every((value, i) => Object.is(value, b![i]))

/**
 * Whether what a picture gets depends on the others in a batch, of which `base` was [0, 1, 1, ...]. No threshold is needed:
 * in batches of one size onnxruntime computes a row the same way whatever lies in the others, so it is equal to the last
 * bit, or influenced.
 */
async function influences(run: Runner, base: readonly (readonly number[])[]): Promise<boolean> {
  const others = (picture: number) => base.slice(1).map(() => picture)
  const [front, back] = [await run([2, ...others(1)]), await run([0, ...others(2)])]
  return !isEqual(base[0], back[0]) || base.slice(1).some((row, i) => !isEqual(row, front[i + 1]))
}

/**
 * Largest difference, relative to the largest value, between a picture alone and in a batch: batches of different sizes are
 * summed in different orders, which costs about 1e-6, while a size that gets into the result changes it by a good part.
 */
const SIZE_TOLERANCE = 1e-4

function isClose(together: readonly number[], alone: readonly number[]): boolean {
  const scale = alone.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const isNear = (value: number, i: number) => !(Math.abs(value - alone[i]!) > SIZE_TOLERANCE * scale)
  return together.length === alone.length && together.every(isNear)
}

/**
 * What two pictures in one batch of `candidate` get: the same as each alone in `single`, something else, or nothing where the graph
 * takes one only. Two are tried first: of what they couple none need then be run alone.
 */
async function inPairs(candidate: Model, single: Model, output: string): Promise<'same' | 'coupled' | 'impossible'> {
  const pair = async (run: Runner) => {
    const rows = await run([0, 1])
    return { rows, isInfluenced: await influences(run, rows) }
  }
  const together = await withRunner(candidate, output, pair).catch(() => undefined)
  if (!together) {
    // Refused here, in one line, if it cannot run at all.
    await withRunner(single, output, (run) => run([0]))
    return 'impossible'
  }
  if (together.isInfluenced) return 'coupled'
  const apart = await withRunner(single, output, async (run) => [...(await run([0])), ...(await run([1]))])
  return together.rows.every((row, i) => isClose(row, apart[i]!)) ? 'same' : 'coupled'
}

/**
 * The model for any batch where its output for pictures in one batch is that for each alone, a fixed batch of 1 being freed;
 * else for one picture at a time. Throws AugmentError 'model' where a larger fixed batch lets pictures influence each other.
 */
export async function settleBatch(model: Model, output: string): Promise<Settled> {
  const { dtype, dims } = declaredType(model.graph.inputs[0]!)!
  const [batch, ...rest] = dims
  const asItIs = { model, coupled: false }
  if ((dtype !== DataType.FLOAT && dtype !== DataType.DOUBLE) || dims.length < 2) return asItIs
  if (batch === null) {
    const found = await inPairs(model, model, output)
    return found === 'same' ? asItIs : { model: withInput(model, dtype, [1, ...rest]), coupled: found === 'coupled' }
  }
  if (batch === 1) {
    if (model.graph.inputs.length > 1 || rest.includes(null)) return asItIs
    const candidate = opened(model, await inferSizes(model, { batch: 1, extent: EXTENT }))
    const found = await inPairs(candidate, model, output)
    return found === 'same' ? { model: candidate, coupled: false } : asItIs
  }
  const isCoupled = await withRunner(model, output, async (run) =>
    influences(run, await run([0, ...Array(batch! - 1).fill(1)])),
  )
  if (!isCoupled) return asItIs
  throw new AugmentError(
    'model',
    `${model.name}: the ${batch} pictures of its fixed batch influence each other, expected independent ones`,
    { hint: 'export it for inference, with a dynamic batch or a batch of 1' },
  )
}
