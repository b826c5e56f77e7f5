/** Model bytes <-> graph. Weights stay views into the bytes they came from. */
import { clearField, create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import {
  TensorProto_DataLocation as DataLocation,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
} from 'onnx-buf'
import { AugmentError } from '../core/errors.js'
import { describe, hasSubgraph, quoted } from './node.js'
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
  const size = ELEMENT_SIZE[tensor.dataType as DataType]
  if (size === undefined) return `${place} has the unsupported type ${DataType[tensor.dataType] ?? tensor.dataType}`
  const typed =
    tensor.floatData.length +
    tensor.int32Data.length +
    tensor.int64Data.length +
    tensor.doubleData.length +
    tensor.uint64Data.length
  const found = tensor.rawData.length > 0 ? tensor.rawData.length / size : typed
  if (found !== count) return `${place} of shape [${tensor.dims}] holds ${found} elements`
  return undefined
}

/** What is wrong with a node by itself, or undefined. */
function nodeProblem(node: NodeProto, opset: number): string | undefined {
  if (hasSubgraph(node)) return `control flow is not supported: ${describe(node, opset)}`
  if (node.attribute.some((a) => a.sparseTensor)) return `sparse tensors are not supported: ${describe(node)}`
  const tensor = node.attribute.find((a) => a.t)?.t
  return tensor && tensorProblem(tensor, `the constant of ${describe(node)}`)
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

/** The model in `bytes`; weights are not copied. Throws AugmentError 'model' for what is not a sound ONNX model. */
export function readModel(bytes: Uint8Array, name: string): Model {
  let proto: ModelProto
  try {
    proto = fromBinary(ModelProtoSchema, bytes)
  } catch (cause) {
    throw new AugmentError('model', `${name}: not an ONNX model, or cut short`, { cause })
  }
  const raw = proto.graph
  const standard = proto.opsetImport.find((o) => isStandardDomain(o.domain))
  if (!raw || raw.node.length === 0 || raw.output.length === 0 || !standard) {
    throw new AugmentError('model', `${name}: not an ONNX model`)
  }
  const opset = Number(standard.version)
  const initializers = new Map(raw.initializer.map((t) => [t.name, t]))
  const graph: Graph = {
    nodes: raw.node,
    initializers,
    // Exporters for IR version 3 list the weights among the inputs, too.
    inputs: raw.input.filter((v) => !initializers.has(v.name)),
    outputs: raw.output,
  }
  const problems = graphProblems(graph, opset)
  if (initializers.size < raw.initializer.length) problems.push('two initializers have the same name')
  const more = problems.splice(MAX_PROBLEMS).length
  if (more > 0) problems.push(`and ${more} more problems`)
  if (problems.length > 0) throw new AugmentError('model', problems.map((p) => `${name}: ${p}`).join('\n'))
  return { name, opset, graph, proto }
}

/** Numbers of the fields that hold the bulk of a model. */
const [GRAPH, INITIALIZER, RAW_DATA] = [7, 5, 9]

const lengthOf = (pieces: readonly Uint8Array[]) => pieces.reduce((sum, piece) => sum + piece.length, 0)

/** A field of bytes or of a message whose encoding comes in pieces. */
function field(number: number, pieces: readonly Uint8Array[]): Uint8Array[] {
  return [new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(lengthOf(pieces)).finish(), ...pieces]
}

function encodeTensor(tensor: TensorProto): Uint8Array[] {
  const head = toBinary(TensorProtoSchema, revise(tensor, { rawData: new Uint8Array() }))
  return tensor.rawData.length > 0 ? [head, ...field(RAW_DATA, [tensor.rawData])] : [head]
}

/** The model as ONNX bytes. Weights are copied once, not again for every message around them. */
export function writeModel(model: Model): Uint8Array {
  const { graph, proto, opset } = model
  const foreign = proto.opsetImport.filter((o) => !isStandardDomain(o.domain))
  const shell = revise(proto, {
    irVersion: proto.irVersion > 8n ? proto.irVersion : 8n,
    opsetImport: [create(OperatorSetIdProtoSchema, { version: BigInt(opset) }), ...foreign],
  })
  clearField(shell, ModelProtoSchema.field.graph)
  const structure = create(GraphProtoSchema, {
    name: proto.graph?.name || 'graph',
    node: [...graph.nodes],
    input: [...graph.inputs],
    output: [...graph.outputs],
  })
  const weights = [...graph.initializers.values()].flatMap((t) => field(INITIALIZER, encodeTensor(t)))
  const encodedGraph = field(GRAPH, [toBinary(GraphProtoSchema, structure), ...weights])
  return joined([toBinary(ModelProtoSchema, shell), ...encodedGraph])
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(lengthOf(pieces))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
