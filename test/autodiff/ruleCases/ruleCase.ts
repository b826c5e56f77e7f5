import { type Attributes, makeNode, type NodeProto } from '../../../src/onnx/node.js'
import { DataType } from '../../../src/onnx/tensor.js'
import type { Weight } from '../../helpers/onnx.js'

/** A graph from the inputs a, b, ... to y; floating-point inputs are differentiated unless they are weights. */
export interface RuleCase {
  readonly nodes: readonly NodeProto[]
  readonly inputs: Record<string, readonly number[]>
  readonly weights: Record<string, Weight>
  /** Values are spread evenly over this range, none equal, in a scrambled order. */
  readonly range: readonly [number, number]
  readonly opset: number
  /** The operator computes in float32 whatever it is given: differences need a wide step. */
  readonly isCoarse?: boolean
}

export interface Extra {
  /** Constant operands by position: their values, or sizes of a floating-point weight. */
  readonly integers?: Record<number, readonly number[] | number>
  readonly weights?: Record<number, Weight>
  readonly booleans?: Record<number, Weight>
  readonly range?: readonly [number, number]
  readonly opset?: number
  /** How many, or their names; '' for one that is left out. */
  readonly outputs?: number | readonly string[]
  readonly domain?: string
  readonly isCoarse?: boolean
}

const LETTERS = 'abcdefgh'

/** One node; `sizes` holds an operand's sizes by position, undefined where `extra` has a constant or it is absent. */
export function one(
  op: string,
  sizes: readonly (readonly number[] | undefined)[],
  attributes: Attributes = {},
  extra: Extra = {},
): RuleCase {
  const constants: Record<string, Weight> = {}
  for (const [i, values] of Object.entries(extra.integers ?? {})) {
    const list = typeof values === 'number' ? [values] : values
    const dims = typeof values === 'number' ? [] : [values.length]
    constants[LETTERS[Number(i)]!] = { dims, values: list, dtype: DataType.INT64 }
  }
  for (const [i, weight] of Object.entries(extra.weights ?? {})) constants[LETTERS[Number(i)]!] = weight
  for (const [i, weight] of Object.entries(extra.booleans ?? {}))
    constants[LETTERS[Number(i)]!] = { ...weight, dtype: DataType.BOOL }
  const inputs = Object.fromEntries(sizes.flatMap((s, i) => (s ? [[LETTERS[i]!, s] as const] : [])))
  const last = Math.max(...[...Object.keys(inputs), ...Object.keys(constants)].map((letter) => LETTERS.indexOf(letter)))
  const names = Array.from({ length: last + 1 }, (_, i) => LETTERS[i]!).map((n) =>
    n in inputs || n in constants ? n : '',
  )
  const { outputs = 1, domain = '' } = extra
  const made =
    typeof outputs === 'number' ? Array.from({ length: outputs }, (_, i) => (i === 0 ? 'y' : `y${i}`)) : outputs
  return {
    nodes: [Object.assign(makeNode(op, names, made, attributes), { domain })],
    inputs,
    weights: constants,
    range: extra.range ?? [-2, 2],
    opset: extra.opset ?? 17,
    ...(extra.isCoarse && { isCoarse: true }),
  }
}

/** A floating-point constant of the given sizes. */
export function weight(dims: readonly number[], values?: readonly number[]): Weight {
  const size = dims.reduce((a, b) => a * b, 1)
  return { dims, values: values ?? Array.from({ length: size }, (_, i) => Math.sin(1.7 * i + 0.4)) }
}

export const positive = { range: [0.3, 2.5] } as const
export const float = (value: number) => ({ float: value })
export const floats = (...values: number[]) => ({ floats: values })
