import { intsAttribute, type NodeProto } from '../../onnx/node.js'
import type { Dim } from '../../onnx/valueInfo.js'
import type { GraphBuilder, Value } from '../builder.js'
import { single, type VjpRule } from '../rule.js'

/** Everything about one spatial axis of a pooling window sliding over x. */
interface Axis {
  readonly size: number
  readonly kernel: number
  readonly stride: number
  readonly dilation: number
  readonly before: number
  readonly outputs: number
}

function axes(g: GraphBuilder, node: NodeProto): Axis[] {
  const sizes = g.dims(node.input[0]!).slice(2) as number[]
  const outputs = g.dims(node.output[0]!).slice(2) as number[]
  const pads = intsAttribute(node, 'pads')
  const kernel = intsAttribute(node, 'kernel_shape')!
  return sizes.map((size, i) => ({
    size,
    kernel: kernel[i]!,
    stride: intsAttribute(node, 'strides')?.[i] ?? 1,
    dilation: intsAttribute(node, 'dilations')?.[i] ?? 1,
    before: pads?.[i] ?? 0,
    outputs: outputs[i]!,
  }))
}

/** All offsets inside a window, in row-major order: the order in which PyTorch looks for the maximum. */
function offsets(window: readonly Axis[]): number[][] {
  return window.reduce<number[][]>(
    (found, axis) => found.flatMap((o) => Array.from({ length: axis.kernel }, (_, k) => [...o, k])),
    [[]],
  )
}

/** `value` [N, C, ...] with `before` and `after` elements of `fill` on the spatial axes; negative sizes cut. */
function pad(g: GraphBuilder, value: Value, before: readonly number[], after: readonly number[], fill: number): Value {
  if ([...before, ...after].every((p) => p === 0)) return value
  return g.emit('Pad', [value, g.integers([0, 0, ...before, 0, 0, ...after]), g.scalar(fill, value)], {
    mode: 'constant',
  })
}

/** For each offset inside the windows, the elements of x that lie there: strided views in y's shape. */
function taps(g: GraphBuilder, x: Value, window: readonly Axis[], fill: number): Value[] {
  const reach = window.map((a) => (a.outputs - 1) * a.stride + (a.kernel - 1) * a.dilation + 1)
  const padded = pad(
    g,
    x,
    window.map((a) => a.before),
    window.map((a, i) => reach[i]! - a.size - a.before),
    fill,
  )
  const spatial = window.map((_, i) => i + 2)
  return offsets(window).map((offset) => {
    const starts = window.map((a, i) => offset[i]! * a.dilation)
    const ends = window.map((a, i) => starts[i]! + (a.outputs - 1) * a.stride + 1)
    return g.slice(
      padded,
      spatial,
      starts,
      ends,
      window.map((a) => a.stride),
    )
  })
}

/**
 * The transpose of `taps`: each part is added back at its offset inside the windows. Parts that land on the same residues
 * modulo the strides ("phases") are shifted and summed; the phases then interleave into the padded frame, which is cut
 * to x. Windows that do not overlap need no sum. Faster than ScatterElements, and no atomics on a GPU.
 */
function untaps(g: GraphBuilder, parts: readonly Value[], x: Value, window: readonly Axis[]): Value {
  const last = window.map((a) => Math.floor(((a.kernel - 1) * a.dilation) / a.stride))
  const phases = new Map<string, Value>()
  offsets(window).forEach((offset, i) => {
    const position = window.map((a, j) => offset[j]! * a.dilation)
    const shift = window.map((a, j) => Math.floor(position[j]! / a.stride))
    const phase = window.map((a, j) => position[j]! % a.stride).join()
    const moved = pad(
      g,
      parts[i]!,
      shift,
      shift.map((t, j) => last[j]! - t),
      0,
    )
    const sofar = phases.get(phase)
    phases.set(phase, sofar === undefined ? moved : g.add(sofar, moved))
  })
  const full = interleave(
    g,
    phases,
    window,
    window.map((a, i) => a.outputs + last[i]!),
    g.dims(x),
  )
  const excess = window.map((a, i) => a.size + a.before - (a.outputs + last[i]!) * a.stride)
  return pad(
    g,
    full,
    window.map((a) => -a.before),
    excess,
    0,
  )
}

/** Phase (q, r) of sizes [N, C, h, w] goes to the positions (i stride + q, j stride + r), zeros where there is none. */
function interleave(
  g: GraphBuilder,
  phases: ReadonlyMap<string, Value>,
  window: readonly Axis[],
  sizes: readonly number[],
  [n, channels]: readonly Dim[],
): Value {
  const any = phases.values().next().value!
  const join = (fixed: readonly number[]): Value => {
    const axis = fixed.length
    if (axis === window.length)
      return phases.get(fixed.join()) ?? g.emit('Expand', [g.scalar(0, any), g.emit('Shape', [any])])
    const parts = Array.from({ length: window[axis]!.stride }, (_, q) => join([...fixed, q]))
    if (parts.length === 1) return parts[0]!
    const stacked = g.emit(
      'Concat',
      parts.map((p) => g.unsqueeze(p, [axis + 3])),
      { axis: axis + 3 },
    )
    return g.reshape(stacked, [n!, channels!, ...sizes.map((size, i) => (i < axis ? size : size * window[i]!.stride))])
  }
  return join([])
}

/** Each output's cotangent goes to the first maximum of its window, in row-major order. */
const MaxPool: VjpRule = single((g, node, c) => {
  const [x, y] = [node.input[0]!, node.output[0]!]
  const window = axes(g, node)
  const views = taps(g, x, window, Number.NEGATIVE_INFINITY)
  let rest = c
  const parts = views.map((view, i) => {
    // Whatever no earlier element of the window has taken belongs to the last one.
    if (i === views.length - 1) return rest
    const part = g.where(g.emit('Equal', [view, y]), rest, 0)
    rest = g.sub(rest, part)
    return part
  })
  return [untaps(g, parts, x, window)]
})

/** The cotangent goes to the first maximum of each channel. */
const GlobalMaxPool: VjpRule = single((g, node, c) => {
  const x = node.input[0]!
  const [n, channels, ...sizes] = g.dims(x)
  const pixels = (sizes as number[]).reduce((a, b) => a * b, 1)
  const flat = g.reshape(x, [n!, channels!, pixels])
  const index = g.emit('ArgMax', [flat], { axis: 2, keepdims: 1 })
  const hit = g.emit('Equal', [index, g.integers(Array.from({ length: pixels }, (_, i) => i))])
  return [g.reshapeLike(g.where(hit, g.reshape(c, [n!, channels!, 1]), 0), x)]
})

export const POOLING: Record<string, VjpRule> = { MaxPool, GlobalMaxPool }
