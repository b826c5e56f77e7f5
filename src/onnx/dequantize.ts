/**
 * Turns a quantised model into one that computes with the real numbers its integers stand for: weights as they are rounded,
 * activations not rounded, but cut off where their integers end. Its gradient is exact, and near that of the model before it
 * was quantised, from which rounding would move it: ReLUs and MaxPools turn with it.
 */
import type { Graph, Model } from './model.js'
import { type NodeProto, operatorOf } from './node.js'
import { MOVED } from './quantised/moved.js'
import { FUSED } from './quantised/operators.js'
import { Reals } from './quantised/reals.js'

/** Operators that only a quantised model has. */
const MARKS = new Set(Object.keys(FUSED).filter((op) => op !== 'Cast'))

/** Those of them that read weights stored as integers, and compute with real numbers. */
const STORED = new Set(['DequantizeLinear', 'MatMulNBits'])

/** Whether a model computes with integers in place of real numbers; weights that are only stored so do not count. */
export function isQuantised({ graph }: Model): boolean {
  return graph.nodes.some((node) => MARKS.has(operatorOf(node)) && !STORED.has(node.opType))
}

/** The model in real numbers; the model itself if it is not quantised. */
export function dequantize(model: Model): Model {
  if (!model.graph.nodes.some((node) => MARKS.has(operatorOf(node)))) return model
  return { ...model, graph: dequantizedGraph(model.graph) }
}

function dequantizedGraph(graph: Graph): Graph {
  const reals = new Reals(graph)
  for (const node of graph.nodes) {
    const convert = FUSED[operatorOf(node)] ?? (MOVED.has(operatorOf(node)) ? moved : undefined)
    if (!convert?.(reals, node)) reals.keep(node)
  }
  return { ...graph, ...reals.finish(graph.outputs.map(({ name }) => name)) }
}

/** What only rearranges integers rearranges what they stand for. */
function moved(reals: Reals, node: NodeProto): boolean {
  const counted = node.opType === 'Concat' ? node.input.length : 1
  const [first, ...others] = node.input.slice(0, counted).map((value) => reals.grid(value))
  if (!first || others.some((grid) => !grid || !reals.isSameGrid(grid, first))) return false
  const inputs = node.input.map((value, i) => (i < counted ? reals.real(value, first) : value))
  reals.moved(node, inputs, first)
  return true
}
