/** From a model as it was exported to one in which every operator has the one form that the gradient rules know. */
import { constantsAsWeights } from './constants.js'
import { dequantize } from './dequantize.js'
import { floatInput } from './floatInput.js'
import type { Model } from './model.js'
import { normalize } from './normalize.js'
import { poolFirst } from './poolFirst.js'
import { widen } from './widen.js'

/** The same function in standard operators of one opset, computed in float32 from a float input. Throws AugmentError 'model'. */
export function standardize(model: Model): Model {
  return poolFirst(dequantize(floatInput(widen(normalize(constantsAsWeights(model))))))
}
