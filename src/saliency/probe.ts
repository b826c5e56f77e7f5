/** Learns the shape of every value of a model from onnxruntime, since the differentiation itself infers none. */
import { AugmentError } from '../core/errors.js'
import { type Graph, type Model, writeModel } from '../onnx/model.js'
import { intAttribute, makeNode, type NodeProto } from '../onnx/node.js'
import { DataType, makeTensor } from '../onnx/tensor.js'
import { declaredType, inferDtypes, makeValueInfo, type ValueType } from '../onnx/valueInfo.js'
import { type Fed, feedSizes, inferSizes, type Sizes, volume } from './inferSizes.js'
import { createSession, firstLine, type Session, type Tensor } from './session.js'

/** How onnxruntime-node holds the elements of each type. */
const RUNTIME = {
  [DataType.FLOAT]: ['float32', Float32Array],
  [DataType.DOUBLE]: ['float64', Float64Array],
  [DataType.FLOAT16]: ['float16', Uint16Array],
  [DataType.INT64]: ['int64', BigInt64Array],
  [DataType.UINT64]: ['uint64', BigUint64Array],
  [DataType.INT32]: ['int32', Int32Array],
  [DataType.UINT32]: ['uint32', Uint32Array],
  [DataType.INT16]: ['int16', Int16Array],
  [DataType.UINT16]: ['uint16', Uint16Array],
  [DataType.INT8]: ['int8', Int8Array],
  [DataType.UINT8]: ['uint8', Uint8Array],
  [DataType.BOOL]: ['bool', Uint8Array],
} as const

/** A zero-filled tensor of the given type, which must be one of numbers or booleans. */
export function zeros(dtype: DataType, dims: readonly number[]): Tensor {
  const [type, List] = RUNTIME[dtype as keyof typeof RUNTIME] ?? RUNTIME[DataType.UINT8]
  return { type, dims, data: new List(volume(dims)) }
}

/** Inputs of operators that a gradient rule must know the elements of. All are short lists. */
const PARAMETERS: Record<string, readonly number[]> = {
  Clip: [1, 2],
  Dropout: [1, 2],
  Gather: [1],
  Pad: [1, 3],
  Resize: [2],
  Slice: [1, 2, 3, 4],
  Tile: [1],
}

/** The parameters that nodes compute, where a model was exported without constant folding or for dynamic sizes. */
function computedParameters(graph: Graph): string[] {
  const made = new Set(graph.nodes.flatMap((node) => node.output))
  const isReduction = (op: string) => op.startsWith('Reduce')
  const used = graph.nodes.flatMap((node) => {
    const positions = PARAMETERS[node.opType] ?? (isReduction(node.opType) ? [1] : [])
    return positions.map((i) => node.input[i] ?? '')
  })
  return [...new Set(used)].filter((value) => made.has(value))
}

/** The positions at which operators take weights, whose values no shape depends on. */
const WEIGHTS: Record<string, number> = { Conv: 1, ConvTranspose: 1, Gemm: 1, MatMul: 1 }
/** Elements from which on a weight is left out. */
const LARGE = 2 ** 12

/** The graph with its large weights made of zeros when it runs: neither written nor kept in memory. */
function withoutWeights(graph: Graph): Graph {
  const kept = new Set(graph.nodes.flatMap(({ opType, input }) => input.filter((_, i) => i !== WEIGHTS[opType])))
  const initializers = new Map(graph.initializers)
  const nodes: NodeProto[] = []
  for (const [name, { dims, dataType }] of graph.initializers) {
    if (kept.has(name) || dataType !== DataType.FLOAT || dims.reduce((a, b) => a * Number(b), 1) < LARGE) continue
    const shape = `${name}/probe`
    initializers.delete(name)
    initializers.set(shape, makeTensor(shape, DataType.INT64, [dims.length], dims.map(Number)))
    nodes.push(makeNode('ConstantOfShape', [shape], [name]))
  }
  return { ...graph, nodes: [...nodes, ...graph.nodes], initializers }
}

/** The model whose outputs are the shapes (int64 [rank], "probe/<position>") of `values`, and `parameters` themselves. */
function withShapes(
  model: Model,
  values: readonly string[],
  parameters: readonly string[],
  dtypes: Map<string, DataType>,
): Uint8Array {
  const names = values.map((_, i) => `probe/${i}`)
  // onnxruntime starts from the last node: a shape taken late would keep its value in memory until then.
  const nodes = values.map((value, i) => makeNode('Shape', [value], [names[i]!])).reverse()
  const outputs = [
    ...names.map((name) => makeValueInfo(name, DataType.INT64, ['rank'])),
    ...parameters.map((name) => makeValueInfo(name, dtypes.get(name)!)),
  ]
  return writeModel({ ...model, graph: { ...model.graph, nodes: [...model.graph.nodes, ...nodes], outputs } })
}

