/** The layers of a classifier at which a map of the picture can be read, and the head behind the last of them. */
import { ancestors } from '../onnx/ancestors.js'
import type { Graph } from '../onnx/model.js'
import type { NodeProto } from '../onnx/node.js'
import { isFloat } from '../onnx/tensor.js'
import { type Dim, product } from '../onnx/valueInfo.js'
import { dependents } from './backward.js'
import type { Types, Value } from './builder.js'

/** A value that all paths from the picture to the logits go through, and how it lies on the picture. */
export interface Layer {
  readonly value: Value
  readonly width: number
  readonly height: number
  readonly channels: number
  /** [N, C, H, W], [N, H, W, C], or [N, T, C] with `skipped` tokens before those of the picture, row by row. */
  readonly layout: 'nchw' | 'nhwc' | 'tokens'
  readonly skipped: number
  /** Only its maximum is rectified, which is the maximum of the rectified: the layer is the value, rectified. */
  readonly rectified: boolean
}

/** A linear head: logits are linear in `features`, [N, C] or so, each the pooled `layer` of its channel. */
export interface LinearHead {
  readonly features: Value
  readonly layer: Layer
}

/** What the search goes by: the classifier, and its picture input. */
export interface Classifier {
  readonly graph: Graph
  readonly types: Types
  readonly logits: Value
  readonly input: { readonly name: Value; readonly width: number; readonly height: number }
}

type Sizes = readonly [number, number, number]
type Readers = ReadonlyMap<Value, readonly NodeProto[]>

/** More tokens than a transformer puts before those of the picture: for the class, distillation, registers. */
const MAX_SKIPPED = 8

const ATTENTION = new Set(['Softmax', 'Attention', 'MultiHeadAttention'])

/** Whether sizes are those of the picture, scaled and rounded. */
function isScaled(width: number, height: number, input: Classifier['input']): boolean {
  const ratio = Math.max(input.width / width, input.height / height)
  return (
    width * height > 1 && Math.abs(width - input.width / ratio) <= 1 && Math.abs(height - input.height / ratio) <= 1
  )
}

/** Every value between the picture and the logits, and whether it depends on the picture through differentiable values. */
function between({ graph, types, logits, input }: Classifier) {
  const isDifferentiable = (value: Value) => isFloat(types.get(value)?.dtype ?? 0)
  const active = dependents(graph, isDifferentiable, [input.name])
  const needed = ancestors(graph.nodes, [logits])
  const isBetween = (value: Value) => active.has(value) && needed.has(value)
  const nodes = graph.nodes.filter((node) => node.output.some(isBetween) && node.input.some(isBetween))
  return { nodes, isBetween }
}

/** The nodes that read each value. */
function readersOf(nodes: readonly NodeProto[]): Readers {
  const readers = new Map<Value, NodeProto[]>()
  for (const node of nodes) {
    for (const value of new Set(node.input)) {
      const known = readers.get(value)
      if (known) known.push(node)
      else readers.set(value, [node])
    }
  }
  return readers
}

/** The layer that a value is, or undefined; `patches` are the widths and heights of the grids that tokens may come from. */
function layerOf(
  value: Value,
  dims: readonly Dim[],
  input: Classifier['input'],
  patches: readonly (readonly [number, number])[],
): Omit<Layer, 'rectified'> | undefined {
  const sizes = dims.slice(1)
  if (sizes.includes(null)) return undefined
  if (sizes.length === 3) {
    const [a, b, c] = sizes as unknown as Sizes
    if (isScaled(c, b, input)) return { value, width: c, height: b, channels: a, layout: 'nchw', skipped: 0 }
    if (isScaled(b, a, input)) return { value, width: b, height: a, channels: c, layout: 'nhwc', skipped: 0 }
  }
  if (sizes.length !== 2) return undefined
  const [tokens, channels] = sizes as [number, number]
  for (const [width, height] of patches) {
    const skipped = tokens - width * height
    if (skipped >= 0 && skipped <= MAX_SKIPPED) {
      return { value, width, height, channels, layout: 'tokens', skipped }
    }
  }
  return undefined
}

