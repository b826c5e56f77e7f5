/** A network in the two forms that normalisation by batches and Dropout have: for inference and for training. */
import type { Types, Value } from '../../autodiff/builder.js'
import { AugmentError } from '../../core/errors.js'
import type { Graph, Model } from '../../onnx/model.js'
import { attributesWithout, describe, floatAttribute, makeNode, type NodeProto } from '../../onnx/node.js'
import { revise } from '../../onnx/revise.js'
import { DataType, makeTensor, numbers, type TensorProto } from '../../onnx/tensor.js'
import type { ValueType } from '../../onnx/valueInfo.js'

/** Running mean or variance of a BatchNormalization. */
export interface Statistic {
  readonly name: Value
  /** That of the batch: with the momentum m the next one is m of the running one and 1 - m of this. */
  readonly ofBatch: Value
  readonly momentum: number
  /** A value [N, C, ...] normalised by it, if it is a variance, whose unbiased form is kept, as PyTorch does. */
  readonly unbiasedOver: Value | null
}

/** A mask that a value is multiplied by: each element 0 with probability `ratio`, else 1 / (1 - ratio). */
export interface Mask {
  readonly name: Value
  readonly ratio: number
  readonly type: ValueType
}

export interface TrainingForm {
  readonly graph: Graph
  readonly types: Types
  readonly statistics: readonly Statistic[]
  readonly masks: readonly Mask[]
  /** Values that are normalised by the batch and, as the running mean is subtracted already, have means near 0. */
  readonly centred: ReadonlySet<Value>
}

/** The network as it infers, whatever mode it was exported in. */
export function inferenceForm(model: Model): Model {
  const read = new Set(model.graph.nodes.flatMap((node) => node.input))
  const nodes = model.graph.nodes.map((node) => {
    if (node.opType === 'BatchNormalization')
      return revise(node, { attribute: attributesWithout(node, ['training_mode']), output: node.output.slice(0, 1) })
    if (node.opType !== 'Dropout') return node
    // Files made for training name the mask, though nothing reads it.
    const output = node.output.filter((v, i) => i === 0 || read.has(v))
    return revise(node, { input: node.input.slice(0, 2), output })
  })
  return { ...model, graph: { ...model.graph, nodes } }
}

/** Inputs at which a normalisation holds vectors of its own. */
const OWN: Readonly<Record<string, readonly number[] | undefined>> = {
  BatchNormalization: [1, 2, 3, 4],
  InstanceNormalization: [1, 2],
  LayerNormalization: [1, 2],
  GroupNormalization: [1, 2],
}

const isUniform = (tensor: TensorProto) => new Set(numbers(tensor) ?? []).size <= 1

/**
 * The network with a copy of each vector of equal elements for every normalisation that reads it, and of running statistics
 * always: exporters store equal constants once, and in a network that has learnt nothing all are equal.
 */
export function withOwnVectors(model: Model): Model {
  const { graph } = model
  const initializers = new Map(graph.initializers)
  const owned = new Set<Value>()
  const nodes = graph.nodes.map((node) => {
    const input = node.input.map((name, position) => {
      const tensor = graph.initializers.get(name)
      if (!tensor || !OWN[node.opType]?.includes(position)) return name
      const isStatistic = node.opType === 'BatchNormalization' && position > 2
      if (!owned.has(name) || !(isStatistic || isUniform(tensor))) {
        owned.add(name)
        return name
      }
      let copy: string
      let count = 1
      do copy = `${name}/${++count}`
      while (initializers.has(copy))
      initializers.set(copy, revise(tensor, { name: copy }))
      return copy
    })
    return revise(node, { input })
  })
  return { ...model, graph: { ...graph, nodes, initializers } }
}

/**
 * The network as it trains: a BatchNormalization of which `usesBatch` says so normalises by the statistics of the batch, and
 * each Dropout becomes a product with a mask that is fed. onnxruntime writes the statistics of a BatchNormalization over those
 * that it is given, be they inputs or constants of the model that others read, too: here they are a scratch value of its own.
 * A convolution that only such a normalisation reads subtracts the running mean, which changes no result of it: the variance
 * can then be found in the same pass as the mean. Throws AugmentError 'model' for a Dropout of unknown ratio.
 */
