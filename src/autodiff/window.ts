/** Windows sliding over the spatial axes of [N, C, ...]: taking them apart into strided views, and its transpose. */
import type { Dim } from '../onnx/valueInfo.js'
import type { GraphBuilder, Value } from './builder.js'

/** One spatial axis: output i covers the elements i stride + k dilation - before, k < kernel. */
export interface Axis {
  readonly size: number
  readonly kernel: number
  readonly stride: number
  readonly dilation: number
  readonly before: number
  readonly outputs: number
}

/** Elements of the padded axis that the windows reach. */
export const reach = (a: Axis) => (a.outputs - 1) * a.stride + (a.kernel - 1) * a.dilation + 1

/** All offsets inside a window in row-major order, the order in which PyTorch looks for the maximum. */
function offsets(window: readonly Axis[]): number[][] {
  return window.reduce<number[][]>(
    (found, axis) => found.flatMap((o) => Array.from({ length: axis.kernel }, (_, k) => [...o, k])),
    [[]],
  )
}

/** Pads or cuts (negative sizes) the spatial axes. */
export function padSpatial(g: GraphBuilder, value: Value, before: number[], after: number[], fill: number): Value {
  return g.pad(value, [0, 0, ...before], [0, 0, ...after], fill)
}

/** For each offset inside the windows, the elements of x that lie there: strided views of one element per window. */
export function taps(g: GraphBuilder, x: Value, window: readonly Axis[], fill: number): Value[] {
  const after = window.map((a) => Math.max(0, reach(a) - a.size - a.before))
  const padded = padSpatial(
    g,
    x,
    window.map((a) => a.before),
    after,
    fill,
  )
  const axes = window.map((_, i) => i + 2)
  return offsets(window).map((offset) => {
    const starts = window.map((a, i) => offset[i]! * a.dilation)
    const ends = window.map((a, i) => starts[i]! + (a.outputs - 1) * a.stride + 1)
    return g.slice(
      padded,
      axes,
      starts,
      ends,
      window.map((a) => a.stride),
    )
  })
}

/**
 * The transpose of `taps`: each part is added back at its offset inside the windows, giving [N, C, sizes of the axes].
 * Parts that land on the same residues modulo the strides ("phases") are shifted and summed; the phases then interleave
 * into the padded frame, which is cut to x. Windows that do not overlap need no sum. No ScatterElements: that is slower
 * on a CPU and not reproducible on a GPU.
 */
export function untaps(
  g: GraphBuilder,
  parts: readonly Value[],
  [n, channels]: readonly Dim[],
  window: readonly Axis[],
): Value {
  const last = window.map((a) => Math.floor(((a.kernel - 1) * a.dilation) / a.stride))
  const phases = new Map<string, Value>()
  for (const [i, offset] of offsets(window).entries()) {
    const position = window.map((a, j) => offset[j]! * a.dilation)
    const shift = window.map((a, j) => Math.floor(position[j]! / a.stride))
    const phase = window.map((a, j) => position[j]! % a.stride).join()
    const moved = padSpatial(
      g,
      parts[i]!,
      shift,
      shift.map((t, j) => last[j]! - t),
      0,
    )
    const sofar = phases.get(phase)
    phases.set(phase, sofar === undefined ? moved : g.add(sofar, moved))
  }
  const counts = window.map((a, i) => a.outputs + last[i]!)
  const full = interleave(
    g,
    phases,
    window.map((a) => a.stride),
    [n!, channels!, ...counts],
  )
  const excess = window.map((a, i) => a.size + a.before - counts[i]! * a.stride)
  return padSpatial(
    g,
    full,
    window.map((a) => -a.before),
    excess,
    0,
  )
}

/** Phase "q,r" of sizes `dims` goes to the positions (i stride + q, j stride + r), zeros where there is none. */
export function interleave(
  g: GraphBuilder,
  phases: ReadonlyMap<string, Value>,
  strides: readonly number[],
  dims: readonly Dim[],
): Value {
  const any: Value = phases.values().next().value!
  const lead = dims.length - strides.length
  const zeros = () => g.emit('Expand', [g.scalar(0, any), g.emit('Shape', [any])])
  const join = (fixed: readonly number[]): Value => {
    const i = fixed.length
    if (i === strides.length) return phases.get(fixed.join()) ?? zeros()
    const parts = Array.from({ length: strides[i]! }, (_, q) => join([...fixed, q]))
    if (parts.length === 1) return parts[0]!
    const axis = lead + i + 1
    const stacked = g.emit(
      'Concat',
      parts.map((p) => g.unsqueeze(p, [axis])),
      { axis },
    )
    return g.reshape(
      stacked,
      dims.map((dim, j) => (j < lead ? 0 : j < lead + i ? dim! : dim! * strides[j - lead]!)),
    )
  }
  return join([])
}

/** Padding before an axis where `auto_pad` shares out `total`: the odd element goes after (upper) or before (lower). */
export function autoPad(mode: string, total: number): number {
  if (mode === 'SAME_UPPER') return Math.floor(Math.max(total, 0) / 2)
  return mode === 'SAME_LOWER' ? Math.ceil(Math.max(total, 0) / 2) : 0
}
