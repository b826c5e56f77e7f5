/** One step of training as a graph: pictures, targets and weights in, loss and next weights out. */

import { cotangentOfLogits, matrixOf } from '../../autodiff/appendGradient.js'
import { backwardAll } from '../../autodiff/backward.js'
import { GraphBuilder, type Types, type Value } from '../../autodiff/builder.js'
import type { Head } from '../../autodiff/head.js'
import { AugmentError } from '../../core/errors.js'
import type { Graph, Model, ValueInfoProto } from '../../onnx/model.js'
import { intAttribute } from '../../onnx/node.js'
import { renameValues } from '../../onnx/rename.js'
import { DataType } from '../../onnx/tensor.js'
import { type Dim, makeValueInfo } from '../../onnx/valueInfo.js'
import { type Blocks, lowered } from '../blocked/lower.js'
import { headOf } from './choose.js'
import { type Mask, type Statistic, type TrainingForm, trainingForm } from './form.js'
import { lossOf, type TrainingLoss } from './loss.js'
import type { Optimizer } from './optimizer.js'
import type { Parameter } from './parameters.js'
import { type Carried, emitStatistics, emitUpdates, type Reached, type UpdateOptions } from './updates.js'

export interface StepOptions extends UpdateOptions {
  readonly loss: TrainingLoss
  readonly smoothing: number
  readonly statistics: 'batch' | 'frozen'
  readonly dropout: boolean
  /** For this batch alone, and on values in blocks of so many channels (see blocked/layouts); standard ONNX without it. */
  readonly blocked: Blocks | null
}

export interface Step {
  readonly graph: Graph
  readonly carried: readonly Carried[]
  readonly masks: readonly Mask[]
  /** Carried values that are filters, or of filters, in the order of the kernels (see blocked/packed), with the filters' sizes. */
  readonly packed: ReadonlyMap<Value, readonly number[]>
}

/** Begins the names of the inputs and outputs of a step among several (see sequence). */
export const INNER = 'step/'

const FIXED = ['target', 'rate', 'loss', 'logits']
const PREFIX = /^(next|state|mask|batch|blocked|update|step|model)\//

/** A value of the model whose name the step uses itself gets another. */
const renamed = (name: Value) => (FIXED.includes(name) || PREFIX.test(name) ? `model/${name}` : name)

/** The way forward and back: a graph that gives the loss, the logits, the gradients and the statistics of the batch. */
interface Passes {
  readonly graph: Graph
  readonly dims: ReadonlyMap<Value, readonly Dim[]>
  readonly reached: readonly Reached[]
  /** With `ofBatch` as it joins the running one. */
  readonly statistics: readonly Statistic[]
}

/**
 * The step for the classifier `model`, which trains `parameters` of it. Inputs: the classifier's own, `target` float32 [N, K]
 * (label distributions), `rate` float32 [], the weights under their own names, statistics, the optimiser's state and masks;
 * outputs: `loss` float32 [], `logits` [N, K], and each carried value's next one. Throws AugmentError 'model'.
 */
export function trainingStep(
  model: Model,
  types: Types,
  { logits, classes }: Head,
  parameters: readonly Parameter[],
  options: StepOptions,
): Step {
  const graph = renameValues(model.graph, renamed)
  const known = new Map([...types].map(([name, type]) => [renamed(name), type]))
  const names = new Set(parameters.map(({ name }) => renamed(name)))
  const form = trainingForm(
    { ...model, graph },
    known,
    ({ input }) => options.statistics === 'batch' && input.slice(1, 3).some((v) => names.has(v)),
    options.dropout,
  )
  const head = { logits: renamed(logits), classes }
  const passes = passesOf({ ...model, graph }, form, head, names, options)
  const last = new Set(headOf(parameters, model, { logits, classes }))
  const filters = parameters.filter(({ name, role }) => role === 'filter' && !last.has(name))
  const inner = new Set(filters.map(({ name }) => renamed(name)))
  const { graph: whole, packed } = options.blocked
    ? blockedPasses(passes, form, model.opset, inner, options.optimizer, options.blocked)
    : { graph: passes.graph, packed: [] }
  const g = new GraphBuilder(model.opset, form.types, FIXED, 'update')
  g.include(whole)
  const byBatch = form.graph.nodes.filter((node) => intAttribute(node, 'training_mode', 0) === 1)
  const normalizing = new Set(byBatch.flatMap((node) => node.input.slice(1, 3)))
  const carried = [
    ...emitUpdates(g, passes.reached, { normalizing, inner, options }),
    ...emitStatistics(g, passes.statistics),
  ]
  const original = new Map([...types.keys()].map((name) => [renamed(name), name]))
  return {
    graph: finished(g, whole, carried),
    carried: carried.map(({ of: _, ...c }) => ({ ...c, name: original.get(c.name) ?? c.name })),
    masks: form.masks,
    packed: new Map(carried.flatMap(({ input, of }) => (packed.includes(of!) ? [[input, g.sizes(of!)]] : []))),
  }
}

