/** One ONNX graph from uint8 pixels to normalised saliency maps, around any classifier. */

import { inputGradient, matrixOf } from '../autodiff/appendGradient.js'
import { GraphBuilder, type Types, type Value } from '../autodiff/builder.js'
import { findHead, type Head } from '../autodiff/head.js'
import { type Loss, oneHotOfMax } from '../autodiff/loss.js'
import type { Preprocessing, PreprocessingInput } from '../classifiers/preprocessing.js'
import type { ModelKind } from '../core/saliencyKinds.js'
import { type Graph, type Model, namesIn, readModel, writeModel } from '../onnx/model.js'
import { renameValues } from '../onnx/rename.js'
import { DataType, ELEMENT_SIZE } from '../onnx/tensor.js'
import { makeValueInfo } from '../onnx/valueInfo.js'
import { activationMap, findReading, kindOf, type Reading } from './activationMap.js'
import { reshapedSizes } from './declareSizes.js'
import { type Blur, emitMaps, type Grid, gridAndBlur } from './gridMaps.js'
import { normalisedPixels } from './normalisedPixels.js'
import { type PictureInput, pictureInput, type Scaling } from './pictureInput.js'
import { prepare } from './prepare.js'

export interface SaliencyOptions {
  /** What is not given goes by the model's input (see pictureInput). */
  readonly preprocessing: PreprocessingInput
  /** Needed where the model's own width or height is dynamic. */
  readonly width?: number
  readonly height?: number
  /** 'logit' is the target's own logit. */
  readonly loss: Loss
  /** Differentiate for the given label distribution, or for the model's own arg max. */
  readonly target: 'label' | 'predicted'
  /** What is mapped: 'gradient' by default; 'auto' goes by the classifier (see chooseKind). */
  readonly kind?: ModelKind | 'auto'
  /** The inner layer that layercam and gradcam read, by the name of its value or node; by rule where not given. */
  readonly layer?: string
  /** Columns and rows of the maps; 'input', the default for gradients, is one for each pixel of the classifier's input. */
  readonly grid?: Grid | 'input'
  /** What is not given goes by the grid (see blurOf), and with the grid 'input' is the paper's: kernel 5, sigma 1. */
  readonly blur?: Partial<Blur>
  readonly channelNorm: 'mean' | 'l2'
  /** Which output holds the logits; the first one by default. */
  readonly output?: string
  /** Multiply the gradient by the normalised input before its magnitude is taken. */
  readonly timesInput?: boolean
  /** Integrated gradients over so many steps: builds the graph that integratedMap runs. */
  readonly integrated?: number
}

/** `bytes` is the ONNX model; a `fixedBatch` is the only batch size it takes, null means any. */
export interface SaliencyModel {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly width: number
  readonly height: number
  /** Of the maps. */
  readonly grid: Grid
  readonly kind: ModelKind
  /** The value that an inner layer's map is read from; null for gradients. */
  readonly layer: string | null
  readonly classes: number
  readonly fixedBatch: number | null
  /** Whether it takes one picture at a time because several would influence each other. */
  readonly coupled: boolean
  /** Estimate, on the high side, of what another picture in the batch takes of memory. */
  readonly pictureBytes: number
  /** Of the classifier's own input. */
  readonly channels: number
  /** How that input is made, defaults put in. */
  readonly preprocessing: Preprocessing
  /** How the numbers of its pixels are known. */
  readonly scaling: Scaling
}

/** The interface of the built graph; a classifier's own values of these names are renamed. */
const PUBLIC_NAMES = new Set([
  'pixels',
  'target',
  'saliency',
  'uniform',
  'logits',
  'fractions',
  'weights',
  'before',
  'sum',
])

/**
 * Wraps the classifier in `bytes` (messages call it `name`). The result takes `pixels` uint8 [N, H, W, 3] and, for
 * target 'label', `target` float32 [N, K]; it gives `saliency` float32 [N, rows, columns] on the grid, summing to 1, `uniform`
 * bool [N] (true where nothing speaks for the target and the map is constant), and `logits` float32 [N, K]. A model of one
 * channel sees the ITU-R 601 luma. Throws AugmentError 'model' for what cannot be differentiated.
 */
