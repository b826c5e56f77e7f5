import type { NodeProto } from '../onnx/node.js'
import type { GraphBuilder, Value } from './builder.js'

/**
 * An operator written out in simpler ones, whose rules then make its gradient: emits them and answers the value of every
 * output that the node names. Undefined for a form that is not covered.
 */
export type Expansion = (g: GraphBuilder, node: NodeProto) => readonly (Value | null)[] | undefined
