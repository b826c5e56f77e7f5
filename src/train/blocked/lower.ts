/** A step of training for one batch size, on blocked values wherever that is possible. */
import { GraphBuilder, type Types, type Value } from '../../autodiff/builder.js'
import { COMPOSITE } from '../../autodiff/composite.js'
import { rearrangementOf } from '../../autodiff/inputCotangent.js'
import { interleave } from '../../autodiff/window.js'
import type { Graph, ValueInfoProto } from '../../onnx/model.js'
import { BLOCKED, intAttribute, intsAttribute, isStandard, type NodeProto, stringAttribute } from '../../onnx/node.js'
import { revise } from '../../onnx/revise.js'
import { DataType } from '../../onnx/tensor.js'
import { type Dim, declaredType, makeValueInfo } from '../../onnx/valueInfo.js'
import { lowerElementwise, lowerInside } from './elementwise.js'
import { lowerConv, outputSize } from './filters.js'
import { infiniteValues } from './infinite.js'
import { lowerKernelCotangent } from './kernel.js'
import { Layouts, type Sizes } from './layouts.js'
import { lowerBatchNormalization, lowerInstanceNormalization, lowerReduction } from './perChannel.js'
import { type Picked, picked } from './picked.js'

/** Pictures of a batch, and channels of a block. */
export interface Blocks {
  readonly batch: number
  readonly block: number
}

/** Emits a node in blocks; false where it must be emitted as it is. */
type Lowering = (l: Layouts, node: NodeProto) => boolean

const LOWERINGS: Readonly<Record<string, Lowering | undefined>> = {
  AveragePool: lowerPool,
  BatchNormalization: lowerBatchNormalization,
  Conv: lowerConv,
  GlobalAveragePool: lowerPool,
  InstanceNormalization: lowerInstanceNormalization,
  MaxPool: lowerPool,
  Pad: lowerPad,
  ReduceMean: lowerReduction,
  ReduceSum: lowerReduction,
  Shape: lowerSize,
  Size: lowerSize,
  Slice: lowerSlice,
}

/** What is known of the values of a graph; what nothing is known of stays as it is. */
interface Known {
  readonly types: Types
  /** Their sizes. */
  readonly dims: ReadonlyMap<Value, readonly Dim[]>
  /** Those that have means near 0. */
  readonly centred?: ReadonlySet<Value>
  /** Inputs that may be taken as packed filters (see packed), and the outputs that then are theirs. */
  readonly filters?: ReadonlyMap<Value, Value>
}

/** A graph on blocked values, and which of its inputs are packed filters. */
interface Lowered {
  readonly graph: Graph
  readonly packed: readonly Value[]
}

/** The graph, which may hold composite nodes, for batches of `batch` pictures and blocks of `block` channels. */
export function lowered(
  graph: Graph,
  opset: number,
  { types, dims, centred = new Set(), filters = new Map() }: Known,
  { batch, block }: Blocks,
): Lowered {
  const g = new GraphBuilder(opset, types, [], 'blocked')
  g.include({ ...graph, nodes: [] })
  const sizes = new Map<Value, readonly number[]>()
  for (const [name, { dims: own }] of graph.initializers) sizes.set(name, own.map(Number))
  for (const [name, own] of dims)
    if (own.slice(1).every((d) => d !== null))
      sizes.set(
        name,
        own.map((d) => d ?? batch),
      )
  const l = new Layouts(g, block, sizes, centred, infiniteValues(graph))
  const counts = new Map<Value, number>()
  for (const value of [...graph.nodes.flatMap((node) => node.input), ...graph.outputs.map((v) => v.name)])
    counts.set(value, (counts.get(value) ?? 0) + 1)
  const uses = (value: Value) => counts.get(value) ?? 0
  const packed = [...filters].filter(([w, gradient]) => uses(gradient) === 1 && isPackable(l, graph, w, gradient))
  for (const each of packed.flat()) l.packed.add(each)
  for (const node of graph.nodes) lower(l, node, uses)
  for (const { name } of graph.outputs) if (l.isBlocked(name)) g.emit('Identity', [l.plain(name)], {}, name)
  // onnxruntime writes a result over an operand only where it knows that they are of one size.
  const fixed = (info: ValueInfoProto) => {
    const type = declaredType(info)
    return type && !type.dims.slice(1).includes(null)
      ? makeValueInfo(
          info.name,
          type.dtype,
          type.dims.map((d) => d ?? batch),
        )
      : info
  }
  const result = g.finish(graph.inputs.map(fixed), graph.outputs)
  return { graph: result, packed: packed.map(([w]) => w) }
}

