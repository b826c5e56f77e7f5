/** Which output of a classifier its classes are in, and the model without all others. */
import { AugmentError } from '../core/errors.js'
import { ancestors, upTo } from './ancestors.js'
import type { Model, ValueInfoProto } from './model.js'
import { isFloat } from './tensor.js'
import { declaredType } from './valueInfo.js'

/** How many classes a declared output may hold: null if it does not say, undefined if it can be no row of logits. */
function classesOf(info: ValueInfoProto): number | null | undefined {
  const type = info.type?.value
  if (type?.case !== 'tensorType' || !isFloat(type.value.elemType)) return undefined
  const sizes = declaredType(info)?.dims.slice(1)
  if (sizes === undefined) return null
  const [classes, ...more] = sizes.filter((size) => size !== 1)
  return more.length > 0 || classes === undefined ? undefined : classes
}

/**
 * The name of the output `wanted`; else of the one that can hold logits by its type and sizes, whatever comes before it (a
 * label, features). Of several with as many classes each, or of no declared
 * size, it is the first; where one is computed from all the others, that one. Throws a usage error that lists the names where there is no telling.
 */
export function chooseOutput({ name, graph }: Model, wanted?: string): string {
  const names = graph.outputs.map((info) => info.name)
  if (wanted !== undefined && names.includes(wanted)) return wanted
  if (wanted !== undefined)
    throw new AugmentError('usage', `${name}: no output "${wanted}", it has ${names.join(', ')}`)
  const candidates = graph.outputs.filter((info) => classesOf(info) !== undefined)
  const [first] = candidates
  if (first === undefined) {
    const other = graph.outputs.find(({ type }) => type?.value.case && type.value.case !== 'tensorType')
    if (other === undefined) return names[0]!
    throw new AugmentError(
      'model',
      `${name}: output "${other.name}" is not a tensor, expected one of logits or probabilities`,
      {
        hint: "skl2onnx gives a tensor with options={'zipmap': False}",
      },
    )
  }
  const classes = new Set(candidates.map(classesOf))
  if (classes.size === 1) return first.name
  const last = candidates.find((info) => {
    const before = ancestors(graph.nodes, [info.name])
    return candidates.every((other) => before.has(other.name))
  })
  if (last !== undefined) return last.name
  const listed = candidates.map((info) => `${info.name} [N, ${classesOf(info) ?? '?'}]`).join(', ')
  throw new AugmentError('usage', `${name}: ${candidates.length} outputs may hold its classes: ${listed}`, {
    hint: `choose with --output ${candidates.map((info) => info.name).join(' or ')}`,
  })
}

/** The model with one output and what that depends on; all its inputs stay. */
export function withOutput(model: Model, output: string): Model {
  const { graph } = model
  const outputs = graph.outputs.filter(({ name }) => name === output)
  return { ...model, graph: { ...graph, ...upTo(graph, [output]), outputs } }
}
