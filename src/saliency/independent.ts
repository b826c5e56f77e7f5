/**
 * Whether the pictures of a batch keep apart in a graph, told by its operators alone. Every value that depends on a picture has
 * one open axis, which holds `rows` for each picture: `outer` times the pictures one after the other. An operator keeps them
 * apart if it treats that axis as one to repeat along. Whatever is not in the table counts as mixing them.
 */
import type { Model } from '../onnx/model.js'
import { intAttribute, intsAttribute, isStandard, type NodeProto, stringAttribute } from '../onnx/node.js'
import { numbers } from '../onnx/tensor.js'
import type { Dim, ValueType } from '../onnx/valueInfo.js'
import { FIRST, SECOND } from './probe.js'

/** Where the pictures of a value lie: along an axis of `rows` each, in `outer` turns. */
interface Place {
  readonly axis: number
  readonly rows: number
  readonly outer: number
}

interface View {
  readonly node: NodeProto
  /** Of each input that depends on a picture. */
  readonly places: readonly (Place | undefined)[]
  dims(value: string): readonly Dim[]
  /** The elements of an input that is a weight; undefined where it is none. */
  list(index: number): readonly number[] | undefined
}

/** At which axis the pictures are then in the outputs; null where they are mixed. */
type Rule = (view: View) => number | null

const product = (dims: readonly Dim[]) => dims.reduce<number>((a, b) => a * (b ?? 1), 1)

/** The axis of an input counted from the end, for shapes that are aligned there. */
const fromEnd = ({ node, places, dims }: View, i: number) => places[i]!.axis - dims(node.input[i]!).length

/** Pictures side by side in all inputs that have them, at the same axis from the end. */
const aligned: Rule = (view) => {
  const with_ = view.places.flatMap((place, i) => (place ? [i] : []))
  const [first] = with_ as [number]
  const at = fromEnd(view, first)
  const { rows, outer } = view.places[first]!
  const isSame = with_.every(
    (i) => fromEnd(view, i) === at && view.places[i]!.rows === rows && view.places[i]!.outer === outer,
  )
  return isSame ? at + view.dims(view.node.output[0]!).length : null
}

/** Only the first input depends on pictures. */
const alone = ({ places }: View) => places[0] !== undefined && places.slice(1).every((place) => !place)

/** Pictures along the first axis of data that comes with weights. */
const first: Rule = (view) => (alone(view) && view.places[0]!.axis === 0 ? 0 : null)

const normal = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis)
const rankOf = ({ node, dims }: View, i = 0) => dims(node.input[i]!).length

/** An operator that works along the axis `name`. */
const along =
  (name: string, fallback: number): Rule =>
  (view) => {
    const axis = normal(intAttribute(view.node, name, fallback), rankOf(view))
    return alone(view) && axis !== view.places[0]!.axis ? view.places[0]!.axis : null
  }

/** One that works along all axes from `axis` on. */
const trailing: Rule = (view) =>
  alone(view) && normal(intAttribute(view.node, 'axis', -1), rankOf(view)) > view.places[0]!.axis
    ? view.places[0]!.axis
    : null

/** Elements in the order they have: what comes before the pictures must be as much as it was. */
const reshaped: Rule = (view) => {
  const axis = view.dims(view.node.output[0]!).indexOf(null)
  return alone(view) && axis >= 0 && Number.isInteger(turns(view, axis)) ? axis : null
}

/** How many turns a reshaped axis has: all that came before the pictures, less what has axes of its own. */
function turns({ node, places, dims }: View, axis: number): number {
  const { axis: from, outer } = places[0]!
  const before = product(dims(node.input[0]!).slice(0, from)) * outer
  return before / product(dims(node.output[0]!).slice(0, axis))
}

const reduced: Rule = (view) => {
  const axes = (intsAttribute(view.node, 'axes') ?? view.list(1))?.map((axis) => normal(axis, rankOf(view)))
  const { axis } = view.places[0]!
  if (!alone(view) || !axes?.length || axes.includes(axis)) return null
  return intAttribute(view.node, 'keepdims', 1) ? axis : axis - axes.filter((a) => a < axis).length
}