/** Whether `w` are filters of whole blocks for convolutions alone, in one group, and `gradient` is what one of those makes. */
function isPackable(l: Layouts, { nodes }: Graph, w: Value, gradient: Value): boolean {
  const sizes = l.sizesOf(w)
  if (!sizes || sizes[0] % l.block !== 0 || sizes[1] % l.block !== 0) return false
  const isMet = ({ opType, input }: NodeProto) => (opType === 'Conv' && input[0] !== w) || opType === 'Rearrange'
  const readers = nodes.filter(({ input }) => input.includes(w))
  const isMade = nodes.some(({ opType, output }) => opType === 'KernelCotangent' && output[0] === gradient)
  return isMade && readers.every((node) => isMet(node) && intAttribute(node, 'group', 1) === 1)
}

function lower(l: Layouts, node: NodeProto, uses: (value: Value) => number): void {
  if (node.domain === COMPOSITE) {
    if (node.opType === 'Interleave') lowerInterleave(l, node)
    else if (node.opType === 'Inside') lowerInside(l, node)
    else if (node.opType === 'Rearrange')
      l.setTurned(node.output[0]!, { w: node.input[0]!, turn: rearrangementOf(node) })
    else lowerKernelCotangent(l, node)
    return
  }
  if (isStandard(node)) {
    if (LOWERINGS[node.opType]?.(l, node)) return
    if (lowerElementwise(l, node, uses)) return
  }
  const input = node.input.map((v) => (v === '' ? v : l.plain(v)))
  l.g.append(input.every((v, i) => v === node.input[i]) ? node : revise(node, { input }))
}

/** Sizes are known: nothing need be brought out of blocks to ask for them. */
function lowerSize(l: Layouts, node: NodeProto): boolean {
  const sizes = l.sizesOf(node.input[0]!)
  if (!sizes || !l.isBlocked(node.input[0]!) || node.attribute.length > 0) return false
  const values = node.opType === 'Shape' ? sizes : [sizes.reduce((a, b) => a * b)]
  l.g.emit('Identity', [l.g.constant(DataType.INT64, values, node.opType === 'Shape' ? [4] : [])], {}, node.output[0]!)
  return true
}

/** MaxPool, AveragePool and GlobalAveragePool, whose blocked forms have the same attributes. */
function lowerPool(l: Layouts, node: NodeProto): boolean {
  const [x, output] = [node.input[0]!, node.output[0]!]
  const sizes = l.sizesOf(x)
  if (!sizes || !l.isBlocked(x) || node.output[1]) return false
  // The blocked one counts other elements in windows beyond the end.
  if (node.opType === 'AveragePool' && intAttribute(node, 'ceil_mode', 0) === 1) return false
  const result =
    node.opType === 'GlobalAveragePool' ? ([sizes[0], sizes[1], 1, 1] as const) : pooledSizes(l, node, sizes)
  if (!result) return false
  l.setBlocked(output, l.g.emitLikeOf(BLOCKED, node, [l.blocked(x)]), result)
  return true
}

/** Sizes of what MaxPool or AveragePool makes. */
function pooledSizes(l: Layouts, node: NodeProto, [n, c, ...spatial]: Sizes): Sizes | undefined {
  const given = l.sizesOf(node.output[0]!)
  if (given) return given
  if (intAttribute(node, 'ceil_mode', 0) === 1 || stringAttribute(node, 'auto_pad', 'NOTSET') !== 'NOTSET')
    return undefined
  const ints = (name: string, fallback: number) => intsAttribute(node, name) ?? Array(4).fill(fallback)
  const [kernel, strides, dilations, pads] = [
    ints('kernel_shape', 1),
    ints('strides', 1),
    ints('dilations', 1),
    ints('pads', 0),
  ]
  const at = (i: 0 | 1) => outputSize(spatial[i], kernel[i]!, strides[i]!, dilations[i]!, pads[i]! + pads[i + 2]!)
  return [n, c, at(0), at(1)]
}

/** Zeros around the positions, or positions cut off. */
function lowerPad(l: Layouts, node: NodeProto): boolean {
  const { g } = l
  const x = node.input[0]!
  const sizes = l.sizesOf(x)
  const pads = g.known(node.input[1])
  const fill = node.input[2] ? g.known(node.input[2])?.[0] : 0
  if (!sizes || !l.isBlocked(x) || pads?.length !== 8 || fill === undefined || node.input[3]) return false
  if ([0, 1, 4, 5].some((i) => pads[i] !== 0) || stringAttribute(node, 'mode', 'constant') !== 'constant') return false
  const [n, c, h, w] = sizes
  const [height, width] = [h + pads[2]! + pads[6]!, w + pads[3]! + pads[7]!]
  const axis = (before: number, count: number): Picked => ({ start: -before, step: 1, count })
  const whole = () => {
    const five = g.reshape(l.blocked(x), [n, l.filled(c) / l.block, h, w, l.block])
    const padded = g.pad(five, [0, 0, pads[2]!, pads[3]!, 0], [0, 0, pads[6]!, pads[7]!, 0], fill)
    return g.reshape(padded, [n, l.filled(c), height, width])
  }
  const zeros =
    fill === 0 && !l.infinite.has(x)
      ? picked(l, l.blocked(x), sizes, [axis(pads[2]!, height), axis(pads[3]!, width)])
      : null
  l.setBlocked(node.output[0]!, zeros ?? whole(), [n, c, height, width])
  return true
}

