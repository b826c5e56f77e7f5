/** Positions of blocked values. */
import type { Value } from '../../autodiff/builder.js'
import { BLOCKED } from '../../onnx/node.js'
import { DataType } from '../../onnx/tensor.js'
import type { Layouts, Sizes } from './layouts.js'

/** Along one axis, element i is element start + step i of the value, and 0 outside it. */
export interface Picked {
  readonly start: number
  readonly step: number
  readonly count: number
}

/** A longer kernel does more than it saves. */
const LONGEST = 4

/**
 * Some rows and columns of a blocked float32 value, which must be finite: a convolution of each channel by a kernel of one 1. Pad and
 * a Slice with steps are the work of one thread in onnxruntime. Null where the kernel would be long, or there is nothing to do.
 */
export function picked(l: Layouts, x: Value, [, c, h, w]: Sizes, axes: readonly [Picked, Picked]): Value | null {
  const { g } = l
  if (g.dtype(x) !== DataType.FLOAT || axes.some(({ count }) => count < 1)) return null
  const along = axes.map(({ start, step, count }, i) => {
    const size = [h, w][i]!
    const before = Math.max(0, -start)
    const after = Math.max(0, start + (count - 1) * step + 1 - size)
    return { before, after, step, at: start + before, length: size + before + after - (count - 1) * step }
  })
  const [rows, columns] = along as [(typeof along)[number], (typeof along)[number]]
  if (along.every(({ before, after, step, length }) => before + after === 0 && step === 1 && length === 1)) return x
  if (along.some(({ length }) => length > LONGEST)) return null
  const channels = l.filled(c)
  // As the kernel takes it: [C / B, rows, columns, B].
  const taps = Array.from({ length: rows.length * columns.length }, (_, i) =>
    Number(i === rows.at * columns.length + columns.at),
  )
  const kernel = Array.from({ length: channels / l.block }, () =>
    taps.flatMap((tap) => Array<number>(l.block).fill(tap)),
  )
  const filters = g.constant(g.dtype(x), kernel.flat(), [channels, 1, rows.length, columns.length])
  return g.emitOf(BLOCKED, 'Conv', [x, filters], {
    kernel_shape: along.map(({ length }) => length),
    strides: along.map(({ step }) => step),
    pads: [...along.map(({ before }) => before), ...along.map(({ after }) => after)],
    group: channels,
  })
}
