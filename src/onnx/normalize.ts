/** Raises a graph to one opset, so that every operator has one form for the gradient rules. */
import { AugmentError } from '../core/errors.js'
import type { Graph, Model } from './model.js'
import {
  type Attributes,
  attributesWithout,
  describe,
  floatAttribute,
  intAttribute,
  intsAttribute,
  isStandard,
  makeNode,
  type NodeProto,
  stringAttribute,
} from './node.js'
import { revise } from './revise.js'
import { DataType, makeTensor, type TensorProto } from './tensor.js'
import { inferDtypes } from './valueInfo.js'

/** The opset that models are raised to; newer ones stay as they are. */
const TARGET_OPSET = 17

const OLDEST_OPSET = 7

/** What a conversion may make besides nodes. */
interface Context {
  /** Element type of a value of the original graph. */
  dtype(value: string): DataType
  /** An initializer of the given elements. */
  constant(dtype: DataType, values: readonly number[], dims?: readonly number[]): string
  /** A new value name. */
  fresh(): string
}

type Conversion = (node: NodeProto, context: Context) => NodeProto[]

/** The node with the named attributes dropped and its inputs replaced. */
function changed(
  node: NodeProto,
  inputs: readonly string[],
  dropped: readonly string[],
  opType = node.opType,
): NodeProto {
  return revise(node, { opType, input: [...inputs], attribute: attributesWithout(node, dropped) })
}

/** Attributes that became int64 inputs, in the order of the inputs after the data. */
const integersToInputs =
  (...names: string[]): Conversion =>
  (node, context) => {
    const lists = names.map((name) => intsAttribute(node, name))
    const inputs = lists.map((list) => (list ? context.constant(DataType.INT64, list) : ''))
    while (inputs.at(-1) === '') inputs.pop()
    return [changed(node, [node.input[0]!, ...inputs], names)]
  }

/** Before opset 13 the axes from `axis` (1 by default) on counted as one. */
const flattened: Conversion = (node, context) => {
  const [x, y] = [node.input[0]!, node.output[0]!]
  const [flat, done, shape] = [context.fresh(), context.fresh(), context.fresh()]
  return [
    makeNode('Shape', [x], [shape]),
    makeNode('Flatten', [x], [flat], { axis: intAttribute(node, 'axis', 1) }),
    makeNode(node.opType, [flat], [done], { axis: 1 }),
    makeNode('Reshape', [done, shape], [y]),
  ]
}

/** A floating-point attribute as a scalar of the data's type, '' if it is absent. */
function scalar(node: NodeProto, name: string, context: Context): string {
  if (!node.attribute.some((a) => a.name === name)) return ''
  return context.constant(context.dtype(node.input[0]!), [floatAttribute(node, name, 0)], [])
}

const Pad: Conversion = (node, context) => {
  const pads = context.constant(DataType.INT64, intsAttribute(node, 'pads') ?? [])
  return [changed(node, [node.input[0]!, pads, scalar(node, 'value', context)], ['pads', 'value'])]
}

/** Only its ratio matters, and that for training alone. */
const Dropout: Conversion = (node, context) => [
  changed(
    node,
    [node.input[0]!, context.constant(DataType.FLOAT, [floatAttribute(node, 'ratio', 0.5)], [])],
    ['ratio', 'is_test'],
  ),
]

/** Coordinates were not centred, and the nearest pixel was `nearest`: the one below, or above where sizes shrink. */
function asymmetric(node: NodeProto, x: string, scales: string, output: string, nearest = 'floor'): NodeProto {
  const mode = stringAttribute(node, 'mode', 'nearest')
  const attributes: Attributes = { mode, coordinate_transformation_mode: 'asymmetric', nearest_mode: nearest }
  return makeNode('Resize', [x, '', scales], [output], attributes)
}

const Resize: Conversion = (node, context) => {
  const [x, scales, y] = [node.input[0]!, node.input[1]!, node.output[0]!]
  if (stringAttribute(node, 'mode', 'nearest') !== 'nearest') return [asymmetric(node, x, scales, y)]
  const [larger, growth, shrinkage] = [context.fresh(), context.fresh(), context.fresh()]
  const one = context.constant(DataType.FLOAT, [1])
  return [
    makeNode('Max', [scales, one], [growth]),
    makeNode('Min', [scales, one], [shrinkage]),
    asymmetric(node, x, growth, larger),
    asymmetric(node, larger, shrinkage, y, 'ceil'),
  ]
}

