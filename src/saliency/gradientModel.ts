import { differentiate } from '../autodiff/differentiate.js'
import type { Loss } from '../autodiff/loss.js'
import { AugmentError } from '../core/errors.js'
import { readModel, writeModel } from '../onnx/model.js'
import type { Dim, ValueType } from '../onnx/valueInfo.js'
import { prepare } from './prepare.js'

export interface GradientOptions {
  /** 'ce' by default; 'logit' is the logit of the target itself. */
  readonly loss?: Loss
  /** Which output holds the logits, and which input to differentiate by; the first ones by default. */
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
  return writeModel(
    differentiate(model, { types, loss, ...(output !== undefined && { output }), ...(wrt !== undefined && { wrt }) }),
  )
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
