/** Where the logits of a classifier are, also where its output is what it makes probabilities of them for. */
import { AugmentError } from '../core/errors.js'
import type { Graph, Model } from '../onnx/model.js'
import { isStandard, type NodeProto, tensorAttribute } from '../onnx/node.js'
import { numbers } from '../onnx/tensor.js'
import type { Types, Value } from './builder.js'

/** Where a classifier's logits are, and over how many classes. */
export interface Head {
  readonly logits: Value
  readonly classes: number
}

/** Operators that only rearrange what they are given. */
const TRANSPARENT = new Set(['Cast', 'Dropout', 'Flatten', 'Identity', 'Reshape', 'Squeeze', 'Unsqueeze'])

/** A graph by what makes each value. */
export class Makers {
  private readonly nodes = new Map<Value, NodeProto>()
  private readonly graph: Graph

  constructor(graph: Graph) {
    this.graph = graph
    for (const node of graph.nodes) for (const output of node.output) this.nodes.set(output, node)
  }

  of(value: Value | undefined): NodeProto | undefined {
    const node = value === undefined ? undefined : this.nodes.get(value)
    return node && isStandard(node) ? node : undefined
  }

  /** The elements of a short constant. */
  list(value: Value | undefined): readonly number[] | undefined {
    const node = this.of(value)
    const tensor =
      node?.opType === 'Constant' ? tensorAttribute(node, 'value') : this.graph.initializers.get(value ?? '')
    return tensor && tensor.rawData.length <= 64 ? numbers(tensor) : undefined
  }

  /** The number that a constant of one element is. */
  scalar(value: Value): number | undefined {
    const list = this.list(value)
    return list?.length === 1 ? list[0] : undefined
  }
}

/** What a node that scales, moves or clips probabilities by constants does so to, keeping their order. */
export function monotone(node: NodeProto, makers: Makers): Value | undefined {
  const [a, b] = node.input as [Value, Value?]
  const { opType } = node
  if (TRANSPARENT.has(opType) || opType === 'Clip' || opType === 'Log') return a
  if (b === undefined || node.input.length > 2) return undefined
  const [left, right] = [makers.scalar(a), makers.scalar(b)]
  if (opType === 'Add' || opType === 'Max' || opType === 'Min')
    return right !== undefined ? a : left !== undefined ? b : undefined
  if (opType === 'Mul') return right !== undefined && right > 0 ? a : left !== undefined && left > 0 ? b : undefined
  if (opType === 'Sub') return right === undefined ? undefined : a
  return opType === 'Div' && right !== undefined && right > 0 ? a : undefined
}

/** Whether a node divides something by the sum of its own row. */
function isNormalisation({ opType, input: [share, total] }: NodeProto, makers: Makers): boolean {
  const sum = makers.of(total)
  return opType === 'Div' && sum?.opType === 'ReduceSum' && sum.input[0] === share
}

/**
 * The logits behind an output of probabilities, which would saturate in float32: what a Softmax, LogSoftmax, Sigmoid or
 * Exp / sum was given, looked for through what only rearranges, scales, moves or clips them. The output itself where there
 * is none.
 */
function logitsBehind(graph: Graph, output: Value): Value {
  const makers = new Makers(graph)
  let [value, isShare]: [Value, boolean] = [output, false]
  let found: Value | undefined
  for (let node = makers.of(value); node !== undefined; node = makers.of(value)) {
    const x = node.input[0]!
    if (node.opType === 'Softmax' || node.opType === 'LogSoftmax') found = x
    else if (found !== undefined) {
      // What a Softmax is given may be one of another, but not one that was scaled.
      if (!TRANSPARENT.has(node.opType)) break
    } else if (node.opType === 'Sigmoid') return x
    else if (node.opType === 'Exp' && isShare) return afterLog(makers, x)
    else if (isNormalisation(node, makers)) isShare = true
    else if (node.opType !== 'Exp') {
      const next = monotone(node, makers)
      if (next === undefined) break
      value = next
      continue
    }
    value = x
  }
  return found ?? output
}

/** The logits of what an Exp was given, if that is the logarithm of a Softmax. */
function afterLog(makers: Makers, value: Value): Value {
  const node = makers.of(value)
  return node?.opType === 'LogSoftmax' ? node.input[0]! : value
}

/** Where the logits of the chosen output are. Throws AugmentError where there are not at least two classes. */
export function findHead(model: Model, types: Types, output?: string): Head {
  const { graph, name } = model
  const names = graph.outputs.map((v) => v.name)
  const chosen = output ?? names[0]!
  if (!names.includes(chosen))
    throw new AugmentError('usage', `${name}: no output "${chosen}", it has ${names.join(', ')}`)
  const logits = logitsBehind(graph, chosen)
  const [, ...sizes] = types.get(logits)?.dims ?? []
  const [classes = 1, ...more] = sizes.filter((size) => size !== 1)
  if (classes === null || classes < 2 || more.length > 0) {
    const found = ['N', ...sizes.map((size) => size ?? '?')].join(', ')
    throw new AugmentError('model', `${name}: output "${chosen}" is [${found}], expected one logit per class, [N, K]`)
  }
  return { logits, classes }
}
