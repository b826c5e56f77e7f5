/** Windows sliding over the spatial axes of [N, C, ...]: taking them apart into strided views, and its transpose. */
import type { Dim } from '../onnx/valueInfo.js'
import type { GraphBuilder, Value } from './builder.js'
import { COMPOSITE } from './composite.js'

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

const STILL: Axis = { size: 1, kernel: 1, stride: 1, dilation: 1, before: 0, outputs: 1 }

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
  const axes = window.map((_, i) => i + 2)
  const strides = window.map((a) => a.stride)
  return offsets(window).map((offset) => {
    const at = window.map((a, i) => offset[i]! * a.dilation - a.before)
    // Only windows [first, last) have an element of x here, maybe none of them.
    const first = window.map((a, i) => Math.min(a.outputs, Math.max(0, Math.ceil(-at[i]! / a.stride))))
    const last = window.map((a, i) => Math.max(first[i]!, Math.min(a.outputs, Math.ceil((a.size - at[i]!) / a.stride))))
    const starts = window.map((a, i) => Math.max(0, at[i]! + first[i]! * a.stride))
    const ends = window.map((a, i) => starts[i]! + Math.max(0, (last[i]! - first[i]! - 1) * a.stride + 1))
    const inside = g.slice(x, axes, starts, ends, strides)
    return padSpatial(
      g,
      inside,
      first,
      window.map((a, i) => a.outputs - last[i]!),
      fill,
    )
  })
}

/**
 * The transpose of `taps`: each part is added back where its elements came from, giving [N, C, sizes of the axes].
 * Parts that land on the same residues modulo the strides ("phases") are shifted and summed; the phases then interleave.
 * Windows that do not overlap need no sum. No ScatterElements: that is slower on a CPU and not reproducible on a GPU.
 */
export function untaps(
  g: GraphBuilder,
  parts: readonly Value[],
  [n, channels]: readonly Dim[],
  window: readonly Axis[],
): Value {
  /** How many elements of a phase the windows reach and x has. */
  const counts = window.map((a) => {
    const reached = Math.floor(((a.kernel - 1) * a.dilation - a.before) / a.stride) + a.outputs
    return Math.min(Math.ceil(a.size / a.stride), reached)
  })
  const phases = new Map<string, Value>()
  for (const [i, offset] of offsets(window).entries()) {
    const at = window.map((a, j) => offset[j]! * a.dilation - a.before)
    const shift = window.map((a, j) => Math.floor(at[j]! / a.stride))
    // What lies beyond x altogether is lost.
    if (shift.some((t, j) => t >= counts[j]! || t + window[j]!.outputs <= 0)) continue
    const after = window.map((a, j) => counts[j]! - a.outputs - shift[j]!)
    const moved = padSpatial(g, parts[i]!, shift, after, 0)
    const phase = window.map((a, j) => at[j]! - shift[j]! * a.stride).join()
    const sofar = phases.get(phase)
    phases.set(phase, sofar === undefined ? moved : g.add(sofar, moved))
  }
  const strides = window.map((a) => a.stride)
  const full = interleave(g, phases, strides, [n!, channels!, ...counts])
  const nothing = window.map(() => 0)
  return padSpatial(
    g,
    full,
    nothing,
    window.map((a, i) => a.size - counts[i]! * a.stride),
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
  const lead = dims.length - strides.length
  if (g.composes && dims.length === 4 && lead === 2) {
    const places = offsets(strides.map((kernel) => ({ ...STILL, kernel })))
    const full = dims.map((dim, j) => (dim === null || j < lead ? dim : dim * strides[j - lead]!))
    const operands = places.map((place) => phases.get(place.join()) ?? null)
    return g.note(g.emitOf(COMPOSITE, 'Interleave', operands, { strides, sizes: dims.slice(1) as number[] }), full)
  }
  const join = (fixed: readonly number[]): Value | undefined => {
    const i = fixed.length
    if (i === strides.length) return phases.get(fixed.join())
    const parts = Array.from({ length: strides[i]! }, (_, q) => join([...fixed, q]))
    const any = parts.find((part) => part !== undefined)
    if (parts.length === 1 || any === undefined) return any
    const axis = lead + i + 1
    const rows = parts.map((part) => part && g.unsqueeze(part, [axis]))
    const zeros = rows.includes(undefined)
      ? g.emit('Expand', [g.scalar(0, any), g.emit('Shape', [rows.find((row) => row !== undefined)!])])
      : undefined
    const stacked = g.emit(
      'Concat',
      rows.map((row) => row ?? zeros!),
      { axis },
    )
    return g.reshape(
      stacked,
      dims.map((dim, j) => (j < lead ? 0 : j < lead + i ? dim! : dim! * strides[j - lead]!)),
    )
  }
  return join([])!
}

/** Padding before an axis where `auto_pad` shares out `total`: the odd element goes after (upper) or before (lower). */
export function autoPad(mode: string, total: number): number {
  if (mode === 'SAME_UPPER') return Math.floor(Math.max(total, 0) / 2)
  return mode === 'SAME_LOWER' ? Math.ceil(Math.max(total, 0) / 2) : 0
}
