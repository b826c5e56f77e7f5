import { intAttribute, stringAttribute } from '../../onnx/node.js'
import { DataType } from '../../onnx/tensor.js'
import type { GraphBuilder, Value } from '../builder.js'
import type { Expansion } from '../expansion.js'

/** A pixel that a point is made of along one axis: its place (a whole number, maybe outside) and its share. */
interface Tap {
  readonly place: Value
  readonly share: Value
}

/** One axis of the picture, and how what lies outside it is seen. */
interface Side {
  readonly size: number
  readonly isAligned: boolean
  readonly padding: string
}

/** Places folded back into the picture at its edges: the corners' centres if they are aligned, else their outer edges. */
function reflected(g: GraphBuilder, place: Value, { size, isAligned }: Side): Value {
  const [low, high] = isAligned ? [0, size - 1] : [-0.5, size - 0.5]
  const span = high - low
  if (span === 0) return g.mul(place, 0)
  const fromLow = g.emit('Abs', [g.sub(place, low)])
  const phase = g.emit('Mod', [fromLow, g.scalar(2 * span, place)], { fmod: 1 })
  return g.sub(high, g.emit('Abs', [g.sub(phase, span)]))
}

const clamped = (g: GraphBuilder, place: Value, size: number) => g.emit('Clip', [place, 0, size - 1])

/** Places as the padding sees them; with zeros they stay outside. */
function padded(g: GraphBuilder, place: Value, side: Side): Value {
  if (side.padding === 'zeros') return place
  return clamped(g, side.padding === 'reflection' ? reflected(g, place, side) : place, side.size)
}

/** Keys' cubic convolution with a = -3/4, for pixels at distances 1 + t, t, 1 - t and 2 - t. */
function cubicShares(g: GraphBuilder, t: Value): Value[] {
  const a = -0.75
  const near = (s: Value) => g.add(g.mul(g.mul(g.sub(g.mul(s, a + 2), a + 3), s), s), 1)
  const far = (s: Value) => g.sub(g.mul(g.add(g.mul(g.sub(g.mul(s, a), 5 * a), s), 8 * a), s), 4 * a)
  const rest = g.sub(1, t)
  return [far(g.add(t, 1)), near(t), near(rest), far(g.add(rest, 1))]
}

/** The pixels for coordinates of -1 to 1 along one axis. */
function tapsOf(g: GraphBuilder, coordinate: Value, mode: string, side: Side): Tap[] {
  const { size, isAligned } = side
  const moved = g.add(coordinate, 1)
  const raw = isAligned ? g.mul(moved, (size - 1) / 2) : g.sub(g.mul(moved, size / 2), 0.5)
  const place = mode === 'cubic' ? raw : padded(g, raw, side)
  if (mode === 'nearest') {
    const nearest = g.emit('Round', [place])
    return [{ place: nearest, share: g.add(g.mul(nearest, 0), 1) }]
  }
  const floor = g.emit('Floor', [place])
  const t = g.sub(place, floor)
  if (mode === 'linear')
    return [
      { place: floor, share: g.sub(1, t) },
      { place: g.add(floor, 1), share: t },
    ]
  return cubicShares(g, t).map((share, i) => ({ place: padded(g, g.add(floor, i - 1), side), share }))
}

/** `tap` with a place inside, and with a share of 0 if it was outside. */
function inside(g: GraphBuilder, { place, share }: Tap, size: number): Tap {
  const low = g.emit('GreaterOrEqual', [place, g.scalar(0, place)])
  const high = g.emit('LessOrEqual', [place, g.scalar(size - 1, place)])
  return { place: clamped(g, place, size), share: g.where(g.emit('And', [low, high]), share, 0) }
}

/** The value of each point where the taps of all axes cross: index and share. */
function crossed(g: GraphBuilder, axes: readonly (readonly Tap[])[], sizes: readonly number[]): Tap[] {
  return axes.reduce((lead, taps, axis) =>
    lead.flatMap((a) =>
      taps.map((b) => ({
        place: g.add(g.mul(a.place, sizes[axis]!), b.place),
        share: g.mul(a.share, b.share),
      })),
    ),
  ) as Tap[]
}

/** Pictures [N, C, H, W] (or [N, C, D, H, W]) read at the points of a grid [N, P, Q, 2] (or [N, O, P, Q, 3]), last axis first. */
const GridSample: Expansion = (g, node) => {
  const [x, grid] = node.input as [Value, Value]
  const [sizes, wanted] = [g.sizes(x, 2), g.sizes(grid, 1).slice(0, -1)]
  const count = wanted.reduce((a, b) => a * b, 1)
  const named = stringAttribute(node, 'mode', 'linear')
  const mode = { bilinear: 'linear', bicubic: 'cubic' }[named] ?? named
  const isAligned = intAttribute(node, 'align_corners', 0) === 1
  const padding = stringAttribute(node, 'padding_mode', 'zeros')
  const points = g.reshape(grid, [0, 1, count, sizes.length])
  const axes = sizes.map((size, axis) => {
    const at = sizes.length - 1 - axis
    const coordinate = g.squeeze(g.slice(points, [3], [at], [at + 1]), [3])
    return tapsOf(g, coordinate, mode, { size, isAligned, padding }).map((tap) => inside(g, tap, size))
  })
  const pixels = g.reshape(x, [0, 0, sizes.reduce((a, b) => a * b, 1)])
  const shape = g.emit('Concat', [g.emit('Shape', [x], { end: 2 }), g.integers([count])], { axis: 0 })
  const parts = crossed(g, axes, sizes).map(({ place, share }) => {
    const index = g.emit('Expand', [g.cast(place, DataType.INT64), shape])
    return g.mul(g.emit('GatherElements', [pixels, index], { axis: 2 }), share)
  })
  return [g.reshape(parts.reduce(g.add), [0, 0, ...wanted])]
}

export const GRID_SAMPLE: Record<string, Expansion> = { GridSample }
