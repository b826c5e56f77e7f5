import { hasRule } from '../autodiff/backward.js'
import { findHead, type Head } from '../autodiff/head.js'
import { findLayers, linearHead } from '../autodiff/layers.js'
import type { PreprocessingInput } from '../classifiers/preprocessing.js'
import { AugmentError } from '../core/errors.js'
import { isQuantised } from '../onnx/dequantize.js'
import { type Model, readModel } from '../onnx/model.js'
import { operatorOf } from '../onnx/node.js'
import { chooseOutput, withOutput } from '../onnx/outputs.js'
import { standardize } from '../onnx/standardize.js'
import { isInteger } from '../onnx/tensor.js'
import { declaredType, inferDtypes, typeName } from '../onnx/valueInfo.js'
import { layerByRule } from './activationMap.js'
import { type GradientOptions, gradientOf, sizesOf } from './gradientModel.js'
import { type PictureInput, pictureInput } from './pictureInput.js'
import { type Prepared, prepare } from './prepare.js'

/** What is known of a model, as far as its file and trying it tell. */
export interface Inspection {
  readonly file: string
  readonly opset: number
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** Of what the output needs, most frequent first. */
  readonly operators: readonly { readonly operator: string; readonly count: number; readonly hasRule: boolean }[]
  /** The picture input, where it is one. */
  readonly picture: Picture | null
  /** The output that holds the classes, and the value that is differentiated for it: the logits behind probabilities. */
  readonly head: { readonly output: string; readonly logits: string; readonly classes: number } | null
  /** What --saliency can map beside the gradient; null where the sizes are open or it is no classifier of pictures. */
  readonly maps: Maps | null
  /** Pictures that are computed at once: any number, or so many. */
  readonly batch: number | 'any' | null
  /** Whether that is one because several would influence each other. */
  readonly coupled: boolean
  /** Whether it computes with integers: it is differentiated in the real numbers that they stand for. */
  readonly quantised: boolean
  /** Why it cannot be differentiated, as `gradientOf` says; none if it can. */
  readonly problems: readonly string[]
  /** A command that uses it. */
  readonly command: string | null
}

interface Port {
  readonly name: string
  readonly type: string
  /** Sizes, null where dynamic; null if the model does not say. */
  readonly dims: readonly (number | null)[] | null
}

interface Maps {
  /** Why there is no class activation map; null if there is one. */
  readonly noCam: string | null
  /** The layers that --layer takes, from the picture on. */
  readonly layers: readonly { readonly name: string; readonly width: number; readonly height: number }[]
  /** Those that are read by rule. */
  readonly gradcam: string | null
  readonly layercam: string | null
}

interface Picture {
  readonly name: string
  readonly layout: 'nchw' | 'nhwc'
  readonly channels: number
  /** What the numbers of a pixel are. */
  readonly range: string
}

/** What is known of a model from elsewhere. */
export interface InspectOptions {
  readonly output?: string | undefined
  readonly size?: GradientOptions['size'] | undefined
  readonly preprocessing?: PreprocessingInput | undefined
  /** Who says so; null for its .json. */
  readonly told?: string | null | undefined
}

/**
 * Looks at the ONNX model in `bytes` (messages call it `name`) by doing all that differentiating it does. Throws
 * AugmentError 'model' for what is no sound model.
 */
export async function inspectModel(
  bytes: Uint8Array,
  name: string,
  { output, size, preprocessing = {}, told = null }: InspectOptions = {},
): Promise<Inspection> {
  const original = readModel(bytes, name)
  const problems: string[] = []
  const attempt = async <T>(what: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await what()
    } catch (error) {
      if (!(error instanceof AugmentError)) throw error
      problems.push(...error.message.split('\n'), ...(error.hint === undefined ? [] : [`hint: ${error.hint}`]))
      return null
    }
  }
  const chosen = await attempt(() => chooseOutput(original, output))
  const prepared =
    chosen === null ? null : await attempt(() => prepare(original, (type) => sizesOf(type, name, size), chosen))
  const head = prepared && (await attempt(() => findHead(prepared.model, prepared.types)))
  if (prepared && head) await attempt(() => gradientOf(prepared.model, { types: prepared.types, loss: 'ce' }))
  const picture = pictureOf(original, { preprocessing, size, told })
  return {
    file: name,
    opset: original.opset,
    inputs: portsOf(original, original.graph.inputs),
    outputs: portsOf(original, original.graph.outputs),
    operators: operatorsOf(prepared?.model ?? standardize(chosen ? withOutput(original, chosen) : original)),
    picture,
    head: prepared && head && { output: prepared.output, logits: head.logits, classes: head.classes },
    maps: prepared && head && mapsOf(prepared, head, original, size),
    batch: prepared && batchOf(prepared),
    coupled: prepared?.coupled ?? false,
    quantised: isQuantised(original),
    problems,
    command: problems.length > 0 ? null : commandFor(name, picture, { output, size }),
  }
}

