/** Nodes and their attributes. */
import { create } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
} from 'onnx-buf'

export type { NodeProto }

/** onnxruntime's domain of operators on channels in blocks as wide as the registers of a processor, which a file does not tell. */
export const BLOCKED = 'com.microsoft.nchwc'

/** A floating-point attribute; bare numbers in `Attributes` are integers. */
interface FloatAttribute {
  readonly float: number
}

interface FloatsAttribute {
  readonly floats: readonly number[]
}

interface GraphAttribute {
  readonly graph: GraphProto
}

export type Attributes = Record<
  string,
  number | readonly number[] | string | FloatAttribute | FloatsAttribute | GraphAttribute
>

function makeAttribute(name: string, value: Attributes[string]): AttributeProto {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) })
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) })
  }
  if ('floats' in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: [...value.floats] })
  if ('graph' in value) return create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: value.graph })
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float })
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) })
}

/** A node of the standard domain, without a name, which would have to be unique. An absent optional input is ''. */
export function makeNode(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
): NodeProto {
  const attribute = Object.entries(attributes).map(([name, value]) => makeAttribute(name, value))
  return create(NodeProtoSchema, { opType, input: [...inputs], output: [...outputs], attribute })
}

function attribute(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((a) => a.name === name)
}

export function intAttribute(node: NodeProto, name: string, fallback: number): number {
  const found = attribute(node, name)
  return found ? Number(found.i) : fallback
}

export function intsAttribute(node: NodeProto, name: string): number[] | undefined {
  return attribute(node, name)?.ints.map(Number)
}

export function floatAttribute(node: NodeProto, name: string, fallback: number): number {
  return attribute(node, name)?.f ?? fallback
}

export function floatsAttribute(node: NodeProto, name: string): number[] | undefined {
  return attribute(node, name)?.floats
}

export function stringAttribute(node: NodeProto, name: string, fallback: string): string {
  const found = attribute(node, name)
  return found ? new TextDecoder().decode(found.s) : fallback
}

export function stringsAttribute(node: NodeProto, name: string): string[] | undefined {
  return attribute(node, name)?.strings.map((bytes) => new TextDecoder().decode(bytes))
}

export function tensorAttribute(node: NodeProto, name: string): TensorProto | undefined {
  return attribute(node, name)?.t
}

export function attributesWithout(node: NodeProto, names: readonly string[]): AttributeProto[] {
  return node.attribute.filter((a) => !names.includes(a.name))
}

/** Whether the node is of the standard operator set. */
export function isStandard(node: NodeProto): boolean {
  return node.domain === '' || node.domain === 'ai.onnx'
}

/** Whether the node holds a subgraph (If, Loop, Scan and their like). */
export function hasSubgraph(node: NodeProto): boolean {
  return node.attribute.some((a) => a.type === AttributeType.GRAPH || a.type === AttributeType.GRAPHS)
}

/** Every value that the node reads, be it by a subgraph. */
export function readsOf(node: NodeProto): string[] {
  const within = node.attribute.flatMap(({ g }) => {
    const made = new Set(g?.node.flatMap(({ output }) => output))
    return (g?.node ?? []).flatMap(readsOf).filter((value) => !made.has(value))
  })
  return [...node.input, ...within].filter((value) => value !== '')
}

/** The operator, after its domain unless that is the standard one. */
export function operatorOf(node: NodeProto): string {
  return isStandard(node) ? node.opType : `${node.domain}.${node.opType}`
}

/** A name as messages show it; whatever a file calls its values, it neither breaks the line nor moves the cursor. */
export function quoted(name: string): string {
  return JSON.stringify(name)
}

/** How messages name a node: `GridSample (node "/stn/grid", opset 16)`. */
export function describe(node: NodeProto, opset?: number): string {
  const operator = operatorOf(node).replace(/[^\w.]/g, '?')
  return `${operator} (node ${quoted(node.name || node.output[0] || '')}${opset === undefined ? '' : `, opset ${opset}`})`
}