/** Some rows and columns, with strides. */
function lowerSlice(l: Layouts, node: NodeProto): boolean {
  const { g } = l
  const x = node.input[0]!
  const sizes = l.sizesOf(x)
  const [starts, ends, axes, steps] = node.input.slice(1).map((v) => g.known(v))
  if (!sizes || !l.isBlocked(x) || !starts || !ends || !axes || (node.input[4] && !steps?.every((s) => s > 0)))
    return false
  if (axes.some((axis, i) => axis < 2 || axis > 3 || starts[i]! < 0 || ends[i]! <= starts[i]!)) return false
  // An end may be as large as a number can be.
  const last = axes.map((axis, i) => Math.min(ends[i]!, sizes[axis]!))
  const [n, c] = sizes
  const result = [...sizes] as [number, number, number, number]
  for (const [i, axis] of axes.entries()) result[axis] = Math.ceil((last[i]! - starts[i]!) / (steps?.[i] ?? 1))
  if (result[2] < 1 || result[3] < 1) return false
  const along = ([2, 3] as const).map((axis): Picked => {
    const i = axes.indexOf(axis)
    return { start: starts[i] ?? 0, step: steps?.[i] ?? 1, count: result[axis] }
  }) as [Picked, Picked]
  const whole = () => {
    const five = g.reshape(l.blocked(x), [n, l.filled(c) / l.block, sizes[2], sizes[3], l.block])
    return g.reshape(g.slice(five, axes, starts, last, steps), [n, l.filled(c), result[2], result[3]])
  }
  const isStrided = along.some(({ step }) => step > 1)
  const some = isStrided && !l.infinite.has(x) ? picked(l, l.blocked(x), sizes, along) : null
  l.setBlocked(node.output[0]!, some ?? whole(), result)
  return true
}

/** The parts of a strided grid side by side: in blocks a position is a row of B, and joining rows is joining their ends. */
function lowerInterleave(l: Layouts, node: NodeProto): void {
  const { g, block } = l
  const strides = intsAttribute(node, 'strides')!
  const parts = node.input.map((v) => (v === '' ? undefined : v))
  const output = node.output[0]!
  const any = parts.find((part) => part !== undefined && l.isBlocked(part))
  if (any === undefined) {
    const phases = new Map(
      parts.flatMap((part, i) => (part ? [[`${Math.floor(i / strides[1]!)},${i % strides[1]!}`, part]] : [])),
    )
    g.emit('Identity', [interleave(g, phases, strides, [null, ...intsAttribute(node, 'sizes')!])], {}, output)
    return
  }
  const [n, c, h, w] = l.sizesOf(any)!
  const [rows, columns] = strides as [number, number]
  const lead = (n * l.filled(c)) / block
  const at = parts.indexOf(any)
  const isOnly = parts.every((part, i) => part === undefined || i === at)
  const joined = isOnly
    ? spread(l, g.reshape(l.blocked(any), [lead * h, 1, w, block]), [at, rows, columns])
    : side(
        l,
        Array.from({ length: rows }, (_, row) => {
          const own = parts.slice(row * columns, (row + 1) * columns)
          const ends = own.map((part) => part && g.reshape(l.blocked(part), [lead * h * w, block]))
          const line = side(l, ends, [lead * h * w, block])
          return line && g.reshape(line, [lead * h, w * columns * block])
        }),
        [lead * h, w * columns * block],
      )!
  const sizes: Sizes = [n, c, h * rows, w * columns]
  l.setBlocked(output, g.reshape(joined, [n, l.filled(c), sizes[2], sizes[3]]), sizes)
}

/** Lines [L, 1, W, B] of the part `at` of rows x columns parts, of which the others are zeros. */
function spread(l: Layouts, lines: Value, [at, rows, columns]: readonly [number, number, number]): Value {
  const [row, column] = [Math.floor(at / columns), at % columns]
  return l.g.pad(lines, [0, row, 0, column * l.block], [0, rows - 1 - row, 0, (columns - 1 - column) * l.block])
}

/** Matrices of sizes `size` side by side, zeros for those that there are none of. */
function side(l: Layouts, parts: readonly (Value | undefined)[], size: readonly [number, number]): Value | undefined {
  const { g } = l
  const present = parts.filter((part) => part !== undefined)
  if (present.length === 0) return undefined
  if (parts.length === 1) return present[0]
  const zeros = () => g.emit('Expand', [g.scalar(0, present[0]!), g.integers(size)])
  return g.emit(
    'Concat',
    parts.map((part) => part ?? zeros()),
    { axis: 1 },
  )
}
