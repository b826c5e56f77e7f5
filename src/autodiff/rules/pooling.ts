import { intAttribute, intsAttribute, type NodeProto, stringAttribute } from '../../onnx/node.js'
import { overPixels } from '../broadcast.js'
import type { GraphBuilder, Value } from '../builder.js'
import { single, unary, type VjpRule } from '../rule.js'
import { type Axis, autoPad, padSpatial, reach, taps, untaps } from '../window.js'

function windowOf(g: GraphBuilder, node: NodeProto): Axis[] {
  const sizes = g.sizes(node.input[0]!, 2)
  const outputs = g.sizes(node.output[0]!, 2)
  const pads = intsAttribute(node, 'pads')
  const mode = stringAttribute(node, 'auto_pad', 'NOTSET')
  return sizes.map((size, i) => {
    const axis = {
      size,
      kernel: intsAttribute(node, 'kernel_shape')![i]!,
      stride: intsAttribute(node, 'strides')?.[i] ?? 1,
      dilation: intsAttribute(node, 'dilations')?.[i] ?? 1,
      outputs: outputs[i]!,
      before: 0,
    }
    return { ...axis, before: mode === 'NOTSET' ? (pads?.[i] ?? 0) : autoPad(mode, reach(axis) - size) }
  })
}

/** An axis along which nothing is pooled. */
const still = (size: number): Axis => ({ size, kernel: 1, stride: 1, dilation: 1, before: 0, outputs: size })

/** Largest elements of x in windows of the given axes, which may leave fewer outputs than there would be room for. */
function maxima(g: GraphBuilder, x: Value, window: readonly Axis[]): Value {
  const after = window.map((a) => Math.max(0, reach(a) - a.size - a.before))
  // A runtime takes less padding than the kernel is long.
  const excess = window.map((a, i) => Math.max(0, after[i]! - a.kernel + 1))
  const pooled = g.emit(
    'MaxPool',
    [
      padSpatial(
        g,
        x,
        window.map(() => 0),
        excess,
        Number.NEGATIVE_INFINITY,
      ),
    ],
    {
      kernel_shape: window.map((a) => a.kernel),
      strides: window.map((a) => a.stride),
      dilations: window.map((a) => a.dilation),
      pads: [...window.map((a) => a.before), ...after.map((p, i) => p - excess[i]!)],
    },
  )
  const room = window.map((a, i) => a.size + a.before + after[i]! - (a.kernel - 1) * a.dilation)
  const cut = window.map((a, i) => a.outputs - Math.ceil(room[i]! / a.stride))
  return padSpatial(
    g,
    pooled,
    window.map(() => 0),
    cut,
    0,
  )
}

/**
 * Each output's cotangent goes to the first maximum of its window in row-major order, found one axis at a time: the first
 * row that has the maximum, then the first element of it. In `rest` the earlier ones are gone already, so in place of an
 * element may stand the largest up to it, which pooling finds faster than a strided view reads the element; but a runtime
 * refuses windows of nothing but padding. A product with the mask reads less memory than onnxruntime's Where.
 */
const MaxPool: VjpRule = single((g, node, c) => {
  const x = node.input[0]!
  const window = windowOf(g, node)
  let [arriving, largest] = [c, node.output[0]!]
  for (const [i, axis] of window.entries()) {
    // Earlier axes are resolved, later ones still pooled.
    const around = (a: Axis) => window.map((b, j) => (j < i ? still(b.size) : j === i ? a : b))
    const lines = i === window.length - 1 ? x : maxima(g, x, around(still(axis.size)))
    const along = window.map((b, j) => (j === i ? axis : still(j < i ? b.size : b.outputs)))
    const views = taps(g, lines, along, Number.NEGATIVE_INFINITY)
    let rest = arriving
    const parts = views.map((view, k) => {
      // Whatever no earlier element of the window has taken belongs to the last one.
      if (k === views.length - 1) return rest
      const upTo = k < axis.before ? view : maxima(g, x, around({ ...axis, kernel: k + 1 }))
      const part = g.mul(rest, g.cast(g.emit('Equal', [upTo, largest]), g.dtype(rest)))
      rest = g.sub(rest, part)
      return part
    })
    arriving = untaps(g, parts, g.dims(x), along)
    largest = lines
  }
  return [arriving]
})

