/** Where the batch of a model of one picture is in its values, though its size of 1 shows nowhere. */
import type { Graph } from '../onnx/model.js'
import { intAttribute, intsAttribute, type NodeProto } from '../onnx/node.js'
import { type Sizes, volume } from './inferSizes.js'

/** The axis that grows with the batch, and how many elements of it come before the batch: places of [places x batch, channels]. */
export interface Place {
  readonly axis: number
  readonly outer: number
}

/** What is known of the values, for one picture; `list` gives the elements of a constant. */
interface Known {
  readonly sizes: ReadonlyMap<string, Sizes>
  list(value: string): readonly number[] | undefined
}

/**
 * Where elements that `before` others precede lie in the shape `sizes`: at an axis of 1 that begins there; else the batch grows the
 * axis that begins there, or as the last one is left to channels, the one before it; else it lies within an axis.
 */
function placeIn(sizes: Sizes, before: number): Place | undefined {
  const starts = sizes.map((_, axis) => volume(sizes.slice(0, axis)))
  const exact = starts.flatMap((start, axis) => (start === before ? [axis] : []))
  const single = exact.find((axis) => sizes[axis] === 1)
  const axis = single ?? exact.filter((one) => one === 0 || one < sizes.length - 1).at(-1)
  if (axis !== undefined) return { axis, outer: 1 }
  const within = starts.findLastIndex((start) => start < before)
  return within < 0 || before % starts[within]! !== 0 ? undefined : { axis: within, outer: before / starts[within]! }
}

/** The axis of the output that `axis` of an input of `rank` becomes; undefined where it is lost. */
function carried(
  node: NodeProto,
  axis: number,
  rank: number,
  made: number,
  { sizes, list }: Known,
): number | undefined {
  const positive = (axes: readonly number[], of: number) => axes.map((one) => (one + of) % of)
  switch (node.opType) {
    case 'Transpose':
      return intsAttribute(node, 'perm')?.indexOf(axis) ?? rank - 1 - axis
    case 'Squeeze': {
      const axes = positive(list(node.input[1] ?? '') ?? [], rank)
      return axis - axes.filter((one) => one < axis).length
    }
    case 'Unsqueeze': {
      const axes = positive(list(node.input[1] ?? '') ?? [], made)
      return Array.from({ length: made }, (_, i) => i).filter((i) => !axes.includes(i))[axis]
    }
    case 'Gather': {
      const along = (intAttribute(node, 'axis', 0) + rank) % rank
      return axis < along ? axis : axis + (sizes.get(node.input[1]!)?.length ?? 1) - 1
    }
    default:
      // Aligned to the right, as broadcasting does.
      return axis + made - rank
  }
}

function placeOf(node: NodeProto, place: Place, from: Sizes, made: Sizes, known: Known): Place | undefined {
  // A Gather along the batch is a view of all elements, or leaves no batch.
  const isView = node.opType === 'Gather' && intAttribute(node, 'axis', 0) === place.axis
  if (node.opType === 'Reshape' || node.opType === 'Flatten' || isView)
    return placeIn(made, volume(from.slice(0, place.axis)) * place.outer)
  const axis = carried(node, place.axis, from.length, made.length, known)
  return axis !== undefined && axis >= 0 && axis < made.length ? { axis, outer: place.outer } : undefined
}

/** The place of the batch in every value that depends on `input`, its first axis where it gets lost on the way. */
export function batchPlaces({ nodes }: Graph, input: string, known: Known): ReadonlyMap<string, Place> {
  const first = { axis: 0, outer: 1 }
  const places = new Map<string, Place>([[input, first]])
  for (const node of nodes) {
    const source = node.input.find((value) => places.has(value))
    if (source === undefined) continue
    for (const output of node.output) {
      const [from, made] = [known.sizes.get(source) ?? [], known.sizes.get(output) ?? []]
      places.set(output, placeOf(node, places.get(source)!, from, made, known) ?? first)
    }
  }
  return places
}
