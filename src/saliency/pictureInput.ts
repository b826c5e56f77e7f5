import type { Preprocessing, PreprocessingInput } from '../classifiers/preprocessing.js'
import { AugmentError } from '../core/errors.js'
import type { Model } from '../onnx/model.js'
import { quoted } from '../onnx/node.js'
import { type DataType, isInteger } from '../onnx/tensor.js'
import { type Dim, declaredType, typeName } from '../onnx/valueInfo.js'
import { scalesPixels } from './scalesPixels.js'

/** The classifier's picture input, and how pixels become it. */
export interface PictureInput {
  readonly name: string
  /** As the file declares it. */
  readonly dtype: DataType
  readonly channels: number
  readonly width: number
  readonly height: number
  /** As the model takes them, batch first. */
  readonly dims: readonly Dim[]
  readonly preprocessing: Preprocessing
  readonly scaling: Scaling
}

/**
 * How the numbers of its pixels are known: somebody said so; the model shows that it takes 0 to 255; or nothing tells, and ImageNet's
 * mean and deviation are assumed.
 */
export type Scaling = 'given' | 'shown' | 'assumed'

/** What is known from elsewhere of a classifier's input; `width` and `height` are needed where the model leaves them open. */
export interface InputOptions {
  readonly preprocessing: PreprocessingInput
  readonly width?: number | undefined
  readonly height?: number | undefined
}

/** What most classifiers of photographs expect: mean and deviation over ImageNet, of pixels / 255. */
const IMAGENET = { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

/** The layout that the sizes show: the one whose channel axis has 1 or 3 channels; channels first where both have. */
function layoutOf([, first, , last]: readonly Dim[]): Preprocessing['layout'] {
  const isChannels = (dim: Dim | undefined) => dim === 1 || dim === 3
  return isChannels(last) && !isChannels(first) ? 'nhwc' : 'nchw'
}

/** 0..255 as they are, for a model that scales them itself. */
const unscaled = (channels: number) => ({
  scale: 1,
  mean: Array<number>(channels).fill(0),
  std: Array<number>(channels).fill(1),
})

/** What is taken for scale, mean and deviation where only some of them are said. */
function usualScaling(channels: number, isUnscaled: boolean) {
  if (isUnscaled) return unscaled(channels)
  return channels === 1 ? { ...unscaled(1), scale: IMAGENET.scale } : IMAGENET
}

/** How the numbers of the pixels of `input` are known. An input of integers can take nothing but 0..255. */
function scalingOf({ graph }: Model, input: string, dtype: DataType, given: PreprocessingInput): Scaling {
  if (given.scale !== undefined || given.mean !== undefined || given.std !== undefined) return 'given'
  return isInteger(dtype) || scalesPixels(graph, input) ? 'shown' : 'assumed'
}

/** The picture input of `model`. Throws AugmentError 'model' where it is none, and 'usage' where a size is missing. */
export function pictureInput(model: Model, options: InputOptions): PictureInput {
  const { inputs } = model.graph
  const [info, ...others] = inputs
  if (!info || others.length > 0) {
    const names = inputs.map(({ name }) => name).join(', ')
    throw new AugmentError('model', `${model.name}: ${inputs.length} inputs (${names}), expected one, the picture`, {
      hint: `"inputs": {"${inputs.at(-1)?.name}": [...]} in the .json beside the model gives the others fixed values`,
    })
  }
  const type = declaredType(info)
  const found = type ? `[${type.dims.map((d) => d ?? '?').join(', ')}]` : 'of unknown rank'
  const place = `${model.name}: input ${quoted(info.name)} is`
  if (type?.dims.length !== 4) throw new AugmentError('model', `${place} ${found}, expected 4 axes`)
  const { dtype } = type
  const { layout = layoutOf(type.dims), colorOrder = 'rgb', ...given } = options.preprocessing
  const [batch, ...rest] = type.dims as [Dim, Dim, Dim, Dim]
  const [c, h, w] = layout === 'nchw' ? rest : [rest[2], rest[0], rest[1]]
  const scaling = scalingOf(model, info.name, dtype, given)
  if (c === 1 && scaling === 'assumed') {
    throw new AugmentError('model', `${place} ${found}, and nothing says how its grey pixels are scaled`, {
      hint: `sage-augment inspect ${model.name} --try <labelled pictures> finds out; or put "mean" and "std" into the .json beside it`,
    })
  }
  const usual = usualScaling(c ?? 3, scaling === 'shown' || isInteger(dtype))
  const { scale = usual.scale, mean = usual.mean, std = usual.std } = given
  const channels = c ?? mean.length
  if ((channels !== 1 && channels !== 3) || mean.length !== channels || std.length !== channels) {
    throw new AugmentError(
      'model',
      `${place} ${found}, expected 1 or 3 channels (${layout}) and as many means and deviations`,
    )
  }
  const isWhole = [0, 1].every((pixel) => mean.every((m, i) => Number.isInteger((pixel * scale - m) / std[i]!)))
  if (isInteger(dtype) && !isWhole) {
    const text = `scale ${scale}, mean [${mean.join(', ')}] and std [${std.join(', ')}]`
    throw new AugmentError('usage', `${place} ${typeName(dtype)}: ${text} make fractions, expected whole numbers`, {
      hint: 'such a model scales its pixels itself: leave out scale, mean and std to give it 0 to 255',
    })
  }
  const size = (axis: string, declared: Dim, known: number | undefined) => {
    if (declared === null && known === undefined) {
      throw new AugmentError('usage', `${model.name}: the input's ${axis} is not fixed, expected a size`, {
        hint: '--input-size WxH (of inspect: --size), or width and height in the .json beside the model',
      })
    }
    return (declared ?? known)!
  }
  const [height, width] = [size('height', h, options.height), size('width', w, options.width)]
  const dims = layout === 'nchw' ? [batch, channels, height, width] : [batch, height, width, channels]
  const preprocessing = { scale, mean, std, layout, colorOrder }
  return { name: info.name, dtype, channels, width, height, dims, preprocessing, scaling }
}
