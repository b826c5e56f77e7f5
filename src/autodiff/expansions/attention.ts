import { floatAttribute, intAttribute, type NodeProto } from '../../onnx/node.js'
import { DataType } from '../../onnx/tensor.js'
import type { GraphBuilder, Value } from '../builder.js'
import type { Expansion } from '../expansion.js'

/** [N, S, H D] as [N, H, S, D]; what has its heads apart already stays. */
function splitHeads(g: GraphBuilder, value: Value, rank: number, heads: number): Value {
  return rank === 4 ? value : g.transpose(g.reshape(value, [0, 0, heads, null]), [0, 2, 1, 3])
}

/** The transpose of splitHeads. */
function joinHeads(g: GraphBuilder, value: Value): Value {
  return g.reshape(g.transpose(value, [0, 2, 1, 3]), [0, 0, null])
}

/** int64 [1]: the size of one axis, even where it is open. */
function sizeAt(g: GraphBuilder, value: Value, axis: number): Value {
  return g.emit('Shape', [value], { start: axis, end: axis + 1 })
}

/** What is added to the scores [N, H, S, T], and the rows of it in which nothing is left to attend to. */
interface Bias {
  readonly value: Value
  readonly isEmpty: Value | null
}

/** -inf where `allowed` is false, else 0. */
const barred = (g: GraphBuilder, allowed: Value, like: Value) =>
  g.emit('Where', [allowed, g.scalar(0, like), g.scalar(Number.NEGATIVE_INFINITY, like)])

/** The mask as a bias, with -inf for keys behind its end. */
function maskBias(g: GraphBuilder, mask: Value, like: Value, keys: Value): Value {
  const bias = g.dtype(mask) === DataType.BOOL ? barred(g, mask, like) : mask
  const missing = g.sub(keys, sizeAt(g, mask, g.dims(mask).length - 1))
  const pads = g.emit('Concat', [g.integers([0]), missing], { axis: 0 })
  return g.emit('Pad', [bias, pads, g.scalar(Number.NEGATIVE_INFINITY, like), g.integers([-1])])
}

/** Counts 0, 1, ... up to a size [1]. */
const countTo = (g: GraphBuilder, size: Value) =>
  g.emit('Range', [g.constant(DataType.INT64, [0], []), g.squeeze(size, [0]), g.constant(DataType.INT64, [1], [])])

/** Keys that a query sees: those up to its own place, which is `offset` after the first key's. */
function causal(g: GraphBuilder, queries: Value, keys: Value, offset: Value | null): Value {
  const rows = g.unsqueeze(countTo(g, queries), [1])
  const places = offset ? g.add(rows, offset) : rows
  return g.emit('LessOrEqual', [g.unsqueeze(countTo(g, keys), [0]), places])
}

/** Whether a mask that is the same for every batch leaves each row a key. */
function leavesAll(g: GraphBuilder, mask: Value): boolean {
  const values = g.known(mask)
  const length = g.dims(mask).at(-1)
  if (!values || !length) return false
  const isBoolean = g.dtype(mask) === DataType.BOOL
  const rows = Array.from({ length: values.length / length }, (_, i) => values.slice(i * length, (i + 1) * length))
  return rows.every((row) => row.some((v) => (isBoolean ? v !== 0 : v > Number.NEGATIVE_INFINITY)))
}

/** The masks of a node together, or null where it has none. `q` and `k` have their heads apart. */
function biasOf(g: GraphBuilder, node: NodeProto, q: Value, k: Value): Bias | null {
  const [, , , mask, past, , lengths] = node.input as (Value | undefined)[]
  const isCausal = intAttribute(node, 'is_causal', 0) === 1
  const [queries, keys] = [sizeAt(g, q, 2), sizeAt(g, k, 2)]
  const parts: Value[] = mask ? [maskBias(g, mask, q, keys)] : []
  // [N, 1, 1, 1]
  const counted = lengths ? g.reshape(lengths, [null, 1, 1, 1]) : null
  if (isCausal) {
    const behind = past ? sizeAt(g, past, 2) : counted && g.sub(counted, queries)
    parts.push(barred(g, causal(g, queries, keys, behind), q))
  }
  if (counted) parts.push(barred(g, g.emit('Less', [countTo(g, keys), counted]), q))
  if (parts.length === 0) return null
  const value = parts.reduce(g.add)
  const isSafe = !counted && (!mask || (!isCausal && !past && leavesAll(g, mask)))
  if (isSafe) return { value, isEmpty: null }
  const isEmpty = g.emit('Equal', [g.reduce('Max', value, [-1]), Number.NEGATIVE_INFINITY])
  return { value: g.where(isEmpty, 0, value), isEmpty }
}

