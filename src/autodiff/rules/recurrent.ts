/**
 * LSTM, in the form that networks of pictures have: sequences of one length, the standard's activations, no peepholes. Others are
 * written out (see expansions/recurrent). Here only what a step needs of the one before is computed step by step.
 */
import { type NodeProto, stringAttribute } from '../../onnx/node.js'
import type { GraphBuilder, Value } from '../builder.js'
import { isPlainLstm } from '../plainLstm.js'
import type { VjpRule } from '../rule.js'

const parts = (g: GraphBuilder, value: Value, count: number, axis: number) =>
  g.emitMany('Split', [value], { axis, ...(g.opset >= 18 && { num_outputs: count }) }, count)
const joined = (g: GraphBuilder, values: readonly Value[], axis: number) =>
  values.length === 1 ? values[0]! : g.emit('Concat', values, { axis })
/** Element `index` of an axis, which goes. */
const at = (g: GraphBuilder, value: Value, axis: number, index: number) =>
  g.squeeze(g.slice(value, [axis], [index], [index + 1]), [axis])
const summed = (g: GraphBuilder, a: Value | null, b: Value | null) => (a && b ? g.add(a, b) : (a ?? b))

/** One direction of a layer, in the order in which it goes through S steps. */
interface Direction {
  readonly isBackwards: boolean
  /** [S, N, I] */
  readonly x: Value
  /** The hidden state before each step, [S, N, H]. */
  readonly before: Value
  /** [4 H, I] and [4 H, H] */
  readonly w: Value
  readonly r: Value
}

/** Steps from the last to the first, if the direction goes so. */
const turned = (g: GraphBuilder, value: Value, isBackwards: boolean) =>
  isBackwards ? g.slice(value, [0], [-1], [-(2 ** 31)], [-1]) : value

/** Steps [S, ...] one later, `first` [1, ...] or zeros before them. */
function later(g: GraphBuilder, steps: Value, first: Value | null, rank: number): Value {
  const along = (count: number) => [count, ...Array(rank - 1).fill(0)]
  if (first === null) return g.pad(steps, along(1), along(-1))
  return g.emit('Concat', [first, g.pad(steps, along(0), along(-1))], { axis: 0 })
}

/** Each direction's steps [S, N, ...] side by side: [S, D, N, ...]. */
const sideBySide = (g: GraphBuilder, values: readonly Value[]) =>
  joined(
    g,
    values.map((value) => g.unsqueeze(value, [1])),
    1,
  )

function directionsOf(g: GraphBuilder, node: NodeProto): Direction[] {
  const [x, w, r, , , h0] = node.input as [Value, Value, Value, Value?, Value?, Value?]
  const direction = stringAttribute(node, 'direction', 'forward')
  const backwards = direction === 'bidirectional' ? [false, true] : [direction === 'reverse']
  return backwards.map((isBackwards, i) => {
    const own = turned(g, at(g, node.output[0]!, 1, i), isBackwards)
    const before = later(g, own, h0 ? g.slice(h0, [0], [i], [i + 1]) : null, 3)
    return { isBackwards, x: turned(g, x, isBackwards), before, w: at(g, w, 0, i), r: at(g, r, 0, i) }
  })
}

/** Gates i, o, f and z of all steps, [S, D, N, H]. */
function gatesOf(g: GraphBuilder, directions: readonly Direction[], b: Value | undefined) {
  const product = (value: Value, matrix: Value) => g.emit('MatMul', [value, g.transpose(matrix, [1, 0])])
  const given = directions.map(({ x, before, w, r }, i) => {
    const biases = b ? parts(g, at(g, b, 0, i), 2, 0) : []
    return biases.reduce(g.add, g.add(product(x, w), product(before, r)))
  })
  const [i, o, f, z] = parts(g, sideBySide(g, given), 4, -1) as [Value, Value, Value, Value]
  const sigmoid = (value: Value) => g.emit('Sigmoid', [value])
  return { i: sigmoid(i), o: sigmoid(o), f: sigmoid(f), z: g.emit('Tanh', [z]) }
}

/** What the cotangents of the steps are made with, a value [1, D, N, ...] for each step. */
interface Slopes {
  /** f: of the cell by the cell before. */
  readonly kept: readonly Value[]
  /** o (1 - tanh(C)^2): of the hidden state by the cell. */
  readonly open: readonly Value[]
  /** z i (1 - i), tanh(C) o (1 - o), C' f (1 - f), i (1 - z^2), end to end: of cell, state, cell and cell by the gates. */
  readonly gates: readonly Value[]
}

