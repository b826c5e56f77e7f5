/** Class activation maps: where an inner layer of the classifier sees its class. */

import { matrixOf } from '../autodiff/appendGradient.js'
import { backward } from '../autodiff/backward.js'
import type { GraphBuilder, Types, Value } from '../autodiff/builder.js'
import type { Head } from '../autodiff/head.js'
import { findLayers, type Layer, type LinearHead, linearHead } from '../autodiff/layers.js'
import { type Loss, lossCotangent } from '../autodiff/loss.js'
import { rowSum } from '../autodiff/rowSum.js'
import { AugmentError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import type { ModelKind } from '../core/saliencyKinds.js'
import type { Model } from '../onnx/model.js'
import { DataType } from '../onnx/tensor.js'
import { type HeadMatrix, headMatrix } from './headMatrix.js'

/** Where a map of an inner layer is read: the layer, and for a class activation map the head behind it. */
export interface Reading {
  readonly kind: Exclude<ModelKind, 'gradient'>
  readonly layer: Layer
  readonly linear: LinearHead | null
  /** The head as it is applied to each cell, for a class activation map of what sets the class apart. */
  readonly cells: HeadMatrix | null
}

interface Place {
  readonly model: Model
  readonly types: Types
  readonly head: Head
  readonly input: { readonly name: Value; readonly width: number; readonly height: number }
}

/** Pixels of the longer side of an input up to which the gradient itself is a map: nothing of it is coarser. */
const SMALL = 64

/**
 * The kind that a classifier's maps have unless someone chooses: gradients of small pictures, and of others `cam` where the
 * head is a pooling and linear maps, `gradcam` where it is not but a layer lies on the picture.
 */
function chooseKind({ model, types, head, input }: Place): ModelKind {
  if (Math.max(input.width, input.height) <= SMALL) return 'gradient'
  const classifier = { graph: model.graph, types, logits: head.logits, input }
  if (typeof linearHead(classifier) !== 'string') return 'cam'
  return layerByRule('gradcam', findLayers(classifier)) === undefined ? 'gradient' : 'gradcam'
}

interface KindOptions {
  readonly kind?: ModelKind | 'auto'
  readonly layer?: string
  readonly timesInput?: boolean
  readonly integrated?: number
}

/** The kind that is asked for or chosen. Throws a usage error for what has no meaning with it. */
export function kindOf(place: Place, options: KindOptions): ModelKind {
  const { kind: asked = 'gradient', layer, timesInput, integrated } = options
  const ofGradient = integrated !== undefined || timesInput === true
  const kind = asked !== 'auto' ? asked : ofGradient ? 'gradient' : layer !== undefined ? 'gradcam' : chooseKind(place)
  const flag = integrated === undefined ? '--times-input' : '--integrated'
  if (ofGradient && kind !== 'gradient') {
    throw new AugmentError('usage', `${flag}: found --saliency ${kind}, expected gradient, the only kind it works with`)
  }
  if (layer !== undefined && kind !== 'gradcam' && kind !== 'layercam') {
    throw new AugmentError(
      'usage',
      `--layer: found --saliency ${kind}, expected gradcam or layercam, the kinds that read a layer`,
    )
  }
  return kind
}

/** Cells of the longer side from which on a layer says where things are. */
const FEWEST_CELLS = 4

/**
 * Where a kind of map is read: at `named`, else by rule. `cam`: what the head pools. `gradcam`: the last layer of at least 4
 * cells per side. `layercam`: the last one finer than that. Throws AugmentError 'model' where the classifier has no such
 * layer, 'usage' where it has none of that name.
 */
export async function findReading(
  kind: Reading['kind'],
  place: Place,
  { loss, layer: named }: { readonly loss: Loss; readonly layer?: string | undefined },
): Promise<Reading> {
  const { model, types, head, input } = place
  const classifier = { graph: model.graph, types, logits: head.logits, input }
  if (kind === 'cam') {
    const linear = linearHead(classifier)
    if (typeof linear !== 'string') {
      const cells = loss === 'logit' ? null : await headMatrix(model, types, head, linear)
      return { kind, layer: linear.layer, linear, cells }
    }
    throw new AugmentError(
      'model',
      `${model.name}: ${linear}, expected a pooling, then only linear layers, for --saliency cam`,
      {
        hint: '--saliency gradcam works without',
      },
    )
  }
  const layers = findLayers(classifier)
  const layer = named === undefined ? layerByRule(kind, layers) : byName(layers, model, named)
  if (layer !== undefined) return { kind, layer, linear: null, cells: null }
  throw new AugmentError('model', `${model.name}: found no inner layer with a grid over the picture, expected one`, {
    hint: '--saliency gradient works without',
  })
}

const cells = ({ width, height }: Layer) => Math.max(width, height)

/** The layer that a kind reads unless one is named. */
export function layerByRule(kind: Reading['kind'], layers: readonly Layer[]): Layer | undefined {
  const last = layers.findLast((layer) => cells(layer) >= FEWEST_CELLS) ?? layers.at(-1)
  if (kind === 'gradcam' || last === undefined) return last
  return layers.findLast((layer) => cells(layer) > cells(last)) ?? last
}

function byName(layers: readonly Layer[], { name, graph }: Model, named: string): Layer {
  const node = graph.nodes.find((one) => one.name === named)
  const layer = layers.find(({ value }) => value === named || node?.output.includes(value))
  if (layer !== undefined) return layer
  const names = layers.map(({ value }) => value)
  throw new AugmentError('usage', `--layer ${named}: ${name} has no such layer${didYouMean(named, names)}`, {
    hint: `sage-augment inspect ${name} lists them`,
  })
}

/**
 * The map of a reading, float32 [N, 1, h, w], not negative, of the score S that falls as the loss rises (for 'logit': the
 * target's own logit), for `target` [N, K]. With A the layer [N, C, h, w] and g = dS / dA:
 *     cam:      relu(sum over c of w_c A_c), w = dS / d(pooled A), which the head's weights say
 *     gradcam:  relu(sum over c of mean(g_c) A_c)      (Selvaraju et al. 2017, arXiv 1610.02391)
 *     layercam: relu(sum over c of relu(g_c) A_c)      (Jiang et al. 2021, doi 10.1109/TIP.2021.3089943)
 * cam: Zhou et al. 2016, arXiv 1512.04150, but for 'logit' times the share of the target in the cell (see sharesOf). Where
 * nothing is positive, the map is the sum less its smallest value.
 */
export function activationMap(
  g: GraphBuilder,
  { kind, layer, linear, cells }: Reading,
  { model, head }: Place,
  target: Value,
  loss: Loss,
): Value {
  const seed = new Map([[head.logits, scoreCotangent(g, head, target, loss)]])
  const rows = inRows(g, layer.value, layer)
  const planes = layer.rectified ? g.emit('Relu', [rows]) : rows
  if (linear !== null) {
    const weights = g.cast(backward(g, model.graph, seed, linear.features, model.name), DataType.FLOAT)
    const map = weighted(g, g.reshape(weights, [0, 1, layer.channels]), planes, layer)
    return cells === null ? map : g.mul(map, sharesOf(g, cells, planes, target, layer))
  }
  const gradient = inRows(g, backward(g, model.graph, seed, layer.value, model.name), layer)
  if (kind === 'gradcam') {
    const size = layer.width * layer.height
    const sums = g.reshape(rowSum(g, g.reshape(gradient, [null, size]), size), [null, 1, layer.channels])
    return weighted(g, sums, planes, layer)
  }
  // Not a ReduceSum, which in onnxruntime adds in an order that depends on the picture's place in the batch.
  const ones = g.constant(DataType.FLOAT, new Array(layer.channels).fill(1), [1, layer.channels])
  return weighted(g, ones, g.mul(g.emit('Relu', [gradient]), planes), layer)
}

/**
 * How much of each cell is the target's, [N, 1, h, w], relative to the cell where it is most: the softmax p of the head
 * applied to the cell alone, as fully convolutional networks do (Long et al. 2015, arXiv 1411.4038), at the target t:
 *     exp(sum over k of t_k log p_k),  which is p_t for one class.
 * The weights alone cannot tell a cell of the class from one of another class that has some of its features too.
 */
function sharesOf(g: GraphBuilder, { weights, bias }: HeadMatrix, planes: Value, target: Value, layer: Layer): Value {
  const { width, height, channels } = layer
  const classes = bias.length
  const features = g.transpose(planes, [0, 2, 1])
  const matrix = g.transpose(g.weights(weights, [classes, channels]), [1, 0])
  const logits = g.add(g.emit('MatMul', [features, matrix]), g.weights(bias, [classes]))
  const p = g.emit('LogSoftmax', [logits], { axis: 2 })
  const log = g.reshape(g.emit('MatMul', [p, g.unsqueeze(target, [2])]), [0, 1, height, width])
  return g.emit('Exp', [g.sub(log, g.reduce('Max', log, [1, 2, 3]))])
}

/** dS / d logits, in the logits' own shape and type. */
function scoreCotangent(g: GraphBuilder, head: Head, target: Value, loss: Loss): Value {
  const cotangent = lossCotangent(g, matrixOf(g, head), target, head.classes, loss)
  const score = loss === 'logit' ? cotangent : g.emit('Neg', [cotangent])
  const typed = g.cast(score, g.dtype(head.logits))
  const dims = g.dims(head.logits)
  return dims.length === 2 ? typed : g.reshape(typed, [0, ...dims.slice(1)])
}

/** A value in the shape of a layer as float32 [N, C, h w]. */
function inRows(g: GraphBuilder, value: Value, { layout, width, height, channels, skipped }: Layer): Value {
  const float = g.cast(value, DataType.FLOAT)
  const [first, last] = [0, channels]
  if (layout === 'nchw') return g.reshape(float, [first, last, width * height])
  if (layout === 'nhwc') return g.transpose(g.reshape(float, [first, width * height, last]), [0, 2, 1])
  const tokens = skipped === 0 ? float : g.slice(float, [1], [skipped], [skipped + width * height])
  return g.transpose(tokens, [0, 2, 1])
}

/** relu of the weighted sum over the channels: weights [N, 1, C] or [1, C], planes [N, C, h w]. */
function weighted(g: GraphBuilder, weights: Value, planes: Value, layer: Layer): Value {
  return shaped(g, g.emit('MatMul', [weights, planes]), layer)
}

/** relu; where nothing is positive, the values less the smallest one: the places that speak least against the target. */
function shaped(g: GraphBuilder, rows: Value, { width, height }: Layer): Value {
  const map = g.reshape(rows, [0, 1, height, width])
  const isFor = g.emit('Greater', [g.reduce('Max', map, [1, 2, 3]), 0])
  return g.where(isFor, g.emit('Relu', [map]), g.sub(map, g.reduce('Min', map, [1, 2, 3])))
}
