import { findHead, type Head } from '../autodiff/head.js'
import { AugmentError } from '../core/errors.js'
import { type Model, readModel, withDomain, writeModel } from '../onnx/model.js'
import { BLOCKED } from '../onnx/node.js'
import { DataType, floats, rawTensor } from '../onnx/tensor.js'
import { sizesOf } from '../saliency/gradientModel.js'
import { type Prepared, prepare } from '../saliency/prepare.js'
import type { Blocks } from './blocked/lower.js'
import { packedElements, plainElements } from './blocked/packed.js'
import { foldConstants } from './foldConstants.js'
import { chooseParameters, headOf, type Trainable } from './graph/choose.js'
import { inferenceForm, withOwnVectors } from './graph/form.js'
import { initialWeight } from './graph/initial.js'
import type { TrainingLoss } from './graph/loss.js'
import { noHead, withNewHead } from './graph/newHead.js'
import type { Optimizer } from './graph/optimizer.js'
import { findParameters, type Parameter } from './graph/parameters.js'
import { sequence } from './graph/sequence.js'
import { evaluationGraph, trainingStep } from './graph/step.js'
import type { Carried } from './graph/updates.js'

export interface TrainingOptions {
  /** 'ce' (cross-entropy, the default) or 'bce' (binary cross-entropy of each logit), both with soft labels. */
  readonly loss?: TrainingLoss
  /** Share of every target that is spread over all classes, 0 (the default) to 1. */
  readonly labelSmoothing?: number
  /** SGD with momentum 0.9 by default. */
  readonly optimizer?: Optimizer
  /** 0 by default; only for weights of two axes or more: filters, not biases and scales. */
  readonly weightDecay?: number
  /** The largest norm of all gradients together; not clipped by default. */
  readonly clip?: number
  /** 'all' by default, 'head' (the last layer), 'last-stage' (behind the last change of the grid), or by name. */
  readonly trainable?: Trainable
  /** Whether BatchNormalization whose weights are trained uses the batch (the default) or its running statistics. */
  readonly statistics?: 'batch' | 'frozen'
  /** Whether Dropout drops; true by default. */
  readonly dropout?: boolean
  /** Start from the weights of the file (the default) or from random ones (see graph/initial). */
  readonly initial?: 'file' | 'random'
  /** Of random weights; 0 by default. */
  readonly initialSeed?: number
  /** Replace the last layer by a random one for so many classes. */
  readonly classes?: number
  /** Which output holds the logits; the first one by default. */
  readonly output?: string
  /** Needed where the input's own width or height is dynamic and an operator needs to know it. */
  readonly size?: { readonly width: number; readonly height: number }
}

/** A carried value with what it is before the first step. */
interface Initial extends Carried {
  readonly initial: Float32Array<ArrayBuffer>
}

/** A mask of Dropout: each element is to be 0 with probability `ratio`, else 1 / (1 - ratio). */
interface TrainingMask {
  readonly input: string
  readonly ratio: number
  /** Null where a size is that of the batch. */
  readonly dims: readonly (number | null)[]
}

/** Any number of steps in one run: the carried values are those of the step, all else has an axis of steps in front. */
export interface StepSequence {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** What it is fed at `input` for the step's values: in blocks, filters keep the order of the kernels. May be those themselves. */
  pack(input: string, values: Float32Array): Float32Array
  /** The step's values of what this is fed at `input`. */
  unpack(input: string, values: Float32Array): Float32Array
}

export interface TrainingModel {
  /** The step as ONNX. Inputs: `input`, `target` [N, K], `rate` [], carried values and masks; all float32. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Name of the picture input. */
  readonly input: string
  /** Its sizes, the batch first; null where dynamic. */
  readonly dims: readonly (number | null)[]
  readonly classes: number
  /** The only batch size that the model takes; null means any. */
  readonly fixedBatch: number | null
  readonly carried: readonly Initial[]
  readonly masks: readonly TrainingMask[]
  /**
   * The same step, one after another. In blocks for batches of one size alone, on blocked values, which only onnxruntime's CPU
   * provider takes; null where it would have none.
   */
  sequence(blocks: Blocks | null): StepSequence | null
  /** The classifier as ONNX for inference, with `values` for some of its weights and statistics, by `name`. */
  classifier(values: ReadonlyMap<string, Float32Array>): Uint8Array<ArrayBuffer>
  /** The same with one output, `logits` float32 [N, K], and the input called as the step's is. */
  evaluation(values: ReadonlyMap<string, Float32Array>): Uint8Array<ArrayBuffer>
}

