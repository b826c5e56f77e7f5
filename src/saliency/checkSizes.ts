import { AugmentError } from '../core/errors.js'
import type { Graph, Model } from '../onnx/model.js'
import { describe, intsAttribute, type NodeProto, quoted } from '../onnx/node.js'
import { inferDtypes, makeValueInfo } from '../onnx/valueInfo.js'
import { fedType, inferSizes, type Sizes, volume } from './inferSizes.js'
import { SECOND } from './probe.js'

/** 2 GiB of float32: more than one value of a classifier takes for three pictures, less than a memory holds. */
const MAX_ELEMENTS = 2 ** 29

/** Elements of a window, or a stride, of 256 x 256: gradients take nodes in their number. */
const MAX_WINDOW = 2 ** 16

/** Operators in which onnxruntime crashes, hangs or reads stray memory where a value has no elements. */
const FRAGILE = new Set(['Conv', 'ConvTranspose', 'Einsum', 'InstanceNormalization'])

/**
 * Refuses a model, before anything of it is computed, of which one value alone would not fit in memory or has an impossible
 * size, as far as onnxruntime infers the shapes: the answer, with SECOND fed where it is open. Throws AugmentError 'model'.
 */
export async function checkSizes(model: Model): Promise<ReadonlyMap<string, Sizes>> {
  const { graph } = model
  for (const info of graph.inputs) {
    const dims = fedType(info, SECOND)?.dims ?? []
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
  return check(model, graph)
}

async function check(model: Model, graph: Graph): Promise<ReadonlyMap<string, Sizes>> {
  const sizes = await inferSizes({ ...model, graph }, SECOND)
  const sizesOf = (value: string): Sizes => sizes.get(value) ?? []
  for (const node of graph.nodes) {
    const problem = sizeProblem(node, sizesOf)
    if (problem) throw new AugmentError('model', `${model.name}: ${describe(node)} ${problem}`)
  }
  return sizes
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
  return list && `is given [${sizesOf(list).join(', ')}] numbers, expected one or two per axis`
}
