import { AugmentError } from '../core/errors.js'
import type { Graph, Model } from './model.js'
import { describe, intAttribute, isStandard, makeNode, type NodeProto, quoted } from './node.js'
import { revise } from './revise.js'
import { DataType, isFloat, isInteger } from './tensor.js'
import { declaredType, inferDtypes, typeName, withElementType } from './valueInfo.js'

/** Operators that do with whole numbers what they do with real ones: at which inputs they take them (all by default). */
const ALIKE: Readonly<Record<string, readonly number[] | 'all'>> = {
  ...Object.fromEntries(
    ['Add', 'Sub', 'Mul', 'Sum', 'Min', 'Max', 'Clip', 'Concat', 'Neg', 'Abs'].map((op) => [op, 'all']),
  ),
  ...Object.fromEntries(
    [
      'Identity',
      'Transpose',
      'Reshape',
      'Flatten',
      'Squeeze',
      'Unsqueeze',
      'Expand',
      'Tile',
      'Slice',
      'Split',
      'Gather',
    ]
      .concat(['DepthToSpace', 'SpaceToDepth'])
      .map((op) => [op, [0]]),
  ),
  Pad: [0, 2],
}

/** What takes the place of a node that reads the picture, and whether it hands the picture on. */
interface Replacement {
  readonly nodes: NodeProto[]
  readonly isPicture: boolean
}

/** What a pass over the graph knows. */
interface Context {
  readonly pictures: ReadonlySet<string>
  readonly dtypes: ReadonlyMap<string, DataType>
  readonly graph: Graph
}

/** The node as it is with a float32 picture; null where it needs whole numbers. */
function replacement(node: NodeProto, context: Context): Replacement | null {
  if (!isStandard(node)) return null
  const { pictures, dtypes } = context
  const [x, y] = [node.input[0]!, node.output[0]!]
  const at = node.input.flatMap((value, i) => (pictures.has(value) ? [i] : []))
  if (node.opType === 'Shape' || node.opType === 'Size') return { nodes: [node], isPicture: false }
  if (node.opType === 'DequantizeLinear') return dequantized(node, context)
  if (node.opType === 'Cast' || node.opType === 'CastLike') {
    const to = node.opType === 'Cast' ? intAttribute(node, 'to', 0) : dtypes.get(node.input[1]!)!
    if (isFloat(to)) return { nodes: [node], isPicture: false }
    // A narrower type would wrap pixels above 127.
    return isInteger(to) && to !== DataType.INT8 ? { nodes: [makeNode('Identity', [x], [y])], isPicture: true } : null
  }
  const data = ALIKE[node.opType]
  if (data === undefined || (data !== 'all' && at.some((i) => !data.includes(i)))) return null
  const isOther = (value: string, i: number) =>
    value !== '' && !pictures.has(value) && (data === 'all' || data.includes(i))
  const casts = node.input.flatMap((value, i) =>
    isOther(value, i) ? [makeNode('Cast', [value], [`${value}/float/${y}`], { to: DataType.FLOAT })] : [],
  )
  const input = node.input.map((value, i) => (isOther(value, i) ? `${value}/float/${y}` : value))
  return { nodes: [...casts, revise(node, { input })], isPicture: true }
}

/** (x - zero point) scale, for one scale and one zero point. */
function dequantized(node: NodeProto, { graph }: Context): Replacement | null {
  const [x, scale, zero] = node.input as [string, string, string?]
  const [y] = node.output as [string]
  const isScalar = (name: string) => graph.initializers.get(name)?.dims.every((dim) => dim === 1n) ?? false
  if (![scale, zero].every((name) => !name || isScalar(name))) return null
  const centred = `${y}/centred`
  const nodes = zero
    ? [
        makeNode('Cast', [zero], [`${y}/zero`], { to: DataType.FLOAT }),
        makeNode('Sub', [x, `${y}/zero`], [centred]),
        makeNode('Mul', [centred, scale], [y]),
      ]
    : [makeNode('Mul', [x, scale], [y])]
  return { nodes, isPicture: false }
}

/**
 * A model whose first input is of integers with float32 in their place, up to where it makes real numbers of them itself, so
 * that it has a gradient there. Whole numbers up to 2^24 are exact in float32. Other models stay as they are. Throws
 * AugmentError 'model' naming every node that computes with the input as integers.
 */
export function floatInput(model: Model): Model {
  const { graph } = model
  const [first, ...others] = graph.inputs
  const dtype = first && declaredType(first)?.dtype
  if (!first || dtype === undefined || isFloat(dtype)) return model
  const place = `${model.name}: input ${quoted(first.name)} is ${typeName(dtype)}`
  if (!isInteger(dtype)) throw new AugmentError('model', `${place}, expected numbers`)
  const pictures = new Set([first.name])
  const context = { pictures, dtypes: inferDtypes(graph), graph }
  const refused: NodeProto[] = []
  const nodes = graph.nodes.flatMap((node) => {
    if (!node.input.some((value) => pictures.has(value))) return [node]
    const found = replacement(node, context)
    if (found === null) refused.push(node)
    else if (found.isPicture) for (const output of node.output) pictures.add(output)
    return found?.nodes ?? [node]
  })
  if (refused.length > 0) {
    const lines = refused.map((node) => `${place}, and ${describe(node)} computes with integers`)
    throw new AugmentError('model', lines.join('\n'), {
      hint: 'expected a Cast of the input to a float, or a float input',
    })
  }
  return { ...model, graph: { ...graph, nodes, inputs: [withElementType(first, DataType.FLOAT), ...others] } }
}