const MatMul: Rule = (view) => {
  const [a, b] = view.places
  const ranks = [0, 1].map((i) => rankOf(view, i))
  if (ranks.includes(1)) return null
  const rank = Math.max(...ranks)
  const isBatch = (i: number) => view.places[i]!.axis < ranks[i]! - 2
  if (a && b) return isBatch(0) && isBatch(1) ? aligned(view) : null
  const i = a ? 0 : 1
  const isFree = isBatch(i) || view.places[i]!.axis === ranks[i]! - (a ? 2 : 1)
  return isFree ? view.places[i]!.axis + rank - ranks[i]! : null
}

const Slice: Rule = (view) => {
  const starts = view.list(1)
  const axes = view.node.input[3] ? view.list(3) : starts?.map((_, i) => i)
  const isOff = axes?.every((axis) => normal(axis, rankOf(view)) !== view.places[0]!.axis)
  return alone(view) && isOff ? view.places[0]!.axis : null
}

const CumSum: Rule = (view) => {
  const [along] = view.list(1) ?? []
  const { axis } = view.places[0] ?? {}
  return alone(view) && along !== undefined && normal(along, rankOf(view)) !== axis ? axis! : null
}

const Pad: Rule = (view) => {
  const [pads, { axis }] = [view.list(1), view.places[0]!]
  const isOff = pads && !view.node.input[3] && pads[axis] === 0 && pads[axis + pads.length / 2] === 0
  return alone(view) && isOff ? axis : null
}

const Gather: Rule = (view) => {
  const axis = normal(intAttribute(view.node, 'axis', 0), rankOf(view))
  const place = view.places[0]?.axis
  if (!alone(view) || place === axis) return null
  return place! < axis ? place! : place! + rankOf(view, 1) - 1
}

const GatherND: Rule = (view) => {
  const [{ axis }, depth] = [view.places[0] ?? { axis: -1 }, view.dims(view.node.input[1]!).at(-1) ?? null]
  if (!alone(view) || depth === null || axis < depth || intAttribute(view.node, 'batch_dims', 0) > 0) return null
  return axis - depth + rankOf(view, 1) - 1
}

const Transpose: Rule = ({ node, places }) => {
  const perm = intsAttribute(node, 'perm')
  return perm ? perm.indexOf(places[0]!.axis) : null
}

const Concat: Rule = (view) => {
  const axis = normal(intAttribute(view.node, 'axis', 0), rankOf(view))
  return view.places.every((place) => place && place.axis !== axis) ? aligned(view) : null
}

const Einsum: Rule = (view) => {
  const [left, right] = stringAttribute(view.node, 'equation', '').replaceAll(' ', '').split('->')
  const terms = left!.split(',')
  const letters = new Set(view.places.flatMap((place, i) => (place ? [terms[i]![place.axis]!] : [])))
  const [letter] = letters
  if (right === undefined || left!.includes('.') || letters.size !== 1) return null
  const isOwn = terms.every((term, i) => view.places[i] || !term.includes(letter!))
  const kinds = new Set(view.places.flatMap((place) => (place ? [`${place.rows}/${place.outer}`] : [])))
  return isOwn && kinds.size === 1 ? right.indexOf(letter!) : null
}

const everyFirst: Rule = (view) => (view.places.every((place) => !place || place.axis === 0) ? aligned(view) : null)

const named = (names: string, rule: Rule) => names.split(' ').map((name) => [name, rule] as const)

