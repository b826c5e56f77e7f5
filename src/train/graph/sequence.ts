/** Steps one after another in one run. */
import { clone, create } from '@bufbuild/protobuf'
import { GraphProtoSchema, TensorShapeProto_DimensionSchema, ValueInfoProtoSchema } from 'onnx-buf'
import type { Graph, ValueInfoProto } from '../../onnx/model.js'
import { makeNode } from '../../onnx/node.js'
import { renameValues } from '../../onnx/rename.js'
import { INNER, type Step } from './step.js'

/**
 * The step as a Scan (opset 9), of any number of steps: carried values go from each to the next, all else that it takes and gives has
 * an axis of steps in front. What a runtime does to bring values in and out, it does once: onnxruntime-node copies all that a run
 * gives, and in a step that is every weight.
 */
export function sequence({ graph, carried }: Step): Graph {
  const outer = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name))
  const { nodes, initializers, ...body } = renameValues(graph, (name) => (outer.has(name) ? INNER + name : name))
  const [stateIn, stateOut] = [carried.map(({ input }) => input), carried.map(({ output }) => output)]
  const [kept, scanned] = apart(graph.inputs, stateIn)
  const [next, given] = apart(graph.outputs, stateOut)
  const [inputs, outputs] = [
    [...kept, ...scanned],
    [...next, ...given],
  ]
  const inner = (values: readonly ValueInfoProto[], own: readonly ValueInfoProto[]) =>
    values.map(({ name }) => own.find((value) => value.name === INNER + name)!)
  const step = create(GraphProtoSchema, {
    name: 'step',
    node: [...nodes],
    input: inner(inputs, body.inputs),
    output: inner(outputs, body.outputs),
  })
  const names = (values: readonly ValueInfoProto[]) => values.map(({ name }) => name)
  const scan = makeNode('Scan', names(inputs), names(outputs), {
    body: { graph: step },
    num_scan_inputs: scanned.length,
  })
  return {
    nodes: [scan],
    initializers,
    inputs: [...kept, ...scanned.map(inSteps)],
    outputs: [...next, ...given.map(inSteps)],
  }
}

/** Those that are called `names`, in their order, and the rest. */
function apart(values: readonly ValueInfoProto[], names: readonly string[]): [ValueInfoProto[], ValueInfoProto[]] {
  const byName = new Map(values.map((value) => [value.name, value]))
  const own = new Set(names)
  return [names.map((name) => byName.get(name)!), values.filter(({ name }) => !own.has(name))]
}

/** A value with an axis of steps in front. */
function inSteps(value: ValueInfoProto): ValueInfoProto {
  const copy = clone(ValueInfoProtoSchema, value)
  const steps = create(TensorShapeProto_DimensionSchema, { value: { case: 'dimParam', value: 'steps' } })
  if (copy.type?.value.case === 'tensorType') copy.type.value.value.shape!.dim.unshift(steps)
  return copy
}
