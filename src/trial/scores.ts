/** How good a classifier's answers are. */
import { heaviest } from '../core/softLabel.js'

export interface Scores {
  /** Share of the pictures whose heaviest class is found. */
  readonly accuracy: number
  /** Mean of -sum y log p, in nats. */
  readonly logLoss: number
  /** Expected calibration error, 0 to 1. */
  readonly calibration: number
}

/** Bins of the calibration error. */
const BINS = 15

/** Probabilities: softmax of each row of `logits` [n, K]. */
function softmaxRows(logits: Float32Array, classes: number): Float64Array {
  const result = new Float64Array(logits.length)
  for (let first = 0; first < logits.length; first += classes) {
    let most = Number.NEGATIVE_INFINITY
    for (let k = 0; k < classes; k++) most = Math.max(most, logits[first + k]!)
    let sum = 0
    for (let k = 0; k < classes; k++) {
      result[first + k] = Math.exp(logits[first + k]! - most)
      sum += result[first + k]!
    }
    for (let k = 0; k < classes; k++) result[first + k]! /= sum
  }
  return result
}

/** 1 for each row whose largest logit is the heaviest class of its target, both [n, K]. */
export function rightOf(logits: Float32Array, target: Float32Array, classes: number): Uint8Array {
  return Uint8Array.from({ length: logits.length / classes }, (_, i) => {
    const row = (values: Float32Array) => heaviest(values.subarray(i * classes, (i + 1) * classes))
    return Number(row(logits) === row(target))
  })
}

/**
 * Accuracy, log loss and calibration error of `logits` [n, K] against `target` [n, K]. With confidence = the largest
 * probability, in 15 bins of equal width (Guo et al. 2017, arXiv 1706.04599):
 *     ECE = sum over bins of |bin| / n |accuracy in the bin - mean confidence in it|.
 */
export function scoresOf(logits: Float32Array, target: Float32Array, classes: number): Scores {
  const n = logits.length / classes
  const p = softmaxRows(logits, classes)
  const right = rightOf(logits, target, classes)
  const [hits, confidence] = [new Float64Array(BINS), new Float64Array(BINS)]
  let [loss, found] = [0, 0]
  for (let i = 0; i < n; i++) {
    let most = 0
    for (let k = 0; k < classes; k++) {
      const at = i * classes + k
      if (target[at]! > 0) loss -= target[at]! * Math.log(Math.max(p[at]!, Number.MIN_VALUE))
      most = Math.max(most, p[at]!)
    }
    // Right-closed bins, as Guo et al. have them.
    const bin = Math.max(0, Math.ceil(most * BINS) - 1)
    hits[bin]! += right[i]!
    confidence[bin]! += most
    found += right[i]!
  }
  const calibration = hits.reduce((sum, hit, bin) => sum + Math.abs(hit - confidence[bin]!), 0) / n
  return { accuracy: found / n, logLoss: loss / n, calibration }
}
