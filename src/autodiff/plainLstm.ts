import { floatsAttribute, intAttribute, type NodeProto, stringsAttribute } from '../onnx/node.js'

const ACTIVATIONS = ['Sigmoid', 'Tanh', 'Tanh']

/** Whether an LSTM is in the form that most have, which has a rule of its own: others are written out. */
export function isPlainLstm(node: NodeProto): boolean {
  const [, , , , lengths, , , peepholes] = node.input
  const names = stringsAttribute(node, 'activations') ?? []
  const isOther =
    node.attribute.some(({ name }) => name === 'clip') ||
    ['layout', 'input_forget'].some((name) => intAttribute(node, name, 0) !== 0) ||
    ['activation_alpha', 'activation_beta'].some((name) => (floatsAttribute(node, name) ?? []).length > 0)
  return !isOther && names.every((name, i) => name === ACTIVATIONS[i % 3]) && !lengths && !peepholes && !!node.output[0]
}
