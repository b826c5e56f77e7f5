import { AugmentError } from '../core/errors.js'
import type { Graph, Model, ValueInfoProto } from '../onnx/model.js'
import { renameValues } from '../onnx/rename.js'
import { DataType } from '../onnx/tensor.js'
import { declaredType, makeValueInfo } from '../onnx/valueInfo.js'
import { backward } from './backward.js'
import { GraphBuilder, type Types, type Value } from './builder.js'
import { findHead, type Head } from './head.js'
import { type Loss, lossCotangent } from './loss.js'

export interface AppendOptions {
  /** Element type and sizes of every value (see saliency/probe). */
  readonly types: Types
  readonly loss: Loss
  /** Which output holds the logits; the first one by default. */
  readonly output?: string
  /** The input to take the gradient by; the first one by default. */
  readonly wrt?: string
}

/** Emits logits [N, K], the loss's cotangent and the reverse pass; the result is the input gradient, in wrt's shape. */
export function inputGradient(g: GraphBuilder, model: Model, head: Head, target: Value, loss: Loss, wrt: Value): Value {
  const cotangent = lossCotangent(g, matrixOf(g, head), target, head.classes, loss)
  return backward(g, model.graph, new Map([[head.logits, cotangentOfLogits(g, head, cotangent)]]), wrt, model.name)
}

/** A cotangent of the logits as float32 [N, K] in the type and shape that the model gives them. */
export function cotangentOfLogits(g: GraphBuilder, { logits }: Head, cotangent: Value): Value {
  const typed = g.cast(cotangent, g.dtype(logits))
  const dims = g.dims(logits)
  return dims.length === 2 ? typed : g.reshape(typed, [0, ...dims.slice(1)])
}

/** The logits as float32 [N, K], whatever ones the model has around them. */
export function matrixOf(g: GraphBuilder, { logits, classes }: Head): Value {
  const flat = g.dims(logits).length === 2 ? logits : g.reshape(logits, [0, classes])
  return g.cast(flat, DataType.FLOAT)
}

/**
 * The model that also computes the gradient of a loss by an input. It has one more input, `target` float32 [N, K]
 * (label distributions), and two outputs: `logits` float32 [N, K] and `gradient` in the shape of the input. Values of
 * the model that have these names are renamed, an input of it only if it is called `target`.
 */
export function appendGradient(model: Model, options: AppendOptions): Model {
  const rename = (name: string) => (PUBLIC_NAMES.has(name) ? `model/${name}` : name)
  const graph = renameValues(model.graph, rename)
  const types = new Map([...options.types].map(([name, type]) => [rename(name), type]))
  const input = options.wrt === undefined ? graph.inputs[0] : graph.inputs.find((v) => v.name === rename(options.wrt!))
  if (!input) throw new AugmentError('usage', `${model.name}: no input "${options.wrt}"`)
  const { logits: chosen, classes } = findHead(model, options.types, options.output)
  const head = { logits: rename(chosen), classes }
  const g = new GraphBuilder(model.opset, types, PUBLIC_NAMES)
  g.include(graph)
  const target = g.declare('target', DataType.FLOAT)
  const gradient = inputGradient(g, { ...model, graph }, head, target, options.loss, input.name)
  g.emit('Identity', [matrixOf(g, head)], {}, 'logits')
  g.emit('Identity', [gradient], {}, 'gradient')
  return { ...model, graph: finished(g, graph, input, classes) }
}

/** The names of the result's interface. */
const PUBLIC_NAMES = new Set(['target', 'logits', 'gradient'])

function finished(g: GraphBuilder, graph: Graph, input: ValueInfoProto, classes: number): Graph {
  const { dtype, dims } = declaredType(input)!
  const rows = dims[0] ?? 'N'
  const logits = makeValueInfo('logits', DataType.FLOAT, [rows, classes])
  const gradient = makeValueInfo(
    'gradient',
    dtype,
    dims.map((d, i) => d ?? (i === 0 ? 'N' : `d${i}`)),
  )
  return g.finish([...graph.inputs, makeValueInfo('target', DataType.FLOAT, [rows, classes])], [logits, gradient])
}
