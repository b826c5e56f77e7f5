/** Constants that a model computes while it runs, of which training needs the values. */
import type { Graph } from '../../onnx/model.js'
import { isStandard, type NodeProto } from '../../onnx/node.js'
import { DataType, ELEMENT_SIZE, isFloat } from '../../onnx/tensor.js'
import { inferDtypes } from '../../onnx/valueInfo.js'

/**
 * What a constant is made from: `weight`, a float32 tensor of the file; `packed`, one that the file holds in fewer bits;
 * `number`, all else, such as indices and masks.
 */
type Origin = 'weight' | 'packed' | 'number'

export interface Constants {
  /** Nodes whose results are the same whatever is fed. */
  readonly nodes: ReadonlySet<NodeProto>
  /** Floating-point values that these nodes make for others. */
  readonly values: readonly string[]
  /** Those of `values` that come from numbers alone. */
  readonly computed: ReadonlySet<string>
}

/** Every element of the result is one of the first input, and each is used once. */
const ONE_TO_ONE = new Set(['Cast', 'Flatten', 'Identity', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze'])
/** How packed weights are unpacked. */
const UNPACKING = new Set(['Add', 'Cast', 'DequantizeLinear', 'Div', 'Mul', 'Sub'])

function originOf(dtype: DataType, elements: number): Origin {
  if (elements < 2) return 'number'
  if (dtype === DataType.FLOAT) return 'weight'
  const isPacked = isFloat(dtype) ? dtype !== DataType.DOUBLE : ELEMENT_SIZE[dtype] === 1 && dtype !== DataType.BOOL
  return isPacked ? 'packed' : 'number'
}

/** The origin of what a node makes of constants, or null where training could not see through it. */
function resultOf(node: NodeProto, origins: readonly Origin[]): Origin | null {
  if (ONE_TO_ONE.has(node.opType)) return origins[0] ?? 'number'
  if (origins.includes('packed')) return UNPACKING.has(node.opType) ? 'packed' : null
  return origins.includes('weight') ? null : 'number'
}

/**
 * The constants of a graph that may be computed once and for all. A result that several elements of a weight go into, or one
 * goes into several times (a table that is gathered from), is none: there the weight itself is trained.
 */
export function findConstants(graph: Graph): Constants {
  const dtypes = inferDtypes(graph)
  const origins = new Map<string, Origin>()
  for (const [name, { dims, dataType }] of graph.initializers)
    origins.set(
      name,
      originOf(
        dataType,
        dims.reduce((n, dim) => n * Number(dim), 1),
      ),
    )
  const nodes = new Set<NodeProto>()
  for (const node of graph.nodes) {
    const inputs = node.input.filter((v) => v !== '')
    const isSource = inputs.length === 0 && node.opType !== 'Constant'
    if (!isStandard(node) || isSource || !inputs.every((v) => origins.has(v))) continue
    const origin = resultOf(
      node,
      inputs.map((v) => origins.get(v)!),
    )
    if (origin === null) continue
    nodes.add(node)
    for (const output of node.output) origins.set(output, origin)
  }
  const used = new Set(graph.nodes.filter((node) => !nodes.has(node)).flatMap((node) => node.input))
  const made = [...nodes].flatMap((node) => node.output)
  const values = made.filter((v) => used.has(v) && isFloat(dtypes.get(v)!))
  return { nodes, values, computed: new Set(values.filter((v) => origins.get(v) === 'number')) }
}
