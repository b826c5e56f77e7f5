import { type AppendOptions, appendGradient } from '../autodiff/appendGradient.js'
import { severed } from '../autodiff/backward.js'
import { findHead } from '../autodiff/head.js'
import type { Loss } from '../autodiff/loss.js'
import { AugmentError } from '../core/errors.js'
import { type Model, readModel, writeModel } from '../onnx/model.js'
import { describe, quoted } from '../onnx/node.js'
import { DataType, isFloat } from '../onnx/tensor.js'
import type { Dim, ValueType } from '../onnx/valueInfo.js'
import { reshapedSizes } from './declareSizes.js'
import { prepare } from './prepare.js'

export interface GradientOptions {
  /** 'ce' by default; 'logit' is the logit of the target itself. */
  readonly loss?: Loss
  /** Which output holds the logits (see chooseOutput), and which input to differentiate by, the first one by default. */
  readonly output?: string
  readonly wrt?: string
  /** Needed where the input's own width or height is dynamic and an operator needs to know it. */
  readonly size?: { readonly width: number; readonly height: number }
}

/**
 * The classifier in `bytes` (messages call it `name`) with the input gradient of a loss: one more input, `target` float32
 * [N, K], and outputs `logits` float32 [N, K] and `gradient`. For 'ce' and 'bce' the gradient of each image has a positive
 * factor of its own, which keeps it from vanishing (see autodiff/loss). Throws AugmentError 'model'.
 */
export async function gradientModel(
  bytes: Uint8Array,
  name: string,
  options: GradientOptions = {},
): Promise<Uint8Array> {
  const { loss = 'ce', output, wrt, size } = options
  const { model, types } = await prepare(readModel(bytes, name), (type) => sizesOf(type, name, size), output)
  const found = gradientOf(model, { types, loss, ...(wrt !== undefined && { wrt }) })
  return writeModel(found, await reshapedSizes(found))
}

/** The differentiated model. Throws AugmentError 'model' also where its gradient would be zero whatever is fed. */
export function gradientOf(model: Model, options: AppendOptions): Model {
  const { graph, name } = model
  const found = appendGradient(model, options)
  const wrt = options.wrt ?? graph.inputs[0]!.name
  const { logits } = findHead(model, options.types)
  const isDifferentiable = (value: string) => isFloat(options.types.get(value)?.dtype ?? DataType.UNDEFINED)
  const cuts = severed(graph, isDifferentiable, [logits], wrt)
  if (cuts === null) return found
  const place = `${name}: no gradient reaches input ${quoted(wrt)}`
  const lines = cuts.map((node) => `${place}: ${describe(node)} has none`)
  throw new AugmentError('model', lines.join('\n') || `${place}: ${quoted(logits)} does not depend on it`)
}

/** The dynamic sizes behind the batch are, in order, height and width. */
export function sizesOf({ dims }: ValueType, name: string, size: GradientOptions['size']): readonly Dim[] {
  if (!size) return dims
  const given = [size.height, size.width]
  const sized = dims.map((dim, axis) => (dim === null && axis > 0 ? (given.shift() ?? null) : dim))
  if (given.length === 2 || sized.slice(1).includes(null)) {
    throw new AugmentError(
      'usage',
      `--size: ${name} takes [${dims.map((d) => d ?? '?').join(', ')}], expected a dynamic height and width`,
    )
  }
  return sized
}
