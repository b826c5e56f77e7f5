/**
 * Recurrent layers, written out step by step for a sequence of known length. Gates lie side by side in the last axis, in the
 * order of the standard; a state that is not there yet is 0. No form that clips or has the batch first. An LSTM as most are stays.
 */
import { floatsAttribute, intAttribute, type NodeProto, stringAttribute, stringsAttribute } from '../../onnx/node.js'
import { DataType } from '../../onnx/tensor.js'
import type { GraphBuilder, Value } from '../builder.js'
import type { Expansion } from '../expansion.js'
import { isPlainLstm } from '../plainLstm.js'

type State = Value | null

/** What one direction of a layer is made of. */
interface Layer {
  readonly node: NodeProto
  /** [H, gates H]: what the hidden state is multiplied by, and what is added then, [gates H]. */
  readonly recurrent: Value
  readonly bias: State
  /** [3 H]: of the input, output and forget gates of an LSTM. */
  readonly peepholes: State
  readonly activate: readonly ((x: Value) => Value)[]
}

/** The next hidden and cell state, from what the input gives to the gates [N, gates H] and the states before, [N, H]. */
type Step = (g: GraphBuilder, layer: Layer, x: Value, h: State, c: State) => [Value, State]

interface Cell {
  readonly gates: number
  readonly activations: readonly string[]
  readonly step: Step
}

const plus = (g: GraphBuilder, a: State, b: State): State => (a && b ? g.add(a, b) : (a ?? b))
const times = (g: GraphBuilder, a: State, b: State): State => (a && b ? g.mul(a, b) : null)
const parts = (g: GraphBuilder, value: Value, count: number, axis = -1) =>
  g.emitMany('Split', [value], { axis, ...(g.opset >= 18 && { num_outputs: count }) }, count)
const splitIf = (g: GraphBuilder, value: State, count: number): State[] =>
  value ? parts(g, value, count) : Array(count).fill(null)

/** h R^T and its bias. */
const recurrence = (g: GraphBuilder, h: State, recurrent: Value, bias: State) =>
  plus(g, h && g.emit('MatMul', [h, recurrent]), bias)

const RNN: Cell = {
  gates: 1,
  activations: ['Tanh'],
  step: (g, { recurrent, bias, activate: [f] }, x, h) => [f!(plus(g, x, recurrence(g, h, recurrent, bias))!), null],
}

/** C' = f C + i z, h' = o tanh(C'); the gates also see the cells through the peepholes. */
const LSTM: Cell = {
  gates: 4,
  activations: ['Sigmoid', 'Tanh', 'Tanh'],
  step: (g, { node, recurrent, bias, peepholes, activate }, x, h, c) => {
    const [f, z, last] = activate as [(v: Value) => Value, (v: Value) => Value, (v: Value) => Value]
    const [input, output, forget, cell] = parts(g, plus(g, x, recurrence(g, h, recurrent, bias))!, 4)
    const [pi, po, pf] = splitIf(g, peepholes, 3)
    const gate = (value: Value, peephole: State | undefined, state: State) =>
      f(plus(g, value, times(g, peephole!, state))!)
    const opened = gate(input!, pi, c)
    const isCoupled = intAttribute(node, 'input_forget', 0) === 1
    const kept = isCoupled ? g.sub(1, opened) : gate(forget!, pf, c)
    const next = plus(g, times(g, kept, c), g.mul(opened, z(cell!)))!
    return [g.mul(gate(output!, po, next), last(next)), next]
  },
}

/** h' = (1 - z) n + z h, where n sees the hidden state through the reset gate. */
const GRU: Cell = {
  gates: 3,
  activations: ['Sigmoid', 'Tanh'],
  step: (g, { node, recurrent, bias, activate }, x, h) => {
    const [f, last] = activate as [(v: Value) => Value, (v: Value) => Value]
    const given = parts(g, x, 3)
    const [weights, biases] = [parts(g, recurrent, 3), splitIf(g, bias, 3)]
    const through = (state: State, i: number) => recurrence(g, state, weights[i]!, biases[i]!)
    const [update, reset] = [0, 1].map((i) => f(plus(g, given[i]!, through(h, i))!))
    const isLinear = intAttribute(node, 'linear_before_reset', 0) === 1
    const seen = isLinear ? times(g, reset!, through(h, 2)) : through(times(g, reset!, h), 2)
    const candidate = last(plus(g, given[2]!, seen)!)
    return [plus(g, g.mul(g.sub(1, update!), candidate), times(g, update!, h))!, null]
  },
}

