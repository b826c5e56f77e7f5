/** Which part of a network is trained. */

import type { Types, Value } from '../../autodiff/builder.js'
import type { Head } from '../../autodiff/head.js'
import { AugmentError } from '../../core/errors.js'
import type { Model } from '../../onnx/model.js'
import type { NodeProto } from '../../onnx/node.js'
import type { Parameter } from './parameters.js'

/** All weights, those of the last layer, those behind the last change of the grid, or those of matching names. */
export type Trainable = 'all' | 'head' | 'last-stage' | RegExp

/** The weights to train. Throws AugmentError 'usage' where none is meant. */
export function chooseParameters(
  parameters: readonly Parameter[],
  model: Model,
  types: Types,
  head: Head,
  trainable: Trainable,
): Parameter[] {
  const chosen = chooser(parameters, model, types, head, trainable)
  const found = parameters.filter(({ name }) => chosen(name))
  if (found.length > 0) return found
  const some = parameters.slice(0, 3).map(({ name }) => JSON.stringify(name))
  throw new AugmentError('usage', `${model.name}: no weight is called ${trainable}, it has ${some.join(', ')}, ...`)
}

function chooser(
  parameters: readonly Parameter[],
  model: Model,
  types: Types,
  head: Head,
  trainable: Trainable,
): (name: Value) => boolean {
  if (trainable === 'all') return () => true
  if (trainable instanceof RegExp) return (name) => trainable.test(name)
  const names = new Set(trainable === 'head' ? headOf(parameters, model, head) : lastStage(model, types))
  return (name) => names.has(name)
}

/** The weights met on the way back from the logits to the first filter on each path. */
export function headOf(parameters: readonly Parameter[], { graph }: Model, { logits }: Head): Value[] {
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]))
  const reached = new Set([logits])
  const found: Value[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!node.output.some((v) => reached.has(v))) continue
    const own = node.input.filter((v) => byName.has(v))
    found.push(...own)
    if (own.some((v) => byName.get(v)!.role === 'filter')) continue
    for (const input of node.input) reached.add(input)
  }
  return found
}

/** How many positions the output of a convolution or pooling has; 0 for others, and where there is one or none is known. */
function positions(node: NodeProto, types: Types): number {
  if (!/^(Conv|MaxPool|AveragePool)$/.test(node.opType)) return 0
  const volume = (types.get(node.output[0]!)?.dims.slice(2) ?? []).reduce<number>((n, d) => n * (d ?? 0), 1)
  return volume > 1 ? volume : 0
}

/** What the nodes read from the first on that makes the last grid, behind the last one on a larger grid. */
function lastStage({ graph, name }: Model, types: Types): Value[] {
  const counts = graph.nodes.map((node) => positions(node, types))
  const last = counts.findLast((count) => count > 0) ?? 0
  const end = counts.findLastIndex((count) => count > last)
  if (end < 0) {
    throw new AugmentError(
      'usage',
      `${name}: no stages, its grid never changes; expected all, head or a pattern of names`,
    )
  }
  const start = counts.findIndex((count, i) => i > end && count > 0)
  return graph.nodes.slice(start).flatMap((node) => node.input)
}