/** [N, H, T, D] ready for a product with [N, G H, S, D]: each head serves G of those in turn. */
function shared(g: GraphBuilder, value: Value, groups: number): Value {
  if (groups === 1) return value
  const copied = g.emit('Tile', [g.unsqueeze(value, [2]), g.integers([1, 1, groups, 1, 1])])
  const [length, width] = [sizeAt(g, value, 2), sizeAt(g, value, 3)]
  const shape = g.emit('Concat', [g.integers([0, -1]), length, width], { axis: 0 })
  return g.emit('Reshape', [copied, shape])
}

/** Scaled scores, capped, with a mask added; softmax over the keys; what it makes of the values. */
const Attention: Expansion = (g, node) => {
  const [q3, k3, v3, , pastKey, pastValue] = node.input as [Value, Value, Value, Value?, Value?, Value?]
  const rank = g.dims(q3).length
  if (['left_window_size', 'right_window_size'].some((name) => intAttribute(node, name, -1) >= 0)) return undefined
  const heads = rank === 4 ? g.size(q3, 1) : intAttribute(node, 'q_num_heads', 1)
  const sources = rank === 4 ? g.size(k3, 1) : intAttribute(node, 'kv_num_heads', 1)
  const q = splitHeads(g, q3, rank, heads)
  const joined = (past: Value | undefined, value: Value) =>
    past ? g.emit('Concat', [past, value], { axis: 2 }) : value
  const k = joined(pastKey, splitHeads(g, k3, rank, sources))
  const v = joined(pastValue, splitHeads(g, v3, rank, sources))
  const depth = rank === 4 ? g.size(q3, 3) : g.size(q3, 2) / heads
  const scale = floatAttribute(node, 'scale', 1 / Math.sqrt(depth))
  const groups = heads / sources
  const product = g.emit('MatMul', [g.mul(q, scale), g.transpose(shared(g, k, groups), [0, 1, 3, 2])])
  const cap = floatAttribute(node, 'softcap', 0)
  const scores = cap > 0 ? g.mul(g.emit('Tanh', [g.div(product, cap)]), cap) : product
  const bias = biasOf(g, node, q, k)
  const biased = bias ? g.add(scores, bias.value) : scores
  const softmax = g.emit('Softmax', [biased], { axis: -1 })
  const weights = bias?.isEmpty ? g.where(bias.isEmpty, 0, softmax) : softmax
  const result = g.emit('MatMul', [weights, shared(g, v, groups)])
  const shown = [product, scores, biased, weights][intAttribute(node, 'qk_matmul_output_mode', 0)]!
  return [rank === 4 ? result : joinHeads(g, result), k, v, shown]
}

/** The pairs (a, b) that the first `count` elements of the last axis are made of, turned by the angle of their position. */
function turned(g: GraphBuilder, value: Value, [cos, sin]: readonly [Value, Value], count: number, isPaired: boolean) {
  const half = count / 2
  const [a, b] = isPaired
    ? [0, 1].map((start) => g.slice(value, [3], [start], [count], [2]))
    : [0, half].map((start) => g.slice(value, [3], [start], [start + half]))
  const real = g.sub(g.mul(a!, cos), g.mul(b!, sin))
  const imaginary = g.add(g.mul(a!, sin), g.mul(b!, cos))
  if (!isPaired) return g.emit('Concat', [real, imaginary], { axis: 3 })
  const pairs = g.emit('Concat', [g.unsqueeze(real, [4]), g.unsqueeze(imaginary, [4])], { axis: 4 })
  return g.reshape(pairs, [0, 0, 0, count])
}

/** Rotary position embedding of [N, H, S, D] or [N, S, H D]. */
const RotaryEmbedding: Expansion = (g, node) => {
  const [x, cosines, sines, positions] = node.input as [Value, Value, Value, Value?]
  const rank = g.dims(x).length
  const heads = intAttribute(node, 'num_heads', 0)
  if (rank === 3 && heads === 0) return undefined
  // [N, S, H, D]
  const apart = rank === 4 ? g.transpose(x, [0, 2, 1, 3]) : g.reshape(x, [0, 0, heads, null])
  const depth = rank === 4 ? g.size(x, 3) : g.size(x, 2) / heads
  const count = intAttribute(node, 'rotary_embedding_dim', 0) || depth
  const angles = [cosines, sines].map((cache) => {
    const found = positions ? g.emit('Gather', [cache, positions], { axis: 0 }) : cache
    return g.unsqueeze(found, [2])
  }) as [Value, Value]
  const isPaired = intAttribute(node, 'interleaved', 0) === 1
  const first = turned(g, apart, angles, count, isPaired)
  const rest = count < depth ? [g.slice(apart, [3], [count], [depth])] : []
  const whole = rest.length > 0 ? g.emit('Concat', [first, ...rest], { axis: 3 }) : first
  return [rank === 4 ? g.transpose(whole, [0, 2, 1, 3]) : g.reshape(whole, [0, 0, null])]
}

export const ATTENTION: Record<string, Expansion> = { Attention, RotaryEmbedding }
