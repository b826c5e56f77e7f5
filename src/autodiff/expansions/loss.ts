import { intAttribute, type NodeProto, stringAttribute } from '../../onnx/node.js'
import type { GraphBuilder, Value } from '../builder.js'
import type { Expansion } from '../expansion.js'

/** The loss of log probabilities [N, C, ...] at the labels [N, ...], weighted by class; a label to be ignored weighs 0. */
function lossOf(g: GraphBuilder, node: NodeProto, logs: Value): Value {
  const [scores, labels, weights] = node.input as [Value, Value, Value?]
  const rank = g.dims(scores).length
  const classes = g.size(scores, 1)
  const choices = [labels, g.integers([classes]), g.constant(g.dtype(scores), [0, 1])]
  let chosen = g.emit('OneHot', choices, { axis: 1 })
  if (weights) chosen = g.mul(chosen, g.reshape(weights, [1, classes, ...Array(rank - 2).fill(1)]))
  if (node.attribute.some((a) => a.name === 'ignore_index')) {
    const ignored = g.emit('Equal', [labels, intAttribute(node, 'ignore_index', 0)])
    chosen = g.where(g.unsqueeze(ignored, [1]), 0, chosen)
  }
  const loss = g.emit('Neg', [g.reduce('Sum', g.mul(chosen, logs), [1], false)])
  const reduction = stringAttribute(node, 'reduction', 'mean')
  if (reduction === 'none') return loss
  const all = (value: Value, axes: number) =>
    g.reduce(
      'Sum',
      value,
      Array.from({ length: axes }, (_, i) => i),
      false,
    )
  const total = all(loss, rank - 1)
  return reduction === 'sum' ? total : g.div(total, all(chosen, rank))
}

export const LOSS: Record<string, Expansion> = {
  NegativeLogLikelihoodLoss: (g, node) => [lossOf(g, node, node.input[0]!)],
  SoftmaxCrossEntropyLoss: (g, node) => {
    const logs = g.emit('LogSoftmax', [node.input[0]!], { axis: 1 })
    return [lossOf(g, node, logs), logs]
  },
}
