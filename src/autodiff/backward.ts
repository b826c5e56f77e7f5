import { AugmentError } from '../core/errors.js'
import type { Graph } from '../onnx/model.js'
import { describe, type NodeProto } from '../onnx/node.js'
import { isFloat } from '../onnx/tensor.js'
import type { GraphBuilder, Value } from './builder.js'
import { RULES } from './rules/index.js'

/** Values that depend on `wrt` through floating-point values only: the ones that may have a cotangent. */
function dependents(g: GraphBuilder, graph: Graph, wrt: Value): Set<Value> {
  const found = new Set([wrt])
  for (const node of graph.nodes) {
    if (!node.input.some((v) => found.has(v))) continue
    for (const output of node.output) if (output !== '' && isFloat(g.dtype(output))) found.add(output)
  }
  return found
}

/** How the error names an operator that stands in the way. */
function blocked(node: NodeProto, opset: number): string {
  return `no gradient rule for operator ${describe(node).replace(/\)$/, `, opset ${opset})`)}`
}

/**
 * Emits the reverse pass behind `graph`: the cotangent of `wrt` given that of `output`. A value used several times
 * receives the sum. Throws AugmentError 'model' naming every operator without a rule that a cotangent reaches.
 */
export function backward(
  g: GraphBuilder,
  graph: Graph,
  output: Value,
  cotangent: Value,
  wrt: Value,
  model: string,
): Value {
  const active = dependents(g, graph, wrt)
  const cotangents = new Map<Value, Value>([[output, cotangent]])
  const problems: string[] = []
  for (const node of graph.nodes.toReversed()) {
    const arriving = node.output.map((v) => cotangents.get(v) ?? null)
    if (arriving.every((c) => c === null) || !node.input.some((v) => active.has(v))) continue
    const rule = node.domain === '' || node.domain === 'ai.onnx' ? RULES[node.opType] : undefined
    const answers = rule?.(g, node, arriving) ?? []
    node.input.forEach((input, i) => {
      if (!active.has(input)) return
      const answer = answers[i]
      if (answer === undefined) problems.push(blocked(node, g.opset))
      if (!answer) return
      const sofar = cotangents.get(input)
      cotangents.set(input, sofar === undefined ? answer : g.add(sofar, answer))
    })
  }
  if (problems.length > 0) {
    throw new AugmentError('model', [...new Set(problems)].map((p) => `${model}: ${p}`).join('\n'), {
      hint: `sage-augment inspect ${model} lists every operator without a rule`,
    })
  }
  const result = cotangents.get(wrt)
  if (result === undefined)
    throw new AugmentError('model', `${model}: the output "${output}" does not depend on the input "${wrt}"`)
  return result
}
