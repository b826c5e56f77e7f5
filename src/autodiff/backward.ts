import { AugmentError } from '../core/errors.js'
import type { Graph } from '../onnx/model.js'
import { BLOCKED, describe, isStandard, type NodeProto, operatorOf, quoted } from '../onnx/node.js'
import { isFloat } from '../onnx/tensor.js'
import type { GraphBuilder, Value } from './builder.js'
import { EXPANSIONS } from './expansions/index.js'
import { stop } from './rule.js'
import { RULES } from './rules/index.js'

/** Whether a value may have a cotangent: a floating-point one that has elements. */
type IsDifferentiable = (value: Value) => boolean

/** Whether the node's operator is in the table, or in that of operators that are written out in others. */
export function hasRule(node: NodeProto): boolean {
  return (isStandard(node) && RULES[node.opType] !== undefined) || EXPANSIONS[operatorOf(node)] !== undefined
}

/**
 * Values that depend on one of `wrt` through differentiable values only: those that may have a cotangent. What an operator without a
 * rule makes counts as differentiable: a quantised one may stand for real numbers by integers.
 */
export function dependents(graph: Graph, isDifferentiable: IsDifferentiable, wrt: readonly Value[]): Set<Value> {
  const found = new Set(wrt.filter(isDifferentiable))
  for (const node of graph.nodes) {
    if (!node.input.some((v) => found.has(v))) continue
    const isUnknown = !hasRule(node)
    for (const output of node.output) if (output !== '' && (isUnknown || isDifferentiable(output))) found.add(output)
  }
  return found
}

/** The nodes without a rule that cotangents of `outputs` would reach on their way back, in graph order. */
function missingRules(graph: Graph, active: ReadonlySet<Value>, outputs: Iterable<Value>): NodeProto[] {
  const reached = new Set(outputs)
  const found: NodeProto[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!node.output.some((v) => reached.has(v)) || !node.input.some((v) => active.has(v))) continue
    if (!hasRule(node)) found.push(node)
    // Nothing flows through a stop, whatever lies behind it.
    if (RULES[node.opType] === stop) continue
    for (const input of node.input) if (active.has(input)) reached.add(input)
  }
  return found.reverse()
}

function refuse(found: Iterable<NodeProto>, opset: number, model: string): AugmentError {
  const nodes = [...found]
  const lines = nodes.map((node) => `${model}: no gradient rule for operator ${describe(node, opset)}`)
  const hint = nodes.some(({ domain }) => domain === BLOCKED)
    ? 'onnxruntime optimised it for one kind of processor: take the file from before, or optimise up to the level extended'
    : `sage-augment inspect ${model} lists every operator without a rule`
  return new AugmentError('model', lines.join('\n'), { hint })
}

/**
 * Emits the reverse pass behind `graph`: the cotangent of `wrt` given those of some outputs; zeros where nothing depends on
 * it differentiably. Throws what `backwardAll` throws.
 */
export function backward(
  g: GraphBuilder,
  graph: Graph,
  seeds: ReadonlyMap<Value, Value>,
  wrt: Value,
  model: string,
): Value {
  const [found] = backwardAll(g, graph, seeds, [wrt], model)
  if (found) return found
  const cuts = severed(graph, (value) => isFloat(g.dtype(value)), seeds.keys(), wrt) ?? []
  const integers = cuts.filter((node) => RULES[node.opType] !== stop)
  if (integers.length === 0) return g.zerosLike(wrt)
  const lines = integers.map((node) => `${model}: no gradient reaches ${quoted(wrt)}: ${describe(node)} makes integers`)
  throw new AugmentError('model', lines.join('\n'))
}

/** Operators that only look at sizes. */
const SIZES = new Set(['Shape', 'Size'])

/**
 * The nodes at which every way back from `outputs` to `wrt` ends, in graph order: steps, comparisons, what makes integers of
 * real numbers. Null where there is a way.
 */
export function severed(
  graph: Graph,
  isDifferentiable: IsDifferentiable,
  outputs: Iterable<Value>,
  wrt: Value,
): NodeProto[] | null {
  const active = dependents(graph, isDifferentiable, [wrt])
  const touched = dependents(graph, () => true, [wrt])
  const reached = new Set(outputs)
  const found: NodeProto[] = []
  for (const node of graph.nodes.toReversed()) {
    const made = node.output.filter((value) => reached.has(value))
    if (made.length === 0 || SIZES.has(node.opType) || !node.input.some((value) => touched.has(value))) continue
    const isCut = node.input.some((value) => active.has(value)) && !made.some((value) => active.has(value))
    if (isCut || RULES[node.opType] === stop) found.push(node)
    else for (const value of node.input) if (touched.has(value)) reached.add(value)
  }
  return reached.has(wrt) ? null : found.reverse()
}

/**
 * The cotangents of all of `wrt` in one pass; null where nothing depends on one differentiably. A value used several times
 * receives the sum. Throws AugmentError 'model' naming every node without a rule that a cotangent reaches, and every node
 * whose rule does not cover its form.
 */
export function backwardAll(
  g: GraphBuilder,
  graph: Graph,
  seeds: ReadonlyMap<Value, Value>,
  wrt: readonly Value[],
  model: string,
): (Value | null)[] {
  const isDifferentiable = (value: Value) => isFloat(g.dtype(value)) && !g.dims(value).includes(0)
  const active = dependents(graph, isDifferentiable, wrt)
  const missing = missingRules(graph, active, seeds.keys())
  if (missing.length > 0) throw refuse(missing, g.opset, model)
  const cotangents = new Map([...seeds].filter(([value]) => isDifferentiable(value)))
  const uncovered = new Set<NodeProto>()
  for (const node of graph.nodes.toReversed()) {
    const arriving = node.output.map((v) => cotangents.get(v) ?? null)
    if (arriving.every((c) => c === null) || !node.input.some((v) => active.has(v))) continue
    // What was to be written out and is still here has a form that the expansion does not cover.
    const answers = RULES[node.opType]?.(g, node, arriving) ?? []
    for (const [i, input] of node.input.entries()) {
      if (!active.has(input)) continue
      const answer = answers[i]
      if (answer === undefined) uncovered.add(node)
      if (!answer) continue
      const sofar = cotangents.get(input)
      const sum = sofar === undefined ? answer : g.add(sofar, answer)
      cotangents.set(input, g.note(sum, g.dims(input)))
      g.note(answer, g.dims(input))
    }
  }
  if (uncovered.size > 0) throw refuse([...uncovered].reverse(), g.opset, model)
  return wrt.map((value) => cotangents.get(value) ?? null)
}
