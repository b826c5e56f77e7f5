/** Model bytes <-> graph. Weights stay views into the bytes they came from. */
import { clearField, create, fromBinary } from '@bufbuild/protobuf'
import {
  TensorProto_DataLocation as DataLocation,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf'
import { AugmentError } from '../core/errors.js'
import { encodeModel } from './encode.js'
import { inlined } from './inline.js'
import { describe, hasSubgraph, intAttribute, quoted } from './node.js'
import { settleTensors } from './rawData.js'
import { revise } from './revise.js'
import { DataType, ELEMENT_SIZE } from './tensor.js'

export type { ValueInfoProto }

/** Nodes in an order in which every value is made before it is used. */
export interface Graph {
  readonly nodes: readonly NodeProto[]
  readonly initializers: ReadonlyMap<string, TensorProto>
  readonly inputs: readonly ValueInfoProto[]
  readonly outputs: readonly ValueInfoProto[]
}

/** `name` is what messages call the model; `proto` holds what a pass leaves alone (metadata, foreign opsets). */
export interface Model {
  readonly name: string
  readonly opset: number
  readonly graph: Graph
  readonly proto: ModelProto
}

/** Largest number of elements a tensor may claim: 2^40, far above any classifier's weight, far below overflow. */
const MAX_ELEMENTS = 2 ** 40

/** A broken file may have as many problems as names. */
const MAX_PROBLEMS = 10

const isStandardDomain = (domain: string) => domain === '' || domain === 'ai.onnx'

function elements(tensor: TensorProto): number {
  return tensor.dims.reduce((product, dim) => product * (dim >= 0n ? Number(dim) : Number.NaN), 1)
}

/** What is wrong with a tensor that messages call `place`, or undefined. */
function tensorProblem(tensor: TensorProto, place: string): string | undefined {
  const count = elements(tensor)
  if (!(count <= MAX_ELEMENTS)) return `${place} has an impossible shape [${tensor.dims}]`
  if (tensor.dataLocation === DataLocation.EXTERNAL) return `${place} lies in an external file`
  const isText = tensor.dataType === DataType.STRING
  const size = isText ? 1 : ELEMENT_SIZE[tensor.dataType]
  if (size === undefined) return `${place} has the unsupported type ${DataType[tensor.dataType] ?? tensor.dataType}`
  const found = isText ? tensor.stringData.length : tensor.rawData.length
  if (found !== Math.ceil(count * size)) return `${place} of shape [${tensor.dims}] holds ${found / size} elements`
  return undefined
}

/** Operators of any number of inputs, none of which may be left out: onnxruntime reads them unseen. */
const VARIADIC = new Set(['Concat', 'Einsum', 'Max', 'Mean', 'Min', 'Sum'])

/** More axes than any tensor has. */
const MAX_RANK = 64

/** What is wrong with the integers that a node is given, which onnxruntime calculates with unseen, or undefined. */
function attributeProblem(node: NodeProto): string | undefined {
  const [axis, batch] = [intAttribute(node, 'axis', 0), intAttribute(node, 'batch_dims', 0)]
  if (!(Math.abs(axis) <= MAX_RANK && batch >= 0 && batch <= MAX_RANK))
    return `${describe(node)} names an impossible axis`
  const large =
    node.opType === 'Constant' ? undefined : node.attribute.find(({ i }) => i > 2n ** 31n || i < -(2n ** 31n))
  return large && `${describe(node)} has the impossible ${quoted(large.name)} of ${large.i}`
}

/** What is wrong with a node by itself, or undefined. */
function nodeProblem(node: NodeProto, opset: number): string | undefined {
  if (hasSubgraph(node)) return `control flow is not supported: ${describe(node, opset)}`
  if (node.attribute.some((a) => a.sparseTensor)) return `${describe(node)} has an impossible sparse tensor`
  if (VARIADIC.has(node.opType) && node.input.includes('')) return `${describe(node)} lacks an input`
  const tensor = node.attribute.find((a) => a.t)?.t
  return tensor ? tensorProblem(tensor, `the constant of ${describe(node)}`) : attributeProblem(node)
}

/** Every problem of the graph that would make it meaningless: names defined twice, values used before they exist. */
function graphProblems(graph: Graph, opset: number): string[] {
  const weights = [...graph.initializers.values()]
  const problems = [
    ...weights.map((tensor) => tensorProblem(tensor, `initializer ${quoted(tensor.name)}`)),
    ...graph.nodes.map((node) => nodeProblem(node, opset)),
  ].filter((problem) => problem !== undefined)
  const defined = new Set([...graph.initializers.keys(), ...graph.inputs.map((v) => v.name)])
  for (const node of graph.nodes) {
    for (const input of node.input) {
      if (input !== '' && !defined.has(input))
        problems.push(`${describe(node)} uses ${quoted(input)}, which nothing before it makes`)
    }
    for (const output of node.output) {
      if (output !== '' && defined.has(output))
        problems.push(`${quoted(output)} is defined twice, again by ${describe(node)}`)
      defined.add(output)
    }
  }
  for (const output of graph.outputs) {
    if (!defined.has(output.name)) problems.push(`nothing makes the output ${quoted(output.name)}`)
  }
  return problems
}

/**
 * The inputs that a caller has to feed. Exporters for IR version 3 list the weights among them, too; that of Keras for TensorFlow
 * lists constants that no node reads.
 */
function inputsOf(
  declared: readonly ValueInfoProto[],
  nodes: readonly NodeProto[],
  initializers: ReadonlyMap<string, TensorProto>,
): ValueInfoProto[] {
  const inputs = declared.filter(({ name }) => !initializers.has(name))
  const read = new Set(nodes.flatMap(({ input }) => input))
  const isRead = inputs.some(({ name }) => read.has(name))
  return isRead ? inputs.filter(({ name }) => read.has(name)) : inputs
}

/** What PyTorch notes at every node, mostly its call stack, is more than all the rest besides weights, and written many times. */
function dropNotes(nodes: readonly NodeProto[]): void {
  for (const node of nodes) {
    node.metadataProps = []
    clearField(node, NodeProtoSchema.field.docString)
  }
}

/** The model in `bytes`; raw weights are not copied. Throws AugmentError 'model' for what is not a sound ONNX model. */
export function readModel(bytes: Uint8Array, name: string): Model {
  let proto: ModelProto
  try {
    proto = fromBinary(ModelProtoSchema, bytes)
  } catch (cause) {
    throw new AugmentError('model', `${name}: not an ONNX model, or cut short`, { cause })
  }
  settleTensors(proto)
  const raw = proto.graph
  const standard = proto.opsetImport.find((o) => isStandardDomain(o.domain))
  if (!raw || raw.node.length === 0 || raw.output.length === 0 || (!standard && proto.opsetImport.length === 0)) {
    throw new AugmentError('model', `${name}: not an ONNX model`)
  }
  if (!standard) {
    const found = proto.opsetImport.map(({ domain }) => quoted(domain)).join(', ')
    throw new AugmentError('model', `${name}: operators of ${found} alone, expected some of the ONNX standard's`)
  }
  const opset = Number(standard.version)
  const { nodes, weights } = inlined(proto)
  dropNotes(nodes)
  const initializers = new Map([...raw.initializer, ...weights].map((t) => [t.name, t]))
  const graph: Graph = {
    nodes,
    initializers,
    inputs: inputsOf(raw.input, nodes, initializers),
    outputs: raw.output,
  }
  const problems = graphProblems(graph, opset)
  if (raw.sparseInitializer.length > 0) problems.push('an impossible sparse tensor among the initializers')
  if (initializers.size < raw.initializer.length + weights.length) problems.push('two initializers have the same name')
  const more = problems.splice(MAX_PROBLEMS).length
  if (more > 0) problems.push(`and ${more} more problems`)
  if (problems.length > 0) throw new AugmentError('model', problems.map((p) => `${name}: ${p}`).join('\n'))
  return { name, opset, graph, proto }
}

/** What onnxruntime 1.30 reads; newer versions add nothing that a model here has. */
const NEWEST_IR = 13n

function irVersionFor(declared: bigint): bigint {
  if (declared < 8n) return 8n
  return declared > NEWEST_IR ? NEWEST_IR : declared
}

/** The names of all values of a graph. */
export function namesIn({ nodes, initializers, inputs }: Graph): string[] {
  return [...inputs.map(({ name }) => name), ...initializers.keys(), ...nodes.flatMap(({ output }) => output)]
}

/** A model of a graph of our own. */
export function makeModel(name: string, graph: Graph, opset: number): Model {
  return { name, opset, graph, proto: create(ModelProtoSchema, { irVersion: 8n }) }
}

/** The model with version 1 of one more domain of operators. */
export function withDomain(model: Model, domain: string): Model {
  const added = create(OperatorSetIdProtoSchema, { domain, version: 1n })
  return { ...model, proto: revise(model.proto, { opsetImport: [...model.proto.opsetImport, added] }) }
}

/** The model as ONNX bytes, with the types of inner values that are `declared`. */
export function writeModel(model: Model, declared: readonly ValueInfoProto[] = []): Uint8Array<ArrayBuffer> {
  const { graph, proto, opset } = model
  const foreign = proto.opsetImport.filter((o) => !isStandardDomain(o.domain))
  const written = revise(proto, {
    irVersion: irVersionFor(proto.irVersion),
    functions: [],
    opsetImport: [create(OperatorSetIdProtoSchema, { version: BigInt(opset) }), ...foreign],
    graph: create(GraphProtoSchema, {
      name: proto.graph?.name || 'graph',
      node: [...graph.nodes],
      initializer: [...graph.initializers.values()],
      input: [...graph.inputs],
      output: [...graph.outputs],
      valueInfo: [...declared],
    }),
  })
  return encodeModel(written)
}