/**
 * The classifier in `bytes` (messages call it `name`) as a model of one training step: standard ONNX that takes pictures,
 * soft targets, weights, the optimiser's state and the learning rate, and gives `loss`, `logits`, and the next weights and
 * state. A value at `carried[i].output` is what `carried[i].input` is fed in the next step. Throws AugmentError 'model' for
 * what has no weights or cannot be differentiated, 'usage' for impossible options.
 */
export async function trainingModel(
  bytes: Uint8Array,
  name: string,
  options: TrainingOptions = {},
): Promise<TrainingModel> {
  checkOptions(options)
  const { loss = 'ce', labelSmoothing: smoothing = 0, weightDecay: decay = 0, clip = null } = options
  const { optimizer = { name: 'sgd' }, statistics = 'batch', dropout = true } = options
  const { model, types, fixedBatch, head, all } = await network(bytes, name, options)
  const chosen = chooseParameters(all, model, types, head, options.trainable ?? 'all')
  const isTrained = new Set(chosen.map((parameter) => parameter.name))
  if (options.classes !== undefined && !headOf(all, model, head).every((weight) => isTrained.has(weight)))
    throw new AugmentError('usage', `trainable: ${name} has a new last layer, expected weights that include it`)
  const settings = { loss, smoothing, optimizer, decay, clip, statistics, dropout, blocked: null }
  const step = trainingStep(model, types, head, chosen, settings)
  const initial = initialValues(model, head, all, options)
  const input = step.graph.inputs[0]!.name
  return {
    bytes: writeModel({ ...model, graph: step.graph }),
    input,
    dims: types.get(model.graph.inputs[0]!.name)!.dims,
    classes: head.classes,
    fixedBatch,
    carried: step.carried.map((c) => ({ ...c, initial: initial(c) })),
    masks: step.masks.map((mask) => ({ input: mask.name, ratio: mask.ratio, dims: mask.type.dims })),
    sequence(blocks) {
      const own = blocks ? trainingStep(model, types, head, chosen, { ...settings, blocked: blocks }) : step
      if (blocks && !own.graph.nodes.some((node) => node.domain === BLOCKED)) return null
      const whole = { ...model, graph: sequence(own) }
      const ordered = (order: typeof packedElements) => (name: string, values: Float32Array) => {
        const dims = own.packed.get(name)
        return blocks && dims ? order(values, dims, blocks.block) : values
      }
      const bytes = writeModel(blocks ? withDomain(whole, BLOCKED) : whole)
      return { bytes, pack: ordered(packedElements), unpack: ordered(plainElements) }
    },
    classifier: (values) => writeModel(withValues(model, values)),
    evaluation: (values) => {
      const trained = withValues(model, values)
      return writeModel({ ...trained, graph: evaluationGraph(trained, types, head) })
    },
  }
}

interface Network extends Prepared {
  readonly head: Head
  /** Every weight. */
  readonly all: readonly Parameter[]
}

/** The classifier, ready to be differentiated by its weights, with a new last layer if one is asked for. */
async function network(bytes: Uint8Array, name: string, options: TrainingOptions): Promise<Network> {
  const { classes, output, size } = options
  const folded = await foldConstants(withOwnVectors(inferenceForm(readModel(bytes, name))))
  const look = async (model: Model): Promise<Network> => {
    const prepared = await prepare(model, (type) => sizesOf(type, name, size), output)
    const head = findHead(prepared.model, prepared.types, output)
    const all = findParameters(prepared.model, prepared.types, folded.computed)
    if (all.length === 0) throw noWeights(prepared.model)
    return { ...prepared, head, all }
  }
  const found = await look(folded.model)
  if (classes === undefined) return found
  const renewed = withNewHead(folded.model, found.head, headOf(found.all, found.model, found.head), classes)
  const again = await look(renewed).catch((cause) => {
    throw noHead(renewed, classes, cause)
  })
  if (again.head.classes !== classes) throw noHead(renewed, classes)
  return again
}

