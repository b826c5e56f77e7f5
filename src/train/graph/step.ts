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
import { type Mask, type Statistic, trainingForm } from './form.js'
import { joined, parted } from './joined.js'
import { lossOf, type TrainingLoss } from './loss.js'
import { clipped, type Optimizer, optimizerUpdates } from './optimizer.js'
import type { Parameter } from './parameters.js'

export interface StepOptions {
  readonly loss: TrainingLoss
  readonly smoothing: number
  readonly optimizer: Optimizer
  /** Weight decay, for weights of two axes or more. */
  readonly decay: number
  /** The largest norm of all gradients together; none by default. */
  readonly clip: number | null
  readonly statistics: 'batch' | 'frozen'
  readonly dropout: boolean
  /** For this batch alone, and on values in blocks of so many channels (see blocked/layouts); standard ONNX without it. */
  readonly blocked: Blocks | null
}

/** A value that a step takes and gives back changed. */
export interface Carried {
  /** 'weight' and 'statistic' are the constant `name` of the classifier; 'state' is the optimiser's, zeros at first. */
  readonly kind: 'weight' | 'statistic' | 'state'
  readonly name: Value
  readonly input: Value
  readonly output: Value
  readonly dims: readonly number[]
}

export interface Step {
  readonly graph: Graph
  readonly carried: readonly Carried[]
  readonly masks: readonly Mask[]
}

const FIXED = ['target', 'rate', 'loss', 'logits']
const PREFIX = /^(next|state|mask|batch|blocked)\//

/** A value of the model whose name the step uses itself gets another. */
const renamed = (name: Value) => (FIXED.includes(name) || PREFIX.test(name) ? `model/${name}` : name)

/** What the parts of the step need to know. */
interface Parts {
  readonly g: GraphBuilder
  readonly model: Model
  readonly head: Head
  readonly weights: readonly Value[]
  /** Filters before the last layer. */
  readonly inner: ReadonlySet<Value>
  readonly statistics: readonly Statistic[]
  readonly options: StepOptions
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
  const fed = new Set([...names, ...form.statistics.map(({ name }) => name)])
  const initializers = new Map([...form.graph.initializers].filter(([name]) => !fed.has(name)))
  const forward: Graph = { ...form.graph, initializers }
  const g = new GraphBuilder(model.opset, form.types, FIXED)
  g.composes = options.blocked !== null
  g.include(forward)
  for (const value of [...fed, ...form.masks.map((mask) => mask.name)]) g.declare(value, form.types.get(value)!.dtype)
  g.declare('rate', DataType.FLOAT)
  g.declare('target', DataType.FLOAT)
  const last = new Set(headOf(parameters, model, { logits, classes }))
  const inner = parameters.filter(({ name, role }) => role === 'filter' && !last.has(name))
  const parts: Parts = {
    g,
    inner: new Set(inner.map(({ name }) => renamed(name))),
    model: { ...model, graph: forward },
    head: { logits: renamed(logits), classes },
    weights: [...names],
    statistics: form.statistics,
    options,
  }
  const carried = [...emitWeights(parts), ...emitStatistics(parts)]
  const original = new Map([...types.keys()].map((name) => [renamed(name), name]))
  const unused = [...form.graph.initializers].filter(
    ([name]) => fed.has(name) && carried.every((c) => c.input !== name),
  )
  const plain = finished(parts, carried, form.masks)
  const step = options.blocked
    ? lowered(plain, model.opset, form.types, g.allDims, options.blocked, form.centred)
    : plain
  return {
    graph: { ...step, initializers: new Map([...step.initializers, ...unused]) },
    carried: carried.map((c) => ({ ...c, name: original.get(c.name) ?? c.name })),
    masks: form.masks,
  }
}

/** Emits loss, logits and the next weights; the weights that the loss depends on, and the optimiser's state. */
function emitWeights(parts: Parts): Carried[] {
  const { g, model, head, weights, options } = parts
  const z = g.emit('Identity', [matrixOf(g, head)], {}, 'logits')
  const { loss, cotangent } = lossOf(g, z, 'target', head.classes, options)
  g.emit('Identity', [loss], {}, 'loss')
  const seeds = new Map([[head.logits, cotangentOfLogits(g, head, cotangent)]])
  const found = backwardAll(g, model.graph, seeds, weights, model.name)
  const reached = weights.flatMap((name, i) => (found[i] ? [{ name, gradient: found[i] }] : []))
  if (reached.length === 0)
    throw new AugmentError('model', `${model.name}: the logits depend on none of the weights to train`)
  const updated = updatedTogether(parts, reached)
  const gradients = updated.map(({ gradient }) => gradient)
  const limited = options.clip === null ? gradients : clipped(g, gradients, options.clip)
  const updates = optimizerUpdates(g, options.optimizer, 'rate')
  for (const [i, { weight, isFlat }] of updated.entries()) {
    const outputs = weight.names.map((name) => `next/${name}`)
    const isNamed = outputs.length === 1 && !isFlat
    const next = updates.update({ ...weight, output: isNamed ? outputs[0] : undefined }, limited[i]!)
    if (isFlat) g.emit('Reshape', [next, g.integers(g.sizes(weight.names[0]!))], {}, outputs[0])
    else if (!isNamed)
      parted(
        g,
        next,
        weight.each.map(([size]) => size!),
        outputs,
      )
  }
  const carried = reached.map(
    ({ name }): Carried => ({ kind: 'weight', name, input: name, output: `next/${name}`, dims: g.sizes(name) }),
  )
  const { slots } = updates
  return [...carried, ...slots.map((slot): Carried => ({ kind: 'state', name: slot.input, ...slot }))]
}