/** Sends each window's value in `c` to every element of the window: the transpose of a sum over windows. */
function spread(g: GraphBuilder, c: Value, x: Value, window: readonly Axis[]): Value {
  const before = window.map((a) => a.kernel - 1 - a.before)
  const after = window.map((a, i) => a.size + a.kernel - 1 - a.outputs - before[i]!)
  const isDense = window.every((a) => a.stride === 1 && a.dilation === 1)
  if (isDense && [...before, ...after].every((p, i) => p >= 0 && p < window[i % window.length]!.kernel)) {
    // With stride 1 it is a sum over mirrored windows, and pooling is the fastest way to sum.
    const kernel = window.map((a) => a.kernel)
    const attributes = { kernel_shape: kernel, pads: [...before, ...after], count_include_pad: 1 }
    return g.mul(
      g.emit('AveragePool', [c], attributes),
      kernel.reduce((a, b) => a * b),
    )
  }
  const count = window.reduce((product, a) => product * a.kernel, 1)
  return untaps(g, Array(count).fill(c), g.dims(x), window)
}

/** How many elements each window of an axis averages over. */
function counts(axis: Axis, after: number, includesPads: boolean): number[] {
  const low = includesPads ? -axis.before : 0
  const high = axis.size + (includesPads ? after : 0)
  return Array.from({ length: axis.outputs }, (_, i) => {
    const at = Array.from({ length: axis.kernel }, (_, k) => i * axis.stride + k * axis.dilation - axis.before)
    return at.filter((p) => p >= low && p < high).length
  })
}

/** Each output is a mean: its cotangent, divided by how many elements that was, goes to all of them. */
const AveragePool: VjpRule = single((g, node, c) => {
  const x = node.input[0]!
  const window = windowOf(g, node)
  const includesPads = intAttribute(node, 'count_include_pad', 0) === 1
  const pads = intsAttribute(node, 'pads')
  const perAxis = window.map((a, i) =>
    counts(a, pads?.[window.length + i] ?? Math.max(0, reach(a) - a.size - a.before), includesPads),
  )
  const divisors = perAxis.reduce((grid, axis) => grid.flatMap((a) => axis.map((b) => a * b)), [1])
  const isEven = divisors.every((d) => d === divisors[0])
  const divisor = isEven
    ? divisors[0]!
    : g.constant(
        g.dtype(c),
        divisors,
        window.map((a) => a.outputs),
      )
  return [spread(g, g.div(c, divisor), x, window)]
})

/** c y^(1 - p) |x|^(p - 1) sign x, spread over the windows where y = (sum |x|^p)^(1/p); 0 where y is. */
function powerMean(g: GraphBuilder, c: Value, x: Value, y: Value, p: number, toInput: (value: Value) => Value): Value {
  const isZero = g.emit('Equal', [y, 0])
  const scaled = g.where(isZero, 0, g.mul(c, g.emit('Pow', [g.where(isZero, 1, y), 1 - p])))
  const slope = g.mul(g.emit('Pow', [g.emit('Abs', [x]), p - 1]), g.emit('Sign', [x]))
  return g.mul(toInput(scaled), slope)
}

const LpPool: VjpRule = unary((g, c, x, y, node) =>
  powerMean(g, c, x, y, intAttribute(node, 'p', 2), (value) => spread(g, value, x, windowOf(g, node))),
)

const GlobalLpPool: VjpRule = unary((g, c, x, y, node) =>
  powerMean(g, c, x, y, intAttribute(node, 'p', 2), (value) => value),
)

/** The mean over all pixels: c / pixels to each. */
const GlobalAveragePool: VjpRule = unary((g, c, x) => overPixels(g, 'AveragePool', c, g.sizes(x, 2)))

/** The cotangent goes to the first maximum of each channel. */
const GlobalMaxPool: VjpRule = unary((g, c, x) => {
  const pixels = g.sizes(x, 2).reduce((a, b) => a * b, 1)
  const lead = g.dims(x).slice(0, 2)
  const index = g.emit('ArgMax', [g.reshape(x, [...lead, pixels])], { axis: 2, keepdims: 1 })
  const hit = g.emit('Equal', [index, g.integers(Array.from({ length: pixels }, (_, i) => i))])
  return g.reshapeLike(g.where(hit, g.reshape(c, [...lead, 1]), 0), x)
})

export const POOLING: Record<string, VjpRule> = {
  MaxPool,
  AveragePool,
  LpPool,
  GlobalAveragePool,
  GlobalMaxPool,
  GlobalLpPool,
}