const Upsample: Conversion = (node, context) => {
  const scales = node.attribute.find((a) => a.name === 'scales')?.floats
  const given = scales ? context.constant(DataType.FLOAT, scales) : node.input[1]!
  return [asymmetric(node, node.input[0]!, given, node.output[0]!)]
}

/** Conversions by operator: applied to nodes of an opset below the first number. */
const CONVERSIONS: Record<string, readonly [number, Conversion]> = {
  BatchNormalization: [
    14,
    (node) => [revise(changed(node, node.input, ['spatial', 'is_test']), { output: node.output.slice(0, 1) })],
  ],
  Clip: [
    11,
    (node, context) => [
      changed(node, [node.input[0]!, scalar(node, 'min', context), scalar(node, 'max', context)], ['min', 'max']),
    ],
  ],
  Dropout: [12, Dropout],
  Hardmax: [13, flattened],
  LogSoftmax: [13, flattened],
  Pad: [11, Pad],
  ReduceSum: [13, integersToInputs('axes')],
  Resize: [11, Resize],
  Scatter: [11, (node) => [changed(node, node.input, [], 'ScatterElements')]],
  Slice: [10, integersToInputs('starts', 'ends', 'axes')],
  Softmax: [13, flattened],
  Split: [13, integersToInputs('split')],
  Squeeze: [13, integersToInputs('axes')],
  TopK: [
    10,
    (node, context) => [
      changed(node, [node.input[0]!, context.constant(DataType.INT64, [intAttribute(node, 'k', 1)])], ['k']),
    ],
  ],
  Unsqueeze: [13, integersToInputs('axes')],
  Upsample: [Number.POSITIVE_INFINITY, Upsample],
}

/** What no conversion can express. */
function obsolete(node: NodeProto, opset: number): boolean {
  return node.opType === 'BatchNormalization' && opset < 9 && intAttribute(node, 'spatial', 1) === 0
}

/** The newest opset that onnxruntime 1.30 takes. */
const NEWEST_OPSET = 26

/** What opset 27 has and 26 has not, except more element types of Range. */
const NEW_IN_27 = new Set(['CausalConvWithState', 'LinearAttention'])

function lowered(model: Model): Model {
  const isSame = model.opset === 27 && !model.graph.nodes.some((n) => isStandard(n) && NEW_IN_27.has(n.opType))
  return isSame ? { ...model, opset: NEWEST_OPSET } : model
}

/** The same function with every operator in the form of opset 17, or of the model's own if that is newer. */
export function normalize(model: Model): Model {
  const { graph, opset, name } = model
  if (opset < OLDEST_OPSET)
    throw new AugmentError('model', `${name}: opset ${opset}, expected ${OLDEST_OPSET} or newer`)
  if (opset >= TARGET_OPSET) return lowered(model)
  const problems = graph.nodes.filter((node) => obsolete(node, opset))
  if (problems.length > 0)
    throw new AugmentError('model', problems.map((n) => `${name}: obsolete form of ${describe(n)}`).join('\n'))
  return { ...model, opset: TARGET_OPSET, graph: raise(graph, opset) }
}

function raise(graph: Graph, opset: number): Graph {
  const dtypes = inferDtypes(graph)
  const initializers = new Map<string, TensorProto>(graph.initializers)
  let count = 0
  const fresh = () => {
    let name: string
    do name = `raised/${count++}`
    while (dtypes.has(name))
    return name
  }
  const context: Context = {
    dtype: (value) => dtypes.get(value) ?? DataType.FLOAT,
    constant: (dtype, values, dims = [values.length]) => {
      const name = fresh()
      initializers.set(name, makeTensor(name, dtype, dims, values))
      return name
    },
    fresh,
  }
  const nodes = graph.nodes.flatMap((node) => {
    const [below, convert] = (isStandard(node) ? CONVERSIONS[node.opType] : undefined) ?? [0]
    return convert && opset < below ? convert(node, context) : [node]
  })
  return { ...graph, nodes, initializers }
}