/** Whether a value goes into nothing but a maximum pooling, and that into nothing but a Relu (as poolFirst leaves it). */
function isRectifiedLater(readers: Readers, value: Value): boolean {
  const only = (read: Value | undefined) => {
    const [one, ...others] = readers.get(read ?? '') ?? []
    return others.length === 0 ? one : undefined
  }
  const pooling = only(value)
  return /Max/.test(pooling?.opType ?? '') && isPooling(pooling!) && only(pooling!.output[0])?.opType === 'Relu'
}

/**
 * The layers of a classifier, from the picture to the logits. A value is one if it is the only one alive after the node
 * that makes it, and its sizes are the picture's, scaled. Tokens count while attention or a mean over them is still to
 * come: after it, only the class token matters.
 */
export function findLayers(classifier: Classifier): Layer[] {
  const { types, input, logits } = classifier
  const { nodes, isBetween } = between(classifier)
  const lastUse = new Map<Value, number>([[logits, nodes.length]])
  for (const [i, node] of nodes.entries()) for (const value of node.input) if (value !== logits) lastUse.set(value, i)
  const mixing = nodes.findLastIndex(({ opType }) => ATTENTION.has(opType) || opType.startsWith('ReduceMean'))
  const alive = new Set<Value>([input.name])
  const patches: [number, number][] = []
  const readers = readersOf(nodes)
  const layers: Layer[] = []
  for (const [i, node] of nodes.entries()) {
    for (const value of node.output) if (isBetween(value)) alive.add(value)
    for (const value of node.input) if (lastUse.get(value) === i) alive.delete(value)
    for (const value of node.output) {
      const layer = isBetween(value) && layerOf(value, types.get(value)?.dims ?? [], input, patches)
      if (!layer) continue
      const [last] = patches
      const isNew = last?.[0] !== layer.width || last[1] !== layer.height
      if (layer.layout === 'nchw' && isNew) patches.unshift([layer.width, layer.height])
      if (alive.size === 1 && alive.has(value) && (layer.layout !== 'tokens' || i < mixing)) {
        layers.push({ ...layer, rectified: isRectifiedLater(readers, value) })
      }
    }
  }
  return layers
}

/** Operators that are linear in one input while the others do not depend on the picture. */
const LINEAR = new Set([
  ...['Add', 'BatchNormalization', 'Cast', 'Conv', 'Div', 'Dropout', 'Flatten', 'Gemm', 'Identity', 'MatMul', 'Mul'],
  ...['ReduceMean', 'ReduceSum', 'Reshape', 'Squeeze', 'Sub', 'Transpose', 'Unsqueeze'],
])

const isPooling = ({ opType }: NodeProto) => /^(Global)?(Average|Max)Pool$|^Reduce(Mean|Max|Sum)$/.test(opType)

/**
 * The head of a classifier that pools its last layer and then is linear; a sentence about what it is instead, if it is not.
 */
export function linearHead(classifier: Classifier): LinearHead | string {
  const { types, logits } = classifier
  const { nodes, isBetween } = between(classifier)
  const maker = new Map(nodes.flatMap((node) => node.output.map((value) => [value, node] as const)))
  const layers = new Map(findLayers(classifier).map((layer) => [layer.value, layer]))
  const pooled = (node: NodeProto | undefined): Layer | undefined => {
    const layer = layers.get(node?.input[0] ?? '')
    if (node === undefined || layer === undefined || !isPooling(node)) return undefined
    return product(types.get(node.output[0]!)?.dims.slice(1) ?? []) === layer.channels ? layer : undefined
  }
  let value = logits
  for (let node = maker.get(value); node !== undefined; node = maker.get(value)) {
    const layer = pooled(node)
    if (layer) return { features: value, layer }
    const maximum = node.opType === 'Relu' ? pooled(maker.get(node.input[0]!)) : undefined
    if (maximum?.rectified) return { features: value, layer: maximum }
    const inputs = node.input.filter(isBetween)
    const isLinear =
      LINEAR.has(node.opType) && inputs.length === 1 && (node.opType !== 'Div' || inputs[0] === node.input[0])
    if (!isLinear) return `found ${node.opType} (${JSON.stringify(node.name || value)}) between pooling and logits`
    value = inputs[0]!
  }
  return 'found no pooling'
}
