/** Losses that a training step reports, with their cotangents on the logits. */
import type { GraphBuilder, Value } from '../../autodiff/builder.js'
import { DataType } from '../../onnx/tensor.js'

export type TrainingLoss = 'ce' | 'bce'

interface LossAndCotangent {
  /** Scalar: the mean over the batch. */
  readonly loss: Value
  /** [N, K], of that scalar. */
  readonly cotangent: Value
}

/** Targets y as (1 - s) y + s / K. */
function smoothed(g: GraphBuilder, target: Value, classes: number, smoothing: number): Value {
  return smoothing === 0 ? target : g.add(g.mul(target, 1 - smoothing), smoothing / classes)
}

/** The mean over all axes, as a scalar. */
function mean(g: GraphBuilder, value: Value): Value {
  return g.reduce('Mean', value, [0, 1], false)
}

/**
 * The loss of logits z against soft labels y, both float32 [N, K], smoothed by s in [0, 1).
 * 'ce': -sum_k y_k log softmax(z)_k, the mean over N; cotangent (softmax(z) sum y - y) / N.
 * 'bce': softplus(z) - y z, the mean over N and K; cotangent (sigmoid(z) - y) / (N K).
 */
export function lossOf(
  g: GraphBuilder,
  z: Value,
  target: Value,
  classes: number,
  { loss, smoothing }: { readonly loss: TrainingLoss; readonly smoothing: number },
): LossAndCotangent {
  const y = smoothed(g, target, classes, smoothing)
  const batch = g.emit('Gather', [g.emit('Shape', [z]), g.constant(DataType.INT64, [0], [])])
  const count = g.cast(batch, DataType.FLOAT)
  if (loss === 'bce') {
    const each = g.sub(g.emit('Softplus', [z]), g.mul(y, z))
    return { loss: mean(g, each), cotangent: g.div(g.sub(g.emit('Sigmoid', [z]), y), g.mul(count, classes)) }
  }
  const log = g.emit('LogSoftmax', [z], { axis: 1 })
  // The mean over N and K times -K is the mean over N of the negative sum.
  const value = g.mul(mean(g, g.mul(y, log)), -classes)
  const weighted = g.mul(g.emit('Exp', [log]), g.reduce('Sum', y, [1]))
  return { loss: value, cotangent: g.div(g.sub(weighted, y), count) }
}