/** Activations by name that need no parameters; undefined where the node has others, or gives parameters. */
function activations(g: GraphBuilder, node: NodeProto, { activations: defaults }: Cell, directions: number) {
  const names = stringsAttribute(node, 'activations') ?? Array(directions).fill(defaults).flat()
  const isPlain = names.every((name) => ['Relu', 'Sigmoid', 'Softplus', 'Softsign', 'Tanh'].includes(name))
  const isGiven = ['activation_alpha', 'activation_beta'].some((key) => (floatsAttribute(node, key) ?? []).length > 0)
  return isPlain && !isGiven ? names.map((name) => (x: Value) => g.emit(name, [x])) : undefined
}

/** Row `index` of what has one for each direction. */
const rowOf = (g: GraphBuilder, value: Value | undefined, index: number): State =>
  value ? g.squeeze(g.slice(value, [0], [index], [index + 1]), [0]) : null

/** A sequence [S, N, I] in one direction: hidden states [N, H] by time, and the last hidden and cell state. */
function unrolled(g: GraphBuilder, { step, gates }: Cell, layer: Layer, index: number, isBackwards: boolean) {
  const [x, w, , b, lengths, h0, c0] = layer.node.input as (Value | undefined)[]
  const length = g.size(x!, 0)
  const given = g.emit('MatMul', [x!, g.transpose(rowOf(g, w, index)!, [1, 0])])
  const [bias] = splitIf(g, rowOf(g, b, index), 2)
  const steps = parts(g, plus(g, given, bias!)!, length, 0).map((one) => g.squeeze(one, [0]))
  const limits = lengths && g.unsqueeze(lengths, [1])
  let [h, c] = [rowOf(g, h0, index), gates === 4 ? rowOf(g, c0, index) : null]
  const outputs: Value[] = []
  for (let i = 0; i < length; i++) {
    const time = isBackwards ? length - 1 - i : i
    const [hidden, cell] = step(g, layer, steps[time]!, h, c)
    // Behind its end a sequence gives 0, and its state stays.
    const isInside = limits && g.emit('Greater', [limits, g.constant(DataType.INT32, [time], [])])
    const within = (next: State, before: State | 0) => (isInside && next ? g.where(isInside, next, before ?? 0) : next)
    outputs[time] = within(hidden, 0)!
    h = within(hidden, h)
    c = within(cell, c)
  }
  return { outputs, h: h!, c }
}

const recurrent =
  (cell: Cell): Expansion =>
  (g, node) => {
    const [, , r, b, , , , p] = node.input as (Value | undefined)[]
    const direction = stringAttribute(node, 'direction', 'forward')
    const backwards = { forward: [false], reverse: [true], bidirectional: [false, true] }[direction]
    const found = backwards && activations(g, node, cell, backwards.length)
    if (!found || intAttribute(node, 'layout', 0) === 1 || node.attribute.some(({ name }) => name === 'clip'))
      return undefined
    const each = cell.activations.length
    const runs = backwards.map((isBackwards, i) => {
      const layer: Layer = {
        node,
        recurrent: g.transpose(rowOf(g, r, i)!, [1, 0]),
        bias: splitIf(g, rowOf(g, b, i), 2)[1]!,
        peepholes: rowOf(g, p, i),
        activate: found.slice(i * each, (i + 1) * each),
      }
      return unrolled(g, cell, layer, i, isBackwards)
    })
    const stacked = (values: readonly Value[], axis: number) =>
      g.emit(
        'Concat',
        values.map((value) => g.unsqueeze(value, [axis])),
        { axis },
      )
    const y = stacked(
      runs.map(({ outputs }) => stacked(outputs, 0)),
      1,
    )
    const cells = runs.map(({ c }) => c).filter((c) => c !== null)
    return [
      y,
      stacked(
        runs.map(({ h }) => h),
        0,
      ),
      cells.length > 0 ? stacked(cells, 0) : null,
    ]
  }

export const RECURRENT: Record<string, Expansion> = {
  GRU: recurrent(GRU),
  LSTM: (g, node) => (isPlainLstm(node) ? undefined : recurrent(LSTM)(g, node)),
  RNN: recurrent(RNN),
}