/** Throws AugmentError 'usage' naming every option out of its range. */
function checkOptions({ labelSmoothing = 0, weightDecay = 0, clip, classes = 2, optimizer }: TrainingOptions): void {
  const problems: string[] = []
  const check = (place: string, isGood: boolean, expected: string, found: unknown) => {
    if (!isGood) problems.push(`${place}: expected ${expected}, got ${found}`)
  }
  const isShare = (value: number) => value >= 0 && value < 1
  check('labelSmoothing', isShare(labelSmoothing), 'a number from 0 to below 1', labelSmoothing)
  check('weightDecay', weightDecay >= 0 && Number.isFinite(weightDecay), 'a number of at least 0', weightDecay)
  check('classes', Number.isInteger(classes) && classes >= 2, 'a whole number of at least 2', classes)
  check('clip', clip === undefined || clip > 0, 'a number above 0', clip)
  if (optimizer?.name === 'sgd') {
    const { momentum = 0.9 } = optimizer
    check('momentum', isShare(momentum), 'a number from 0 to below 1', momentum)
  }
  if (optimizer?.name === 'adamw') {
    const { betas = [0.9, 0.999], epsilon = 1e-8 } = optimizer
    check('betas', betas.every(isShare), 'two numbers from 0 to below 1', betas.join(', '))
    check('epsilon', epsilon > 0, 'a number above 0', epsilon)
  }
  if (optimizer?.name === 'muon') {
    const { momentum = 0.95, iterations = 5, share = 0.05 } = optimizer
    check('momentum', isShare(momentum), 'a number from 0 to below 1', momentum)
    check('iterations', Number.isInteger(iterations) && iterations > 0, 'a whole number above 0', iterations)
    check('share', share >= 0 && Number.isFinite(share), 'a number of at least 0', share)
  }
  if (problems.length > 0) throw new AugmentError('usage', problems.join('\n'))
}

/** Names what there is instead of float32 weights. */
function noWeights({ graph, name }: Model): AugmentError {
  const types = [...graph.initializers.values()]
    .filter((t) => t.dims.length > 1 && t.dataType !== DataType.FLOAT)
    .map((t) => DataType[t.dataType])
  const found = [...new Set(types)].map((type) => type!.toLowerCase()).join(' and ')
  return new AugmentError('model', `${name}: no float32 weights to train${found ? `, found ${found}` : ''}`)
}

/** What a carried value is before the first step. */
function initialValues(
  model: Model,
  head: Head,
  all: readonly Parameter[],
  { initial = 'file', initialSeed: seed = 0, classes }: TrainingOptions,
) {
  const last = new Set(headOf(all, model, head))
  return ({ kind, name, dims }: Carried): Float32Array<ArrayBuffer> => {
    if (kind === 'state') return new Float32Array(dims.reduce((a, b) => a * b, 1))
    const stored = floats(model.graph.initializers.get(name)!)
    const isNew = classes !== undefined && last.has(name)
    if (initial === 'file' && !isNew) return stored
    if (kind === 'statistic') return stored.fill(isVariance(model, name) ? 1 : 0)
    const index = all.findIndex((parameter) => parameter.name === name)
    return initialWeight(all[index]!, dims, { seed, index, isLast: last.has(name) }) ?? stored
  }
}

const isVariance = ({ graph }: Model, name: string) =>
  graph.nodes.some((node) => node.opType === 'BatchNormalization' && node.input[4] === name)

/** Throws RangeError for values that the model has not, or of another size. */
function withValues(model: Model, values: ReadonlyMap<string, Float32Array>): Model {
  const initializers = new Map(model.graph.initializers)
  for (const [name, value] of values) {
    const tensor = initializers.get(name)
    const size = tensor?.dims.reduce((n, dim) => n * Number(dim), 1)
    if (!tensor || size !== value.length)
      throw new RangeError(`${name}: ${value.length} elements, expected ${size ?? 'a weight of the model'}`)
    initializers.set(name, rawTensor(name, DataType.FLOAT, tensor.dims.map(Number), value))
  }
  return { ...model, graph: { ...model.graph, initializers } }
}
