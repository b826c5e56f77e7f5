/** From a model as it was exported to one that can be differentiated for any batch. */
import type { Types } from '../autodiff/builder.js'
import { AugmentError } from '../core/errors.js'
import { type Graph, type Model, writeModel } from '../onnx/model.js'
import { intsAttribute, type NodeProto, tensorAttribute } from '../onnx/node.js'
import { revise } from '../onnx/revise.js'
import { standardize } from '../onnx/standardize.js'
import { DataType, makeTensor, numbers } from '../onnx/tensor.js'
import { type Dim, declaredType, makeValueInfo, type ValueType } from '../onnx/valueInfo.js'
import { checkSizes } from './checkSizes.js'
import { probeTypes, tryRun, zeros } from './probe.js'
import { createSession, type Tensor } from './session.js'

/** A normalised model with the types of its values; `fixedBatch` is the only batch size it takes, null means any. */
export interface Prepared {
  readonly model: Model
  readonly types: Types
  readonly fixedBatch: number | null
}

/**
 * Checks and normalises a model, gives its picture input (the first one) the sizes that `sizesOf` makes of its type, and
 * frees a fixed batch of 1 where the output (the first one by default) shows that images do not influence each other.
 */
export async function prepare(
  original: Model,
  sizesOf: (type: ValueType, name: string) => readonly Dim[],
  output?: string,
): Promise<Prepared> {
  const model = standardize(original)
  const info = model.graph.inputs[0]
  const type = info && declaredType(info)
  if (!type) throw new AugmentError('model', `${model.name}: no input of known rank, expected a picture`)
  const sized = withInput(model, type.dtype, sizesOf(type, info.name))
  await checkSizes(sized)
  const freed = await freeBatch(sized, output ?? sized.graph.outputs[0]!.name)
  const batch = declaredType(freed.graph.inputs[0]!)!.dims[0] ?? null
  return { model: freed, types: await probeTypes(freed), fixedBatch: batch }
}

function withInput(model: Model, dtype: DataType, dims: readonly Dim[]): Model {
  const [first, ...others] = model.graph.inputs
  const named = dims.map((dim, axis) => dim ?? (axis === 0 ? 'N' : `d${axis}`))
  return { ...model, graph: { ...model.graph, inputs: [makeValueInfo(first!.name, dtype, named), ...others] } }
}

/** A shape that starts with a batch of 1, with the batch left open; null if it does not start so. */
function openShape(values: readonly number[] | undefined): number[] | null {
  if (values?.[0] !== 1 || values.length < 2) return null
  return values.includes(-1) ? [0, ...values.slice(1)] : [-1, ...values.slice(1)]
}

/** The elements of an initializer or of what a Constant node makes, if it is a short list of numbers. */
function listOf(value: string, { initializers }: Graph, constants: ReadonlyMap<string, NodeProto>) {
  const node = constants.get(value)
  const tensor = node ? tensorAttribute(node, 'value') : initializers.get(value)
  return tensor ? numbers(tensor) : node && intsAttribute(node, 'value_ints')
}

/** The model with its batch declared dynamic, and the constant shapes of its Reshapes opened. */
function opened(model: Model): Model {
  const { graph } = model
  const { dtype, dims } = declaredType(graph.inputs[0]!)!
  const initializers = new Map(graph.initializers)
  const constants = new Map(
    graph.nodes.filter(({ opType }) => opType === 'Constant').map((node) => [node.output[0]!, node] as const),
  )
  const nodes = graph.nodes.map((node) => {
    const shape = node.opType === 'Reshape' ? openShape(listOf(node.input[1]!, graph, constants)) : null
    if (!shape) return node
    const name = `${node.input[1]}/open`
    initializers.set(name, makeTensor(name, DataType.INT64, [shape.length], shape))
    return revise(node, { input: [node.input[0]!, name] })
  })
  const outputs = graph.outputs.map((v) => makeValueInfo(v.name, declaredType(v)?.dtype ?? DataType.FLOAT))
  return withInput({ ...model, graph: { ...graph, nodes, initializers, outputs } }, dtype, [null, ...dims.slice(1)])
}

/** Two different pictures, as one batch or as the first or second alone. */
function pictures(dtype: DataType, dims: readonly number[], which: 'both' | 0 | 1): Tensor {
  const size = dims.reduce((a, b) => a * b, 1)
  const [count, from] = which === 'both' ? [2, 0] : [1, which * size]
  const tensor = zeros(dtype, [count, ...dims])
  if (tensor.type !== 'float32') return tensor
  return {
    ...tensor,
    data: (tensor.data as Float32Array).map((_, i) => Math.sin(0.7 * (i + from) + 0.01 * ((i + from) % 97))),
  }
}

/** Whether two pictures at once gave what each alone did, but for rounding. */
function isSame(together: readonly number[], alone: readonly number[]): boolean {
  const scale = alone.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return together.length === alone.length && together.every((value, i) => Math.abs(value - alone[i]!) <= 1e-4 * scale)
}

/**
 * The model for any batch, if it has a fixed batch of 1 and its output for two pictures at once is that for each alone;
 * else the model itself.
 */
async function freeBatch(model: Model, output: string): Promise<Model> {
  const { dtype, dims } = declaredType(model.graph.inputs[0]!)!
  const rest = dims.slice(1)
  if (dims[0] !== 1 || model.graph.inputs.length > 1 || rest.includes(null) || dtype !== DataType.FLOAT) return model
  const candidate = opened(model)
  const results = async (of: Model, which: 'both' | 0 | 1): Promise<number[]> => {
    const session = await createSession(writeModel(of), { device: 'cpu', threads: 1 })
    const feed = pictures(dtype, rest as number[], which)
    const feeds = { [model.graph.inputs[0]!.name]: feed }
    const found = await tryRun(session, model.name, feeds).finally(() => session.release())
    return Array.from((found[output]?.data ?? []) as ArrayLike<number | bigint>, Number)
  }
  const together = await results(candidate, 'both').catch(() => [])
  const [first, second] = [await results(model, 0), await results(model, 1)]
  return isSame(together, first.concat(second)) ? candidate : model
}