/** With the cells C = f C' + i z, C' being the one before. */
function slopesOf(
  g: GraphBuilder,
  { i, o, f, z }: ReturnType<typeof gatesOf>,
  steps: number,
  c0: Value | null,
): Slopes {
  const each = (value: Value) => parts(g, value, steps, 0)
  const [kept, added] = [each(f), each(g.mul(i, z))]
  const cells: Value[] = []
  for (const [t, own] of added.entries()) {
    const before = t === 0 ? c0 : cells[t - 1]!
    cells.push(before ? g.add(g.mul(kept[t]!, before), own) : own)
  }
  const c = joined(g, cells, 0)
  const bounded = g.emit('Tanh', [c])
  const sigmoid = (value: Value, gate: Value) => g.mul(value, g.mul(gate, g.sub(1, gate)))
  const tanh = (value: Value, y: Value) => g.mul(value, g.sub(1, g.mul(y, y)))
  const gates = [sigmoid(z, i), sigmoid(bounded, o), sigmoid(later(g, c, c0, 4), f), tanh(i, z)]
  return { kept, open: each(tanh(o, bounded)), gates: each(g.emit('Concat', gates, { axis: -1 })) }
}

/** Cotangents of the inputs of the gates, [S, D, N, 4 H], and of the states before the first step, [D, N, H]. */
function backThroughTime(
  g: GraphBuilder,
  { kept, open, gates }: Slopes,
  r: Value,
  { y, h, c }: { readonly y: readonly Value[] | null; readonly h: Value | null; readonly c: Value | null },
) {
  let [dh, dc] = [h, c]
  const found: Value[] = []
  for (let t = gates.length - 1; t >= 0; t--) {
    const state = summed(g, y?.[t] ?? null, dh) ?? g.mul(open[t]!, 0)
    const cell = summed(g, g.mul(state, open[t]!), dc)!
    const own = g.mul(g.emit('Concat', [cell, state, cell, cell], { axis: -1 }), gates[t]!)
    found.unshift(own)
    dh = g.emit('MatMul', [own, r])
    dc = g.mul(cell, kept[t]!)
  }
  return { gates: joined(g, found, 0), h: g.squeeze(dh!, [0]), c: g.squeeze(dc!, [0]) }
}

export const LSTM: VjpRule = (g, node, [cy, ch, cc]) => {
  if (!isPlainLstm(node)) return []
  const [x, w, r, b, , , c0] = node.input as [Value, Value, Value, Value?, Value?, Value?, Value?]
  const steps = g.size(x, 0)
  const directions = directionsOf(g, node)
  const whole = (value: Value | null | undefined) => (value ? g.unsqueeze(value, [0]) : null)
  const slopes = slopesOf(g, gatesOf(g, directions, b), steps, whole(c0))
  const given = cy ? directions.map(({ isBackwards }, i) => turned(g, at(g, cy, 1, i), isBackwards)) : null
  const y = given && parts(g, sideBySide(g, given), steps, 0)
  const back = backThroughTime(g, slopes, r, { y, h: whole(ch), c: whole(cc) })
  const each = directions.map((direction, i) => ({ ...direction, c: at(g, back.gates, 1, i) }))
  const rows = (value: Value, columns: number) => g.reshape(value, [null, columns])
  const width = g.size(w, 1)
  const product = (c: Value, value: Value, columns: number) =>
    g.emit('Gemm', [rows(c, width), rows(value, columns)], { transA: 1 })
  const perDirection = (values: readonly Value[]) =>
    joined(
      g,
      values.map((value) => g.unsqueeze(value, [0])),
      0,
    )
  return [
    each.map(({ c, w: own, isBackwards }) => turned(g, g.emit('MatMul', [c, own]), isBackwards)).reduce(g.add),
    perDirection(each.map(({ c, x: own }) => product(c, own, g.size(x, 2)))),
    perDirection(each.map(({ c, before }) => product(c, before, g.size(r, 2)))),
    perDirection(each.map(({ c }) => g.reduce('Sum', c, [0, 1], false)).map((sum) => joined(g, [sum, sum], 0))),
    null,
    back.h,
    back.c,
    null,
  ]
}
