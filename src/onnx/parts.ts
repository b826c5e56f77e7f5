/** Slices and elements that side by side make up a value, as one Split: what they give back is put together, not added up. */
import type { Model } from './model.js'
import { intAttribute, isStandard, makeNode, type NodeProto } from './node.js'
import { DataType, makeTensor, numbers } from './tensor.js'
import type { ValueType } from './valueInfo.js'

/** `count` elements of an axis from `start` on; an element alone may have lost its axis. */
interface Part {
  readonly node: NodeProto
  readonly axis: number
  readonly start: number
  readonly count: number
  readonly isElement: boolean
}

interface Typed {
  readonly model: Model
  readonly types: ReadonlyMap<string, ValueType>
}

type List = (value: string | undefined) => readonly number[] | undefined

/** Axis and first element of a Slice along one axis, or of a Gather of one element. */
function placeOf(node: NodeProto, list: List): [axis: number, start: number] | undefined {
  const [, first, , axes, steps] = node.input
  if (!isStandard(node) || (node.opType !== 'Gather' && node.opType !== 'Slice')) return undefined
  const starts = list(first)
  if (starts?.length !== 1) return undefined
  if (node.opType === 'Gather') return [intAttribute(node, 'axis', 0), starts[0]!]
  if (steps && list(steps)?.[0] !== 1) return undefined
  const axis = axes ? list(axes)?.[0] : 0
  return axis === undefined ? undefined : [axis, starts[0]!]
}

/** The part of its input that a node takes, if it is one. */
function partOf(node: NodeProto, types: Typed['types'], list: List): Part | undefined {
  const place = placeOf(node, list)
  const [from, made] = [node.input[0]!, node.output[0]!].map((value) => types.get(value)?.dims)
  if (!place || !from || !made || made.length > from.length) return undefined
  const [axis, start] = [place[0] < 0 ? place[0] + from.length : place[0], place[1]]
  const isElement = made.length < from.length
  const [size, count] = [from[axis], isElement ? 1 : made[axis]]
  if (typeof size !== 'number' || typeof count !== 'number') return undefined
  return { node, axis, start: Math.max(start < 0 ? start + size : start, 0), count, isElement }
}

/** Whether parts, in order, follow each other from the first element to the last. */
function isWhole(parts: readonly Part[], size: number): boolean {
  let end = 0
  for (const { start, count } of parts) {
    if (start !== end || count === 0) return false
    end += count
  }
  return end === size && parts.length > 1
}

/** The parts that make up a value, in order, for each such value and axis by the first node of them. */
function wholes({ model, types }: Typed): Map<NodeProto, readonly Part[]> {
  const { nodes, initializers } = model.graph
  const list: List = (value) => {
    const tensor = initializers.get(value ?? '')
    return tensor && numbers(tensor)
  }
  const found = new Map<string, Part[]>()
  for (const node of nodes) {
    const part = partOf(node, types, list)
    if (!part) continue
    const key = `${part.axis} ${node.input[0]}`
    found.set(key, [...(found.get(key) ?? []), part])
  }
  const whole = new Map<NodeProto, readonly Part[]>()
  for (const parts of found.values()) {
    const [{ node, axis }] = parts as [Part]
    const sorted = parts.toSorted((a, b) => a.start - b.start)
    if (isWhole(sorted, types.get(node.input[0]!)!.dims[axis]!)) whole.set(node, sorted)
  }
  return whole
}

/** The model with one Split for all parts of a value, and the types of its values. */
export function splitParts(typed: Typed): Typed {
  const { graph } = typed.model
  const types = new Map(typed.types)
  const initializers = new Map(graph.initializers)
  let made = 0
  const fresh = () => {
    let name = ''
    do name = `part_${made++}`
    while (types.has(name) || initializers.has(name))
    return name
  }
  const integers = (values: readonly number[]) => {
    const name = fresh()
    initializers.set(name, makeTensor(name, DataType.INT64, [values.length], values))
    types.set(name, { dtype: DataType.INT64, dims: [values.length] })
    return name
  }
  const split = (parts: readonly Part[]): NodeProto[] => {
    const [{ node, axis }] = parts as [Part]
    const squeezed: NodeProto[] = []
    const pieces = parts.map(({ node: { output }, isElement }) => {
      const [value] = output as [string]
      if (!isElement) return value
      const [piece, type] = [fresh(), types.get(value)!]
      types.set(piece, { ...type, dims: type.dims.toSpliced(axis, 0, 1) })
      squeezed.push(makeNode('Squeeze', [piece, integers([axis])], [value]))
      return piece
    })
    const sizes = integers(parts.map(({ count }) => count))
    return [makeNode('Split', [node.input[0]!, sizes], pieces, { axis }), ...squeezed]
  }
  const whole = wholes(typed)
  const parts = new Set([...whole.values()].flatMap((all) => all.map(({ node }) => node)))
  const nodes = graph.nodes.flatMap((node) => {
    const all = whole.get(node)
    return all ? split(all) : parts.has(node) ? [] : [node]
  })
  return { model: { ...typed.model, graph: { ...graph, nodes, initializers } }, types }
}