function mapsOf({ model, types }: Prepared, head: Head, original: Model, size: GradientOptions['size']): Maps | null {
  try {
    const { name, width, height } = pictureInput(original, { preprocessing: {}, ...size })
    const classifier = { graph: model.graph, types, logits: head.logits, input: { name, width, height } }
    const layers = findLayers(classifier)
    const linear = linearHead(classifier)
    return {
      noCam: typeof linear === 'string' ? linear : null,
      layers: layers.map((layer) => ({ name: layer.value, width: layer.width, height: layer.height })),
      gradcam: layerByRule('gradcam', layers)?.value ?? null,
      layercam: layerByRule('layercam', layers)?.value ?? null,
    }
  } catch (error) {
    if (!(error instanceof AugmentError)) throw error
    return null
  }
}

const batchOf = ({ fixedBatch }: Prepared) => fixedBatch ?? 'any'

/** Inputs and outputs as they are declared, with the element types that the graph makes. */
function portsOf({ graph }: Model, infos: Model['graph']['inputs']): Port[] {
  const dtypes = inferDtypes(graph)
  return infos.map((info) => {
    const type = info.type?.value
    const isTensor = type?.case === undefined || type.case === 'tensorType'
    const kind = isTensor ? typeName(dtypes.get(info.name)!) : type.case.replace(/Type$/, '')
    return { name: info.name, type: kind, dims: declaredType(info)?.dims ?? null }
  })
}

function operatorsOf({ graph }: Model): Inspection['operators'] {
  const counts = new Map<string, { count: number; hasRule: boolean }>()
  for (const node of graph.nodes) {
    const known = counts.get(operatorOf(node))
    counts.set(operatorOf(node), { count: (known?.count ?? 0) + 1, hasRule: hasRule(node) })
  }
  return [...counts].map(([operator, entry]) => ({ operator, ...entry })).sort((a, b) => b.count - a.count)
}

/** Any size would do: the sizes that a model leaves open do not tell what it takes. */
const SOME_SIZE = { width: 224, height: 224 }

function pictureOf(model: Model, { preprocessing: known = {}, size, told }: InspectOptions): Picture | null {
  try {
    const input = pictureInput(model, { preprocessing: known, ...(size ?? SOME_SIZE) })
    const { name, dtype, channels } = input
    const { layout } = input.preprocessing
    return { name, layout, channels, range: isInteger(dtype) ? 'whole numbers, 0 to 255' : rangeOf(input, told) }
  } catch (error) {
    if (!(error instanceof AugmentError)) throw error
    return null
  }
}

function rangeOf({ preprocessing: { scale, mean, std, colorOrder }, scaling }: PictureInput, told?: string | null) {
  if (scaling === 'shown') return '0 to 255, as it scales them itself'
  if (scaling === 'assumed')
    return "not told by the model: ImageNet's mean and std are assumed; --try <images> finds out"
  const list = (values: readonly number[]) => `[${values.map((value) => Number(value.toPrecision(6))).join(', ')}]`
  const numbers = `(pixel x ${Number(scale.toPrecision(4))} - ${list(mean)}) / ${list(std)}, ${colorOrder.toUpperCase()}`
  return `${numbers}, as told by ${told ?? 'its .json'}`
}

function commandFor(
  name: string,
  picture: Picture | null,
  { output, size }: { output: string | undefined; size: GradientOptions['size'] | undefined },
) {
  const chosen = output === undefined ? '' : ` --output ${output}`
  const sized = size === undefined ? '' : `${size.width}x${size.height}`
  if (picture === null) return `sage-augment grad ${name} --out grad.onnx${chosen}${sized && ` --size ${sized}`}`
  return `sage-augment <images> --model ${name}${chosen}${sized && ` --input-size ${sized}`}`
}
