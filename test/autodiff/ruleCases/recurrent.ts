import { create } from '@bufbuild/protobuf'
import { AttributeProtoSchema, AttributeProto_AttributeType as AttributeType } from 'onnx-buf'
import { DataType } from '../../../src/onnx/tensor.js'
import { type Extra, one, type RuleCase } from './ruleCase.js'

/** Sequences of 3 steps, two of them at once, each step of 2 numbers, for layers of 3 units. */
const [STEPS, BATCH, GIVEN, UNITS] = [3, 2, 2, 3]

interface Form {
  readonly directions?: number
  /** Which of the optional operands there are. */
  readonly with?: readonly ('bias' | 'lengths' | 'h' | 'c' | 'peepholes')[]
  readonly attributes?: Record<string, number | string>
  readonly activations?: readonly string[]
  readonly outputs?: Extra['outputs']
  readonly opset?: number
}

function layer(op: string, gates: number, form: Form = {}): RuleCase {
  const d = form.directions ?? 1
  const has = (name: NonNullable<Form['with']>[number]) => form.with?.includes(name)
  const sizes = [
    [STEPS, BATCH, GIVEN],
    [d, gates * UNITS, GIVEN],
    [d, gates * UNITS, UNITS],
    has('bias') ? [d, 2 * gates * UNITS] : undefined,
    undefined,
    has('h') ? [d, BATCH, UNITS] : undefined,
    has('c') ? [d, BATCH, UNITS] : undefined,
    has('peepholes') ? [d, 3 * UNITS] : undefined,
  ]
  const lengths = { 4: { dims: [BATCH], values: [3, 2], dtype: DataType.INT32 } }
  const attributes = { hidden_size: UNITS, ...(d === 2 && { direction: 'bidirectional' }), ...form.attributes }
  const item = one(op, sizes, attributes, {
    outputs: form.outputs ?? (gates === 4 ? 3 : 2),
    range: [-1, 1],
    opset: form.opset ?? 17,
    ...(has('lengths') && { weights: lengths }),
  })
  if (form.activations) {
    const strings = form.activations.map((name) => new TextEncoder().encode(name))
    item.nodes[0]!.attribute.push(
      create(AttributeProtoSchema, { name: 'activations', type: AttributeType.STRINGS, strings }),
    )
  }
  return item
}

const all = ['bias', 'lengths', 'h'] as const

export const RECURRENT: Record<string, readonly RuleCase[]> = {
  RNN: [
    layer('RNN', 1),
    layer('RNN', 1, { with: ['bias'], opset: 22 }),
    layer('RNN', 1, { with: all, directions: 2, activations: ['Tanh', 'Sigmoid'] }),
    layer('RNN', 1, { attributes: { direction: 'reverse' }, outputs: ['', 'last'] }),
  ],
  GRU: [
    layer('GRU', 3),
    layer('GRU', 3, { with: ['bias'], opset: 22 }),
    layer('GRU', 3, { with: all, directions: 2 }),
    layer('GRU', 3, { with: ['bias', 'h'], attributes: { linear_before_reset: 1 } }),
    layer('GRU', 3, { with: ['bias', 'lengths'], attributes: { linear_before_reset: 1, direction: 'reverse' } }),
    layer('GRU', 3, { activations: ['Softsign', 'Softplus'], with: ['h'] }),
  ],
  LSTM: [
    layer('LSTM', 4),
    layer('LSTM', 4, { with: ['bias'], opset: 22 }),
    layer('LSTM', 4, { with: ['bias', 'h', 'c'], directions: 2 }),
    layer('LSTM', 4, { with: ['c'], attributes: { direction: 'reverse' }, outputs: ['y', '', 'cells'] }),
    layer('LSTM', 4, { with: ['h'], directions: 2, outputs: 1 }),
    layer('LSTM', 4, { outputs: ['', 'last', 'cells'] }),
    layer('LSTM', 4, { with: ['bias', 'peepholes'], opset: 22 }),
    layer('LSTM', 4, { with: [...all, 'c', 'peepholes'], directions: 2 }),
    layer('LSTM', 4, { with: ['bias', 'lengths', 'c'], attributes: { direction: 'reverse' } }),
    layer('LSTM', 4, { with: ['h', 'c', 'peepholes'], attributes: { input_forget: 1 }, outputs: ['y', '', 'cells'] }),
    layer('LSTM', 4, { activations: ['Sigmoid', 'Softsign', 'Softplus'], with: ['bias'], outputs: 1 }),
  ],
}
