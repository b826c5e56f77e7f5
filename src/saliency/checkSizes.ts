import { create } from '@bufbuild/protobuf'
import { ValueInfoProtoSchema } from 'onnx-buf'
import { AugmentError } from '../core/errors.js'
import { type Graph, type Model, type ValueInfoProto, writeModel } from '../onnx/model.js'
import { describe, intsAttribute, type NodeProto, quoted } from '../onnx/node.js'
import { declaredType, inferDtypes, makeValueInfo } from '../onnx/valueInfo.js'
import { feedSizes } from './probe.js'
import { createSession } from './session.js'

type Sizes = readonly (number | string)[]

/** 2 GiB of float32: more than one value of a classifier takes for three pictures, less than a memory holds. */
const MAX_ELEMENTS = 2 ** 29

/** Weights with more elements than this are no parameter that decides about a shape. */
const SHORT = 1024

/** Elements of a window, or a stride, of 256 x 256: gradients take nodes in their number. */
const MAX_WINDOW = 2 ** 16

/** Operators that crash onnxruntime, from which it does not return, or that read stray memory, on values without elements. */
const FRAGILE = new Set(['Conv', 'ConvTranspose', 'Einsum', 'InstanceNormalization'])

const volume = (sizes: Sizes) => sizes.reduce<number>((count, size) => count * (typeof size === 'number' ? size : 1), 1)

/**
 * Refuses a model, before anything of it is computed, of which one value alone would not fit in memory or has an impossible
 * size, as far as onnxruntime infers the shapes. Throws AugmentError 'model'.
 */
export async function checkSizes(model: Model): Promise<void> {
  const { graph } = model
  for (const info of graph.inputs) {
    const dims = fedType(info)?.dims ?? []
    if (volume(dims) > MAX_ELEMENTS)
      throw new AugmentError('model', `${model.name}: input ${quoted(info.name)} is [${dims.join(', ')}], too large`)
  }
  const dtypes = inferDtypes(graph)
  const isSlice = (node: NodeProto) => node.opType === 'Slice'
  const slices = graph.nodes.filter(isSlice).flatMap((node) => node.output)
  if (slices.length > 0) {
    // onnxruntime aborts the process where it infers a Slice of a negative size: look for those first.
    const inputs = [...graph.inputs, ...slices.map((value) => makeValueInfo(value, dtypes.get(value)!))]
    await check(model, { ...graph, nodes: graph.nodes.filter((node) => !isSlice(node)), inputs })
  }
  await check(model, graph)
}

async function check(model: Model, graph: Graph): Promise<void> {
  const sizes = await inferSizes(model, graph)
  const sizesOf = (value: string): Sizes => sizes.get(value) ?? []
  for (const node of graph.nodes) {
    const problem = sizeProblem(node, sizesOf)
    if (problem) throw new AugmentError('model', `${model.name}: ${describe(node)} ${problem}`)
  }
}

/** What is wrong with the sizes around a node, or undefined. */
function sizeProblem(node: NodeProto, sizesOf: (value: string) => Sizes): string | undefined {
  for (const made of node.output.map(sizesOf)) {
    if (made.some((size) => Number(size) < 0)) return `makes [${made.join(', ')}], impossible`
    if (volume(made) > MAX_ELEMENTS) return `makes [${made.join(', ')}], too large`
  }
  const empty = FRAGILE.has(node.opType) && node.input.map(sizesOf).find((sizes) => sizes.includes(0))
  if (empty) return `takes [${empty.join(', ')}], expected elements`
  const kernel = node.opType.startsWith('Conv')
    ? sizesOf(node.input[1] ?? '').slice(2)
    : intsAttribute(node, 'kernel_shape')
  const windows = { strides: intsAttribute(node, 'strides'), windows: kernel }
  for (const [what, lengths = []] of Object.entries(windows)) {
    if (!(volume(lengths) <= MAX_WINDOW)) return `has ${what} [${lengths.join(', ')}], too large`
  }
  // onnxruntime copies these without a look at how many there are.
  const list = node.opType === 'Resize' ? node.input.slice(1).find((value) => volume(sizesOf(value)) > 16) : undefined
  return list && `is given [${sizesOf(list).join(', ')}] numbers, expected one or two an axis`
}

/** Type and sizes of an input for a batch of 3 and open sizes of 256; undefined if it is no tensor of known rank. */
function fedType(info: ValueInfoProto) {
  const type = declaredType(info)
  return type && { dtype: type.dtype, dims: feedSizes(type.dims, 3, 256) }
}

/** The sizes of all values, for a batch of 3 and open sizes of 256. */
async function inferSizes(model: Model, graph: Graph): Promise<ReadonlyMap<string, Sizes>> {
  const inputs = graph.inputs.map((info) => {
    const type = fedType(info)
    return type ? makeValueInfo(info.name, type.dtype, type.dims) : info
  })
  const weights = [...graph.initializers.values()].map((tensor) => ({ tensor, dims: tensor.dims.map(Number) }))
  const isLong = ({ dims }: { dims: readonly number[] }) => volume(dims) > SHORT
  const declared = weights.filter(isLong).map(({ tensor, dims }) => makeValueInfo(tensor.name, tensor.dataType, dims))
  const initializers = new Map(weights.filter((w) => !isLong(w)).map(({ tensor }) => [tensor.name, tensor]))
  const made = [...new Set(graph.nodes.flatMap((node) => node.output))].filter((value) => value !== '')
  // Without a type: onnxruntime infers that of every operator.
  const outputs = made.map((name) => create(ValueInfoProtoSchema, { name }))
  const bytes = writeModel({ ...model, graph: { ...graph, inputs: [...inputs, ...declared], initializers, outputs } })
  const session = await createSession(bytes, { device: 'cpu', threads: 1, optimize: 'disabled' })
  await session.release()
  const given = graph.inputs.map((info) => [info.name, fedType(info)?.dims ?? []] as const)
  return new Map<string, Sizes>([
    ...weights.map(({ tensor, dims }) => [tensor.name, dims] as const),
    ...given,
    ...session.outputSizes,
  ])
}