const TABLE: ReadonlyMap<string, Rule> = new Map([
  ...named('Add Sub Mul Div Pow Min Max Sum Mean Where Clip PRelu Mod Equal Greater GreaterOrEqual Less', aligned),
  ...named('LessOrEqual And Or Xor Not Sign Floor Ceil Round IsNaN IsInf Neg Abs Reciprocal Sqrt Exp Log', aligned),
  ...named('Erf Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Relu LeakyRelu Elu Selu Celu Gelu Sigmoid Softplus', aligned),
  ...named('Softsign HardSigmoid HardSwish Mish ThresholdedRelu Swish Identity Cast CastLike Shrink Dropout', aligned),
  ['Expand', aligned],
  ...named(
    'Conv ConvTranspose MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool InstanceNormalization',
    first,
  ),
  ...named('GroupNormalization LRN DepthToSpace SpaceToDepth Col2Im Resize RotaryEmbedding', first),
  ...named('Softmax LogSoftmax Hardmax', along('axis', -1)),
  ...named('LayerNormalization RMSNormalization', trailing),
  ...named('ReduceMean ReduceSum ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceProd ReduceLogSumExp', reduced),
  ...named('ReduceSumSquare ReduceLogSum', reduced),
  ...named('Reshape Flatten Squeeze Unsqueeze', reshaped),
  ['Split', along('axis', 0)],
  ['Gemm', (view) => (intAttribute(view.node, 'transA', 0) === 0 ? first(view) : null)],
  ['BatchNormalization', (view) => (intAttribute(view.node, 'training_mode', 0) === 0 ? first(view) : null)],
  ['GridSample', everyFirst],
  ['Attention', (view) => (view.places.slice(0, 3).every(Boolean) ? everyFirst(view) : null)],
  ...Object.entries({ MatMul, Slice, Pad, Gather, GatherND, CumSum, Transpose, Concat, Einsum }),
])

/** The place of pictures in a value of such a type: undefined where it is not one open axis of as many rows for each. */
export function placeOf(type: ValueType | undefined): Place | undefined {
  if (!type?.counts || type.dims.filter((dim) => dim === null).length !== 1) return undefined
  const inner = product(type.dims)
  const [rows, again] = [type.counts[0] / inner / FIRST.batch, type.counts[1] / inner / SECOND.batch]
  return rows === again && Number.isInteger(rows) ? { axis: type.dims.indexOf(null), rows, outer: 1 } : undefined
}

/** Whether every picture of a batch gets in `output` what it would get alone. False where the operators do not tell. */
export function isIndependent({ graph }: Model, types: ReadonlyMap<string, ValueType>, output: string): boolean {
  const input = graph.inputs[0]!.name
  const places = new Map<string, Place>()
  const whole = placeOf(types.get(input))
  if (graph.inputs.length !== 1 || whole?.axis !== 0 || whole.rows !== 1) return false
  places.set(input, whole)
  const sizes = new Set<string>()
  for (const node of graph.nodes) {
    const dependent = node.input.filter((value) => places.has(value))
    const isSize = node.opType === 'Shape' || node.opType === 'Size'
    if (!isStandard(node)) return false
    const made = node.output.filter((value) => value !== '')
    if (isSize || (dependent.length === 0 && node.input.some((value) => sizes.has(value)))) {
      // Copies of what is the same for all are one for each picture.
      const copies = node.opType === 'Expand' && !sizes.has(node.input[0]!) ? placeOf(types.get(made[0]!)) : undefined
      if (copies) places.set(made[0]!, copies)
      else for (const value of made) sizes.add(value)
      continue
    }
    if (dependent.length === 0) continue
    const found = ruled(node, graph, types, places, sizes)
    for (const value of made) {
      const place = placeOf(types.get(value))
      if (!found || place?.axis !== found.axis || !Number.isInteger(place.rows / found.outer)) return false
      if (found.rows !== undefined && found.rows !== place.rows) return false
      places.set(value, { ...place, outer: found.outer })
    }
  }
  const found = places.get(output)
  return found?.axis === 0 && found.rows === 1
}

/** Where operators take a shape. */
const SHAPES: Readonly<Record<string, number>> = { Reshape: 1, Expand: 1, Resize: 3 }

function ruled(
  node: NodeProto,
  { initializers }: Model['graph'],
  types: ReadonlyMap<string, ValueType>,
  places: ReadonlyMap<string, Place>,
  sizes: ReadonlySet<string>,
): (Pick<Place, 'axis' | 'outer'> & { readonly rows?: number }) | null {
  const rule = TABLE.get(node.opType)
  if (!rule || node.input.some((value, i) => sizes.has(value) && i !== SHAPES[node.opType])) return null
  const view: View = {
    node,
    places: node.input.map((value) => places.get(value)),
    dims: (value) => types.get(value)?.dims ?? [],
    list: (index) => {
      const tensor = initializers.get(node.input[index] ?? '')
      return tensor && numbers(tensor)
    },
  }
  const axis = rule(view)
  if (axis === null) return null
  return rule === reshaped ? { axis, outer: turns(view, axis) } : { ...view.places.find(Boolean)!, axis }
}
