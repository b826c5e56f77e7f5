import { Makers } from '../autodiff/head.js'
import type { Graph } from '../onnx/model.js'

/** Operators that only hand pixels on, moved or in another type. */
const TRANSPARENT = new Set(['Cast', 'Identity', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze'])

/** What only a pixel of 0 to 255 is divided by, or has taken away from it. */
const LARGE = 30

/**
 * Whether the first arithmetic that a classifier does with its `input` shows that it takes 0 to 255: it divides by a number as large
 * as 255 or 127.5, or subtracts a mean as large as 123.7.
 */
export function scalesPixels(graph: Graph, input: string): boolean {
  const makers = new Makers(graph)
  let value = input
  for (const node of graph.nodes) {
    if (!node.input.includes(value)) continue
    if (TRANSPARENT.has(node.opType)) value = node.output[0]!
    else if (node.opType !== 'Shape') {
      const constant = makers.list(node.input.find((other) => other !== value)) ?? []
      return constant.length > 0 && constant.every((c) => isLarge(node.opType, c))
    }
  }
  return false
}

function isLarge(operator: string, constant: number): boolean {
  if (operator === 'Div' || operator === 'Sub') return constant > LARGE
  if (operator === 'Mul') return constant > 0 && constant < 1 / LARGE
  return operator === 'Add' && constant < -LARGE
}