export function trainingForm(
  model: Model,
  types: Types,
  usesBatch: (node: NodeProto) => boolean,
  dropout: boolean,
): TrainingForm {
  const { graph } = model
  const all = new Map(types)
  const initializers = new Map(graph.initializers)
  const statistics: Statistic[] = []
  const masks: Mask[] = []
  const problems: string[] = []
  const centres = centresOf(graph, usesBatch)

  function byBatch(node: NodeProto): NodeProto[] {
    const [x, scale, bias, mean, variance] = node.input as [Value, Value, Value, Value, Value]
    const { dtype, dims } = types.get(mean)!
    const momentum = floatAttribute(node, 'momentum', 0.9)
    const [first, seed, other, ...ofBatch] = ['first', 'seed', 'other', 'mean', 'variance'].map((kind) => {
      const name = `batch/${kind}/${node.output[0]}`
      all.set(name, { dtype, dims })
      return name
    }) as [Value, Value, Value, Value, Value]
    const isCentred = centres.has(x)
    const whole = isCentred ? `batch/whole/${node.output[0]}` : ofBatch[0]
    all.set(whole, { dtype, dims })
    statistics.push({ name: mean, ofBatch: whole, momentum, unbiasedOver: null })
    statistics.push({ name: variance, ofBatch: ofBatch[1], momentum, unbiasedOver: x })
    const axes = types.get(x)!.dims.flatMap((_, axis) => (axis === 1 ? [] : [axis]))
    const integers = (values: readonly number[]) => {
      const name = `batch/${values}`
      initializers.set(name, makeTensor(name, DataType.INT64, [values.length], values))
      return name
    }
    const cut = [x, integers(axes.map(() => 0)), integers(axes.map(() => 1)), integers(axes)]
    const attributes = {
      training_mode: 1,
      momentum: { float: 0 },
      epsilon: { float: floatAttribute(node, 'epsilon', 1e-5) },
    }
    return [
      makeNode('Slice', cut, [first]),
      makeNode('Reshape', [first, integers([-1])], [seed]),
      makeNode('Neg', [seed], [other]),
      makeNode('BatchNormalization', [x, scale, bias, seed, other], [node.output[0]!, ...ofBatch], attributes),
      ...(isCentred ? [makeNode('Add', [ofBatch[0], mean], [whole])] : []),
    ]
  }

  function masked(node: NodeProto): NodeProto {
    const [x, given] = node.input as [Value, Value?]
    const tensor = given ? graph.initializers.get(given) : undefined
    const ratio = given ? (types.get(given)?.values ?? (tensor && numbers(tensor)))?.[0] : 0.5
    if (ratio === undefined || node.output[1]) problems.push(`${model.name}: cannot train through ${describe(node)}`)
    if (!ratio || node.output[1]) return makeNode('Identity', [x], node.output.slice(0, 1))
    const name = `mask/${masks.length}`
    const type = types.get(x)!
    all.set(name, type)
    masks.push({ name, ratio, type })
    return makeNode('Mul', [x, name], node.output.slice(0, 1))
  }

  /** The convolution with a bias that is lower by the running mean. */
  function centred(node: NodeProto, mean: Value): NodeProto[] {
    const [x, w, bias] = node.input as [Value, Value, Value?]
    const lower = `batch/centre/${node.output[0]}`
    all.set(lower, types.get(mean)!)
    const made = bias ? makeNode('Sub', [bias, mean], [lower]) : makeNode('Neg', [mean], [lower])
    return [made, revise(node, { input: [x, w, lower] })]
  }

  const nodes = graph.nodes.flatMap((node) => {
    if (node.opType === 'BatchNormalization' && usesBatch(node)) return byBatch(node)
    const centre = centres.get(node.output[0]!)
    if (centre !== undefined) return centred(node, centre)
    return dropout && node.opType === 'Dropout' ? masked(node) : node
  })
  if (problems.length > 0) throw new AugmentError('model', problems.join('\n'))
  return { graph: { ...graph, nodes, initializers }, types: all, statistics, masks, centred: new Set(centres.keys()) }
}

/** The results of convolutions that nothing reads but a normalisation by the batch, and its running mean. */
function centresOf({ nodes, outputs }: Graph, usesBatch: (node: NodeProto) => boolean): Map<Value, Value> {
  const read = [...nodes.flatMap((node) => node.input), ...outputs.map(({ name }) => name)]
  const counts = new Map<Value, number>()
  for (const value of read) counts.set(value, (counts.get(value) ?? 0) + 1)
  const filtered = new Set(nodes.filter(({ opType }) => opType === 'Conv').map(({ output }) => output[0]!))
  const normalized = nodes.filter((node) => node.opType === 'BatchNormalization' && usesBatch(node))
  const pairs = normalized.map(({ input }) => [input[0]!, input[3]!] as const)
  return new Map(pairs.filter(([x]) => filtered.has(x) && counts.get(x) === 1))
}