/** Throws AugmentError 'model' where the loss depends on none of the weights, or cannot be differentiated. */
function passesOf(
  model: Model,
  form: TrainingForm,
  head: Head,
  weights: ReadonlySet<Value>,
  options: StepOptions,
): Passes {
  const fed = new Set([...weights, ...form.statistics.map(({ name }) => name)])
  const initializers = new Map([...form.graph.initializers].filter(([name]) => !fed.has(name)))
  const forward: Graph = { ...form.graph, initializers }
  const g = new GraphBuilder(model.opset, form.types, FIXED)
  g.composes = options.blocked !== null
  g.include(forward)
  for (const value of [...fed, ...form.masks.map(({ name }) => name)]) g.declare(value, form.types.get(value)!.dtype)
  g.declare('target', DataType.FLOAT)
  const z = g.emit('Identity', [matrixOf(g, head)], {}, 'logits')
  const { loss, cotangent } = lossOf(g, z, 'target', head.classes, options)
  g.emit('Identity', [loss], {}, 'loss')
  const seeds = new Map([[head.logits, cotangentOfLogits(g, head, cotangent)]])
  const names = [...weights]
  const found = backwardAll(g, forward, seeds, names, model.name)
  const reached = names.flatMap((name, i) => (found[i] ? [{ name, gradient: found[i] }] : []))
  if (reached.length === 0)
    throw new AugmentError('model', `${model.name}: the logits depend on none of the weights to train`)
  const statistics = form.statistics.map((each) => ({ ...each, ofBatch: ofBatch(g, each) }))
  const inputs = new Set([...reached, ...statistics].map(({ name }) => name))
  const outputs = [...reached.map(({ gradient }) => gradient), ...statistics.map((each) => each.ofBatch)]
  const rows = open(g.dims(head.logits))[0]!
  const results = [float('loss', []), float('logits', [rows, head.classes])]
  const graph = g.finish(inputsOf(form, head, inputs), [
    ...results,
    ...[...new Set(outputs)].map((name) => makeValueInfo(name, DataType.FLOAT)),
  ])
  // What is not trained after all stays a constant.
  const constants = [...form.graph.initializers].filter(([name]) => fed.has(name) && !inputs.has(name))
  const whole = { ...graph, initializers: new Map([...graph.initializers, ...constants]) }
  return { graph: whole, dims: g.allDims, reached, statistics }
}

/** The statistic of the batch that joins the running one. */
function ofBatch(g: GraphBuilder, { ofBatch, unbiasedOver: x }: Statistic): Value {
  if (x === null) return ofBatch
  const count = g.div(g.cast(g.emit('Size', [x]), DataType.FLOAT), g.size(x, 1))
  return g.mul(ofBatch, g.div(count, g.sub(count, 1)))
}

const open = (dims: readonly Dim[]) => dims.map((dim, axis) => dim ?? (axis === 0 ? 'N' : `d${axis}`))

const float = (name: Value, dims: readonly (number | string)[]) => makeValueInfo(name, DataType.FLOAT, dims)

/** What the passes are fed: pictures, targets, weights, statistics and masks. */
function inputsOf({ graph, types, masks }: TrainingForm, head: Head, names: Iterable<Value>): ValueInfoProto[] {
  const dims = (name: Value) => open(types.get(name)!.dims)
  const rows = dims(head.logits)[0]!
  return [
    ...graph.inputs,
    float('target', [rows, head.classes]),
    ...[...names].map((name) => float(name, dims(name))),
    ...masks.map(({ name, type }) => float(name, open(type.dims))),
  ]
}

/** The passes in blocks. Filters that are updated element by element, whatever their order, may be packed. */
function blockedPasses(
  { graph, dims, reached }: Passes,
  { types, centred }: TrainingForm,
  opset: number,
  inner: ReadonlySet<Value>,
  optimizer: Optimizer,
  blocks: Blocks,
) {
  const byElement = reached.filter(({ name }) => optimizer.name !== 'muon' || !inner.has(name))
  const filters = new Map(byElement.map(({ name, gradient }) => [name, gradient]))
  return lowered(graph, opset, { types, dims, centred, filters }, blocks)
}

/** The whole step: what the passes are fed, and what the updates need and give. */
function finished(g: GraphBuilder, passes: Graph, carried: readonly Carried[]): Graph {
  const fed = new Set(passes.inputs.map(({ name }) => name))
  const others = carried.filter(({ input }) => !fed.has(input)).map(({ input, dims }) => float(input, dims))
  const [loss, logits] = passes.outputs
  return g.finish(
    [...passes.inputs, float('rate', []), ...others],
    [loss!, logits!, ...carried.map(({ output, dims }) => float(output, dims))],
  )
}

/** The classifier for inference with one output, `logits` float32 [N, K]; its input is called as the step's is. */
export function evaluationGraph(model: Model, types: Types, { logits, classes }: Head): Graph {
  const graph = renameValues(model.graph, renamed)
  const g = new GraphBuilder(model.opset, new Map([...types].map(([name, type]) => [renamed(name), type])), FIXED)
  g.include(graph)
  g.emit('Identity', [matrixOf(g, { logits: renamed(logits), classes })], {}, 'logits')
  return g.finish(graph.inputs, [makeValueInfo('logits', DataType.FLOAT, ['N', classes])])
}