/** Runs a model that may be unsound. Throws AugmentError 'model' where onnxruntime fails. */
export async function tryRun(session: Session, name: string, feeds: Record<string, Tensor>) {
  return session.run(feeds).catch((cause: Error) => {
    throw new AugmentError('model', `${name}: onnxruntime cannot run the model: ${firstLine(cause)}`, {
      cause,
    })
  })
}

async function run(session: Session, model: Model, { batch, extent }: Fed): Promise<Record<string, number[]>> {
  const feeds: Record<string, Tensor> = {}
  for (const input of model.graph.inputs) {
    const type = declaredType(input)
    if (!type) throw new AugmentError('model', `${model.name}: input "${input.name}" has no declared rank`)
    feeds[input.name] = zeros(type.dtype, feedSizes(type.dims, batch, extent))
  }
  const results = await tryRun(session, model.name, feeds)
  const lists = Object.entries(results).map(([name, t]) => [
    name,
    Array.from(t.data as ArrayLike<bigint | number>, Number),
  ])
  return Object.fromEntries(lists)
}

/** What is fed to tell fixed sizes from open ones. */
const FIRST = { batch: 2, extent: 224 }
const SECOND = { batch: 3, extent: 256 }

/**
 * Operators whose sizes onnxruntime infers otherwise than it computes them (Resize rounds, Range may seem empty), or that
 * depend on more than sizes.
 */
const UNSURE = new Set(['Compress', 'NonMaxSuppression', 'NonZero', 'Range', 'Resize', 'Unique', 'Upsample'])

const isUnsure = (node: NodeProto) => UNSURE.has(node.opType) || intAttribute(node, 'ceil_mode', 0) === 1

/** Sizes of all values in one run and in another, and the parameters that nodes compute. */
interface Probed {
  readonly sizes: readonly [ReadonlyMap<string, Sizes>, ReadonlyMap<string, Sizes>]
  readonly parameters: readonly [Record<string, number[]>, Record<string, number[]>]
}

/** Without a run, where all sizes follow from those of the inputs; undefined where they do not. */
async function inferred(model: Model, names: readonly string[]): Promise<Probed | undefined> {
  if (model.graph.nodes.some(isUnsure)) return undefined
  const sizes = [await inferSizes(model, FIRST), await inferSizes(model, SECOND)] as const
  const isKnown = (name: string) => sizes.every((map) => map.get(name)?.every((size) => typeof size === 'number'))
  return names.every(isKnown) ? { sizes, parameters: [{}, {}] } : undefined
}

async function observed(model: Model, names: readonly string[], parameters: readonly string[]): Promise<Probed> {
  const light = { ...model, graph: withoutWeights(model.graph) }
  const bytes = withShapes(light, names, parameters, inferDtypes(model.graph))
  const session = await createSession(bytes, { device: 'cpu', threads: 1, optimize: 'disabled' })
  try {
    const found = [await run(session, model, FIRST), await run(session, model, SECOND)] as const
    const sizesOf = (results: Record<string, number[]>) =>
      new Map(names.map((name, i) => [name, results[`probe/${i}`]!] as const))
    return { sizes: [sizesOf(found[0]), sizesOf(found[1])], parameters: found }
  } finally {
    await session.release()
  }
}

/** Type and sizes of every value: null where they differ between batches of 2 and 3 (and between 224 and 256 pixels). */
export async function probeTypes(model: Model): Promise<Map<string, ValueType>> {
  const dtypes = inferDtypes(model.graph)
  const weights = model.graph.initializers
  const names = [...dtypes.keys()].filter((name) => !weights.has(name))
  const computed = computedParameters(model.graph)
  const direct = computed.length === 0 ? await inferred(model, names) : undefined
  const { sizes, parameters } = direct ?? (await observed(model, names, computed))
  const typeOf = (name: string): ValueType => {
    const [first, again] = sizes.map((map) => map.get(name) as readonly number[]) as [number[], number[]]
    const dims = first.map((size, axis) => (again[axis] === size ? size : null))
    const counts = dims.includes(null) && ([volume(first), volume(again)] as const)
    const type = { dtype: dtypes.get(name)!, dims, ...(counts && { counts }) }
    if (!computed.includes(name)) return type
    const found = parameters.map((results) => results[name]!) as [number[], number[]]
    if (found[0].join() === found[1].join()) return { ...type, values: found[0] }
    return found.every((list) => list.every((value, at) => value === at)) ? { ...type, isCount: true } : type
  }
  return new Map<string, ValueType>([
    ...Array.from(
      weights,
      ([name, { dims, dataType }]) => [name, { dtype: dataType, dims: dims.map(Number) }] as const,
    ),
    ...names.map((name) => [name, typeOf(name)] as const),
  ])
}