export async function saliencyModel(bytes: Uint8Array, name: string, given: SaliencyOptions): Promise<SaliencyModel> {
  const original = readModel(bytes, name)
  const rename = (value: string) => (PUBLIC_NAMES.has(value) ? `classifier/${value}` : value)
  const renamed: Model = { ...original, graph: renameValues(original.graph, rename) }
  const declared = pictureInput(renamed, given)
  const options = { ...given, preprocessing: declared.preprocessing }
  const output = options.output === undefined ? undefined : rename(options.output)
  const { model, types, fixedBatch, coupled } = await prepare(renamed, () => declared.dims, output)
  const input = { ...declared, dtype: types.get(declared.name)!.dtype }
  const head = findHead(model, types, output)
  const g = new GraphBuilder(model.opset, types, [...PUBLIC_NAMES, ...namesIn(model.graph)])
  g.declare('pixels', DataType.UINT8)
  const kind = kindOf({ model, types, head, input }, options)
  const layer = options.layer === undefined ? undefined : rename(options.layer)
  const { loss } = options
  const reading = kind === 'gradient' ? null : await findReading(kind, { model, types, head, input }, { loss, layer })
  const { grid, blur } = gridAndBlur(kind === 'gradient', input, options)
  const emit = options.integrated === undefined ? perPicture : integrated
  const built: Model = {
    ...model,
    graph: emit(g, { model, types, head, input, batch: fixedBatch, reading, grid, blur, options }),
  }
  const { width, height, channels, scaling } = input
  const pictureBytes = workingBytes(types)
  return {
    bytes: writeModel(built, await reshapedSizes(built)),
    width,
    height,
    grid,
    kind,
    layer: reading?.layer.value ?? null,
    classes: head.classes,
    fixedBatch,
    coupled,
    pictureBytes,
    channels,
    preprocessing: options.preprocessing,
    scaling,
  }
}

/**
 * Bytes of all that a classifier computes of one picture, and as much again for the cotangents. onnxruntime, which reuses
 * memory, took 0.35 to 0.75 of it on a CPU for five classifiers of torchvision.
 */
function workingBytes(types: Types): number {
  let bytes = 0
  for (const { dtype, dims } of types.values()) {
    // What has no open batch is a parameter.
    if (dims.includes(null))
      bytes += 2 * (ELEMENT_SIZE[dtype] ?? 0) * dims.reduce<number>((n, dim) => n * (dim ?? 1), 1)
  }
  return bytes
}

/** What the parts of the graph need to know. */
interface Parts {
  readonly model: Model
  readonly types: Types
  readonly head: Head
  readonly input: PictureInput
  readonly batch: number | null
  /** Null for gradients. */
  readonly reading: Reading | null
  readonly grid: Grid
  readonly blur: Blur
  readonly options: Omit<SaliencyOptions, 'preprocessing'> & { readonly preprocessing: Preprocessing }
}

/** The whole graph for a batch of pictures. */
function perPicture(g: GraphBuilder, parts: Parts): Graph {
  const { model, head, input, batch, reading, grid, blur, options } = parts
  const { width, height } = input
  const x = normalisedPixels(g, input)
  g.emit('Cast', [x], { to: input.dtype }, input.name)
  g.include(model.graph)
  const logits = g.emit('Identity', [matrixOf(g, head)], {}, 'logits')
  const target = options.target === 'label' ? g.declare('target', DataType.FLOAT) : oneHotOfMax(g, logits, head.classes)
  if (reading !== null) {
    const map = relativeToMax(g, activationMap(g, reading, parts, target, options.loss))
    emitMaps(g, map, reading.layer, grid, blur)
  } else {
    const gradient = g.cast(inputGradient(g, model, head, target, options.loss, input.name), DataType.FLOAT)
    emitMaps(g, magnitude(g, options.timesInput ? g.mul(gradient, x) : gradient, input, options), input, grid, blur)
  }
  const rows = batch ?? 'N'
  const inputs = [makeValueInfo('pixels', DataType.UINT8, [rows, height, width, 3])]
  if (options.target === 'label') inputs.push(makeValueInfo('target', DataType.FLOAT, [rows, head.classes]))
  return g.finish(inputs, [
    makeValueInfo('saliency', DataType.FLOAT, [rows, grid.height, grid.width]),
    makeValueInfo('uniform', DataType.BOOL, [rows]),
    makeValueInfo('logits', DataType.FLOAT, [rows, head.classes]),
  ])
}

