/** Learns the shape of every value of a model from onnxruntime, since the differentiation itself infers none. */
import { create } from '@bufbuild/protobuf'
import { ValueInfoProtoSchema } from 'onnx-buf'
import { AugmentError } from '../core/errors.js'
import { type Graph, type Model, writeModel } from '../onnx/model.js'
import { intAttribute, makeNode, type NodeProto } from '../onnx/node.js'
import { DataType, makeTensor, rawTensor, type TensorProto } from '../onnx/tensor.js'
import { declaredType, inferDtypes, makeValueInfo, type ValueType } from '../onnx/valueInfo.js'
import { type Probed, sizeValues } from './fold.js'
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

/** The model whose outputs are the shapes (int64 [rank], "probe/<position>") of `values`, and `contents` themselves. */
function withShapes(model: Model, values: readonly string[], contents: readonly string[]): Uint8Array {
  const names = values.map((_, i) => `probe/${i}`)
  // onnxruntime starts from the last node: a shape taken late would keep its value in memory until then.
  const nodes = values.map((value, i) => makeNode('Shape', [value], [names[i]!])).reverse()
  // Without a type: onnxruntime infers it.
  const outputs = [...names, ...contents].map((name) => create(ValueInfoProtoSchema, { name }))
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

async function run(session: Session, model: Model, { batch, extent }: Fed): Promise<Record<string, Tensor>> {
  const feeds: Record<string, Tensor> = {}
  for (const input of model.graph.inputs) {
    const type = declaredType(input)
    if (!type) throw new AugmentError('model', `${model.name}: input "${input.name}" has no declared rank`)
    const fed = zeros(type.dtype, feedSizes(type.dims, batch, extent))
    // Scales, of which an input may be one, are not 0.
    if (fed.data instanceof Float32Array) fed.data.fill(1)
    feeds[input.name] = fed
  }
  return tryRun(session, model.name, feeds)
}

/** What is fed to tell fixed sizes from open ones. */
export const FIRST = { batch: 2, extent: 224 }
export const SECOND = { batch: 3, extent: 256 }

/**
 * Operators whose sizes onnxruntime infers otherwise than it computes them (Resize rounds, Range may seem empty), or that
 * depend on more than sizes.
 */
const UNSURE = new Set(['Compress', 'NonMaxSuppression', 'NonZero', 'Range', 'Resize', 'Unique', 'Upsample'])

const isUnsure = (node: NodeProto) => UNSURE.has(node.opType) || intAttribute(node, 'ceil_mode', 0) === 1

/** What one run tells: sizes of all values, and the elements of some. */
interface Run {
  readonly sizes: ReadonlyMap<string, Sizes>
  readonly contents: Readonly<Record<string, Tensor>>
}

/** Values that nodes make of sizes alone, those that are parameters, and sizes where SECOND is fed. */
interface Known {
  readonly made: ReadonlySet<string>
  readonly computed: ReadonlySet<string>
  readonly second: ReadonlyMap<string, Sizes> | undefined
}

/** Without a run of the whole, where all sizes follow from those of the inputs; undefined where they do not. */
async function inferred(model: Model, names: readonly string[], known: Known): Promise<[Run, Run] | undefined> {
  const { made, computed, second } = known
  const isFixed = (node: NodeProto) => node.output.every((value) => value === '' || made.has(value))
  if (model.graph.nodes.some((node) => isUnsure(node) && !isFixed(node))) return undefined
  if ([...computed].some((name) => !made.has(name))) return undefined
  const values = names.filter((name) => !made.has(name))
  const isFound = (sizes?: ReadonlyMap<string, Sizes>) =>
    values.every((name) => sizes?.get(name)?.every((size) => typeof size === 'number'))
  // What is found of one batch without folding is found of the other.
  const isFolded = !isFound(second)
  const found: ReadonlyMap<string, Sizes>[] = []
  for (const fed of [FIRST, SECOND]) {
    const sizes = !isFolded && fed === SECOND ? second! : await inferSizes(model, fed, { values, isFolded })
    if (!isFound(sizes)) return undefined
    found.push(sizes)
  }
  const contents = await evaluated(model, made, found)
  const runOf = (i: number): Run => {
    const own = Object.entries(contents[i]!).map(([name, { dims }]) => [name, dims] as const)
    return { sizes: new Map<string, Sizes>([...found[i]!, ...own]), contents: contents[i]! }
  }
  return [runOf(0), runOf(1)]
}

/** What the nodes that look at nothing but sizes make of each of several. */
async function evaluated(
  model: Model,
  made: ReadonlySet<string>,
  each: readonly ReadonlyMap<string, Sizes>[],
): Promise<Record<string, Tensor>[]> {
  if (made.size === 0) return each.map(() => ({}))
  const { graph } = model
  const looks = new Map<string, (sizes: ReadonlyMap<string, Sizes>) => Tensor>()
  const nodes = graph.nodes.filter((node) => {
    if (!node.output.some((value) => made.has(value))) return false
    const look = sizeOf(node, made)
    if (look) looks.set(node.output[0]!, look)
    return !look
  })
  const inputs = [...looks].map(([name, look]) => makeValueInfo(name, DataType.INT64, look(each[0]!).dims))
  const values = [...made].filter((name) => !looks.has(name))
  const outputs = values.map((name) => create(ValueInfoProtoSchema, { name }))
  const read = new Set(nodes.flatMap(({ input }) => input))
  const initializers = new Map([...graph.initializers].filter(([name]) => read.has(name)))
  const bytes = writeModel({ ...model, graph: { nodes, initializers, inputs, outputs } })
  const session =
    values.length > 0 ? await createSession(bytes, { device: 'cpu', threads: 1, optimize: 'disabled' }) : null
  const results: Record<string, Tensor>[] = []
  for (const sizes of each) {
    const feeds = Object.fromEntries([...looks].map(([name, look]) => [name, look(sizes)]))
    results.push({ ...feeds, ...(session && (await tryRun(session, model.name, feeds))) })
  }
  await session?.release()
  return results
}

/** How a Shape or Size of a value that is no such result follows from its sizes; undefined for any other node. */
function sizeOf(
  node: NodeProto,
  made: ReadonlySet<string>,
): ((sizes: ReadonlyMap<string, Sizes>) => Tensor) | undefined {
  const [x] = node.input as [string]
  if (made.has(x) || (node.opType !== 'Shape' && node.opType !== 'Size')) return undefined
  return (sizes) => {
    const dims = sizes.get(x) as readonly number[]
    if (node.opType === 'Size') return { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(volume(dims))) }
    const part = dims.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', dims.length))
    return { type: 'int64', dims: [part.length], data: BigInt64Array.from(part, BigInt) }
  }
}