interface Reached {
  readonly name: Value
  readonly gradient: Value
}

/**
 * What is updated at once, with its gradient: the vectors of normalisations by the batch end to end, and each other weight. Of
 * those vectors the gradients are needed on the way back anyway; a node that waits for others would keep their cotangents in
 * memory. onnxruntime begins with what the last node of a graph needs: these come first.
 */
function updatedTogether(parts: Parts, reached: readonly Reached[]) {
  const { g, model } = parts
  const byBatch = model.graph.nodes.filter((node) => intAttribute(node, 'training_mode', 0) === 1)
  const inner = new Set(byBatch.flatMap((node) => node.input.slice(1, 3)))
  const vectors = reached.filter(({ name }) => inner.has(name))
  if (vectors.length < 2) return reached.map((each) => flattened(parts, each))
  const others = reached.filter((each) => !vectors.includes(each))
  const names = vectors.map(({ name }) => name)
  const each = names.map((name) => g.sizes(name))
  const dims = [each.reduce((sum, [size]) => sum + size!, 0)]
  const weight = { names, each, value: joined(g, names), dims, matrix: null, decay: 0 }
  const gradient = joined(
    g,
    vectors.map((vector) => vector.gradient),
  )
  return [{ weight, gradient, isFlat: false }, ...others.map((other) => flattened(parts, other))]
}

/**
 * A weight and its gradient, as vectors where the last axis has one element: there onnxruntime multiplies by a scalar element by
 * element, 80 times slower.
 */
function flattened({ g, options, inner }: Parts, { name, gradient }: Reached) {
  const dims = g.sizes(name)
  const isFlat = dims.length > 1 && dims.at(-1) === 1
  const size = dims.reduce((a, b) => a * b, 1)
  const row = (value: Value) => (isFlat ? g.reshape(value, [size]) : value)
  const matrix: [number, number] | null = inner.has(name) ? [dims[0]!, size / dims[0]!] : null
  const decay = dims.length >= 2 ? options.decay : 0
  const own = isFlat ? [size] : dims
  const weight = { names: [name], each: [own], value: row(name), dims: own, matrix, decay }
  return { weight, gradient: row(gradient), isFlat }
}

/** Emits the next running statistics, those of one momentum together. */
function emitStatistics({ g, statistics }: Parts): Carried[] {
  for (const momentum of new Set(statistics.map((each) => each.momentum))) {
    const own = statistics.filter((each) => each.momentum === momentum)
    const names = own.map(({ name }) => name)
    const before = g.mul(joined(g, names), momentum)
    const next = g.add(
      before,
      g.mul(
        joined(
          g,
          own.map((each) => ofBatch(g, each)),
        ),
        1 - momentum,
      ),
    )
    parted(
      g,
      next,
      names.map((name) => g.size(name, 0)),
      names.map((name) => `next/${name}`),
    )
  }
  return statistics.map(
    ({ name }): Carried => ({ kind: 'statistic', name, input: name, output: `next/${name}`, dims: g.sizes(name) }),
  )
}

/** The statistic of the batch that joins the running one. */
function ofBatch(g: GraphBuilder, { ofBatch, unbiasedOver: x }: Statistic): Value {
  if (x === null) return ofBatch
  const count = g.div(g.cast(g.emit('Size', [x]), DataType.FLOAT), g.size(x, 1))
  return g.mul(ofBatch, g.div(count, g.sub(count, 1)))
}

function finished({ g, model, head }: Parts, carried: readonly Carried[], masks: readonly Mask[]): Graph {
  const open = (dims: readonly Dim[]) => dims.map((dim, axis) => dim ?? (axis === 0 ? 'N' : `d${axis}`))
  const rows = open(g.dims(head.logits))[0]!
  const float = (name: Value, dims: readonly (number | string)[]) => makeValueInfo(name, DataType.FLOAT, dims)
  const inputs: ValueInfoProto[] = [
    ...model.graph.inputs,
    float('target', [rows, head.classes]),
    float('rate', []),
    ...carried.map(({ input, dims }) => float(input, dims)),
    ...masks.map(({ name, type }) => float(name, open(type.dims))),
  ]
  const outputs = [
    float('loss', []),
    float('logits', [rows, head.classes]),
    ...carried.map(({ output, dims }) => float(output, dims)),
  ]
  return g.finish(inputs, outputs)
}

/** The classifier for inference with one output, `logits` float32 [N, K]; its input is called as the step's is. */
export function evaluationGraph(model: Model, types: Types, { logits, classes }: Head): Graph {
  const graph = renameValues(model.graph, renamed)
  const g = new GraphBuilder(model.opset, new Map([...types].map(([name, type]) => [renamed(name), type])), FIXED)
  g.include(graph)
  g.emit('Identity', [matrixOf(g, { logits: renamed(logits), classes })], {}, 'logits')
  return g.finish(graph.inputs, [makeValueInfo('logits', DataType.FLOAT, ['N', classes])])
}