/**
 * The graph of integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365) of the target's logit f, from the baseline
 * 0, which is the picture of the model's mean colour. For one picture x, with the points f_s ("fractions") and weights w_s
 * of a part of the path:
 *     sum = before + sum over s of w_s grad f(f_s x),  saliency = the map of x sum.
 * Inputs are `pixels` uint8 [1, H, W, 3], `target` float32 [1, K], `fractions` and `weights` float32 [S, 1, 1, 1] and
 * `before` float32, one gradient; S is what the classifier takes as its batch. Besides `saliency`, `uniform` and `logits`
 * [S, K] it gives `sum`, which is the next part's `before`.
 */
function integrated(g: GraphBuilder, { model, head, input, batch, grid, blur, options }: Parts): Graph {
  const { width, height } = input
  for (const name of ['fractions', 'weights', 'before', 'target']) g.declare(name, DataType.FLOAT)
  const x = normalisedPixels(g, input)
  g.emit('Cast', [g.mul(x, 'fractions')], { to: input.dtype }, input.name)
  g.include(model.graph)
  const logits = g.emit('Identity', [matrixOf(g, head)], {}, 'logits')
  const target = g.emit('Expand', ['target', g.emit('Shape', [logits])])
  const gradient = g.cast(inputGradient(g, model, head, target, 'logit', input.name), DataType.FLOAT)
  const part = g.reduce('Sum', g.mul(gradient, 'weights'), [0])
  const sum = g.emit('Add', ['before', part], {}, 'sum')
  emitMaps(g, magnitude(g, g.mul(x, sum), input, options), input, grid, blur)
  const steps = batch ?? 'S'
  const one = [1, ...input.dims.slice(1).map((dim) => dim!)]
  return g.finish(
    [
      makeValueInfo('pixels', DataType.UINT8, [1, height, width, 3]),
      makeValueInfo('target', DataType.FLOAT, [1, head.classes]),
      makeValueInfo('fractions', DataType.FLOAT, [steps, 1, 1, 1]),
      makeValueInfo('weights', DataType.FLOAT, [steps, 1, 1, 1]),
      makeValueInfo('before', DataType.FLOAT, one),
    ],
    [
      makeValueInfo('saliency', DataType.FLOAT, [1, grid.height, grid.width]),
      makeValueInfo('uniform', DataType.BOOL, [1]),
      makeValueInfo('logits', DataType.FLOAT, [steps, head.classes]),
      makeValueInfo('sum', DataType.FLOAT, one),
    ],
  )
}

/** Input gradient, float32 -> its magnitude [N, 1, H, W], relative to the largest of a picture. */
function magnitude(g: GraphBuilder, gradient: Value, input: PictureInput, options: Parts['options']): Value {
  const { width, height, channels } = input
  const channelAxis = options.preprocessing.layout === 'nchw' ? 1 : 3
  const relative = relativeToMax(g, g.emit('Abs', [gradient]))
  let s = relative
  if (channels > 1) {
    s =
      options.channelNorm === 'mean'
        ? g.reduce('Mean', relative, [channelAxis])
        : g.reduce('L2', relative, [channelAxis])
  }
  return g.reshape(s, [null, 1, height, width])
}

/** Relative to the largest entry nothing later can over- or underflow; a zero or infinite one turns into NaN. */
function relativeToMax(g: GraphBuilder, magnitudes: Value): Value {
  return g.div(magnitudes, g.reduce('Max', magnitudes, [1, 2, 3]))
}