async function observed(model: Model, names: readonly string[], asked: ReadonlySet<string>): Promise<[Run, Run]> {
  const light = { ...model, graph: withoutWeights(model.graph) }
  const [looked, others] = [true, false].map((wanted) => names.filter((name) => asked.has(name) === wanted))
  const bytes = withShapes(light, others!, looked!)
  const session = await createSession(bytes, { device: 'cpu', threads: 1, optimize: 'disabled' })
  const told = (contents: Record<string, Tensor>): Run => {
    const shapes = others!.map((name, i) => [name, listed(contents[`probe/${i}`]!)] as const)
    return { sizes: new Map([...shapes, ...looked!.map((name) => [name, contents[name]!.dims] as const)]), contents }
  }
  try {
    return [told(await run(session, model, FIRST)), told(await run(session, model, SECOND))]
  } finally {
    await session.release()
  }
}

const listed = ({ data }: Tensor) => Array.from(data as ArrayLike<bigint | number>, Number)

/** Elements up to which a value is kept as a constant. */
const LARGE_CONSTANT = 2 ** 18

/** The constant that a value is, having been the same in both runs; undefined where it was not, or is of no use as one. */
function constantOf(name: string, [a, b]: readonly [Tensor | undefined, Tensor | undefined]): TensorProto | undefined {
  const dtype = Object.entries(RUNTIME).find(([, [type]]) => type === a?.type)?.[0]
  if (!a || !b || dtype === undefined || volume(a.dims) > LARGE_CONSTANT) return undefined
  const bytes = ({ data }: Tensor) =>
    Buffer.from((data as Uint8Array).buffer, (data as Uint8Array).byteOffset, (data as Uint8Array).byteLength)
  const isSame = a.dims.join() === b.dims.join() && bytes(a).equals(bytes(b))
  return isSame ? rawTensor(name, Number(dtype), a.dims, a.data as Uint8Array) : undefined
}

/**
 * Type and sizes of every value: null where they differ between batches of 2 and 3 (and between 224 and 256 pixels); `second` has
 * those of the latter, as far as they are known.
 */
export async function probe(model: Model, second?: ReadonlyMap<string, Sizes>): Promise<Probed> {
  const dtypes = inferDtypes(model.graph)
  const weights = model.graph.initializers
  const names = [...dtypes.keys()].filter((name) => !weights.has(name))
  const computed = new Set(computedParameters(model.graph))
  const made = sizeValues(model.graph)
  const runs =
    (await inferred(model, names, { made, computed, second })) ??
    (await observed(model, names, new Set([...computed, ...made])))
  const typeOf = (name: string): ValueType => {
    const [first, again] = runs.map(({ sizes }) => sizes.get(name) as readonly number[]) as [number[], number[]]
    const dims = first.map((size, axis) => (again[axis] === size ? size : null))
    const counts = dims.includes(null) && ([volume(first), volume(again)] as const)
    const type = { dtype: dtypes.get(name)!, dims, ...(counts && { counts }) }
    if (!computed.has(name)) return type
    const found = runs.map(({ contents }) => listed(contents[name]!)) as [number[], number[]]
    if (found[0].join() === found[1].join()) return { ...type, values: found[0] }
    return found.every((list) => list.every((value, at) => value === at)) ? { ...type, isCount: true } : type
  }
  const given = Array.from(
    weights,
    ([name, { dims, dataType }]) => [name, { dtype: dataType, dims: dims.map(Number) }] as const,
  )
  const [a, b] = runs
  const constants = [...made].flatMap((name) => {
    const constant = constantOf(name, [a.contents[name], b.contents[name]])
    return constant ? [[name, constant] as const] : []
  })
  const types = new Map<string, ValueType>([...given, ...names.map((name) => [name, typeOf(name)] as const)])
  return { types, constants: new Map(constants) }
}
