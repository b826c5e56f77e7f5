import type { Model } from '../onnx/model.js'
import { intAttribute, intsAttribute, makeNode, type NodeProto } from '../onnx/node.js'
import { withOutput } from '../onnx/outputs.js'
import { DataType, makeTensor, type TensorProto } from '../onnx/tensor.js'
import { inferDtypes } from '../onnx/valueInfo.js'
import type { Value } from './builder.js'
import { Makers, monotone } from './head.js'

/** A Softmax among those that are averaged: what it is given, along which axis, and its weight. */
interface Member {
  readonly logits: Value
  readonly axis: number
  readonly weight: number
}

/** A value with its weight in a sum. */
type Addend = readonly [value: Value, weight: number]

/** More than anybody averages; values that are added to themselves again and again count twice as often each time. */
const MAX_ADDENDS = 1000

/** The Softmaxes whose weighted sum a value is; undefined if it is none. */
function membersOf(sum: Value, makers: Makers): Member[] | undefined {
  const found: Member[] = []
  const open: Addend[] = [[sum, 1]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, weight] = next
    const node = makers.of(value)
    if (node?.opType === 'Softmax') {
      found.push({ logits: node.input[0]!, axis: intAttribute(node, 'axis', -1), weight })
      continue
    }
    const addends = node && addendsOf(node, weight, makers)
    if (addends === undefined || found.length + open.length > MAX_ADDENDS) return undefined
    open.push(...addends.toReversed())
  }
  return found
}

/** What a node adds up, where its output has the given weight; undefined where it does something else. */
function addendsOf(node: NodeProto, weight: number, makers: Makers): Addend[] | undefined {
  const { opType, input } = node
  const all = (values: readonly Value[], each: number) => values.map((one) => [one, each] as const)
  if (opType === 'Identity' || opType === 'Cast' || opType === 'Dropout') return all(input.slice(0, 1), weight)
  if (opType === 'Add' || opType === 'Sum') return all(input, weight)
  if (opType === 'Mean') return all(input, weight / input.length)
  if (opType === 'Mul' || opType === 'Div') {
    const [left, right] = input.map((one) => makers.scalar(one)) as [number?, number?]
    if (right !== undefined && right > 0) return all([input[0]!], opType === 'Mul' ? weight * right : weight / right)
    return opType === 'Mul' && left !== undefined && left > 0 ? all([input[1]!], weight * left) : undefined
  }
  const stacked = opType === 'ReduceMean' || opType === 'ReduceSum' ? stackedIn(node, makers) : undefined
  return stacked && all(stacked, opType === 'ReduceMean' ? weight / stacked.length : weight)
}

/** The values that were stacked along the axis over which a node reduces. */
function stackedIn(node: NodeProto, makers: Makers): Value[] | undefined {
  const stack = makers.of(node.input[0])
  const axes = intsAttribute(node, 'axes') ?? makers.list(node.input[1])
  if (stack?.opType !== 'Concat' || axes?.length !== 1 || axes[0] !== intAttribute(stack, 'axis', 0)) return undefined
  const parts = stack.input.map((part) => makers.of(part))
  return parts.every((part) => part?.opType === 'Unsqueeze') && intAttribute(node, 'keepdims', 1) === 0
    ? parts.map((part) => part!.input[0]!)
    : undefined
}

/**
 * A model whose output is an average of several Softmaxes, computing its logarithm instead, which does not saturate:
 *     log sum over i of w_i softmax(z_i) = log sum exp over i of (log softmax(z_i) + log w_i).
 * Its Softmax is the average, so these are its logits. Other models stay as they are.
 */
export function ensembleLogits(model: Model, output: Value): Model {
  const { graph, opset } = model
  const makers = new Makers(graph)
  let value = output
  for (let node = makers.of(value); node !== undefined; node = makers.of(value)) {
    const members = membersOf(value, makers)
    if (members !== undefined && members.length > 1) {
      const { nodes, weights } = logarithm(members, output, opset, inferDtypes(graph).get(members[0]!.logits)!)
      const rest = graph.nodes.filter((one) => !one.output.includes(output))
      const initializers = new Map([...graph.initializers, ...weights.map((w) => [w.name, w] as const)])
      return withOutput({ ...model, graph: { ...graph, nodes: [...rest, ...nodes], initializers } }, output)
    }
    const next = monotone(node, makers)
    if (next === undefined) break
    value = next
  }
  return model
}

function logarithm(members: readonly Member[], output: Value, opset: number, dtype: DataType) {
  const name = (part: string, i: number | string = '') => `${output}/${part}${i}`
  const axes = makeTensor(name('axes'), DataType.INT64, [1], [0])
  const weights: TensorProto[] = [axes]
  const nodes = members.flatMap(({ logits, axis, weight }, i) => {
    const w = makeTensor(name('weight', i), dtype, [], [Math.log(weight)])
    weights.push(w)
    return [
      makeNode('LogSoftmax', [logits], [name('log', i)], { axis }),
      makeNode('Add', [name('log', i), w.name], [name('weighted', i)]),
      makeNode('Unsqueeze', [name('weighted', i), axes.name], [name('part', i)]),
    ]
  })
  const parts = members.map((_, i) => name('part', i))
  const sum = (inputs: string[], attributes: { axes?: number[] }) =>
    makeNode('ReduceLogSumExp', inputs, [output], { ...attributes, keepdims: 0 })
  nodes.push(
    makeNode('Concat', parts, [name('parts')], { axis: 0 }),
    opset >= 18 ? sum([name('parts'), axes.name], {}) : sum([name('parts')], { axes: [0] }),
  )
  return { nodes, weights }
}
