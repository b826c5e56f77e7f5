/** Vectors end to end: a step has hundreds, for each of which a node takes longer than its elements do. */
import type { GraphBuilder, Value } from '../../autodiff/builder.js'

/** The vectors as one. */
export const joined = (g: GraphBuilder, vectors: readonly Value[]): Value =>
  vectors.length === 1 ? vectors[0]! : g.emit('Concat', vectors, { axis: 0 })

/** Emits the parts of a vector, of sizes `sizes`, as `outputs`. */
export function parted(g: GraphBuilder, whole: Value, sizes: readonly number[], outputs: readonly Value[]): void {
  if (outputs.length === 1) g.emit('Identity', [whole], {}, outputs[0])
  else g.emitMany('Split', [whole, g.integers(sizes)], { axis: 0 }, [...outputs])
}
