import { AugmentError } from '../core/errors.js'
import type { Model, ValueInfoProto } from '../onnx/model.js'
import { inferDtypes, makeValueInfo } from '../onnx/valueInfo.js'
import { inferSizes, type Sizes } from './inferSizes.js'

/** The name of the batch, if that is all that the inputs leave open. */
function batchName({ graph }: Model): string | undefined {
  const open = graph.inputs.flatMap(({ type }) => {
    if (type?.value.case !== 'tensorType') return [null]
    const dims = type.value.value.shape?.dim.map(({ value }) => value) ?? [{ case: undefined }]
    return dims.flatMap((dim, axis) =>
      dim.case === 'dimValue' ? [] : [dim.case === 'dimParam' && axis === 0 ? dim.value : null],
    )
  })
  return new Set(open).size === 1 ? (open[0] ?? undefined) : undefined
}

/** With fewer than one Reshape in so many nodes, finding the sizes takes longer than it saves: a session of all nodes. */
const MANY = 100

/** A prime beyond what is a factor of any size, so that one inference tells how often the batch is in each. */
const BATCH = 1_000_003

/** Sizes with a name for each multiple of the batch; undefined where one is something else. */
function named(batch: string, sizes: Sizes = []): (number | string)[] | undefined {
  const dims = sizes.map((size) => {
    const rows = Number(size) / BATCH
    if (rows < 0.5) return size
    if (!Number.isInteger(rows)) return undefined
    return rows === 1 ? batch : `${rows}*${batch}`
  })
  return dims.every((dim) => typeof dim === 'string' || dim! >= 0) ? (dims as (number | string)[]) : undefined
}

/**
 * The types of all values that a Reshape makes, with one name for equal sizes. onnxruntime gives [-1, ...] a size that is equal to no
 * other; when it plans its memory it then compares each value with all such ones before it, so that the time to load a graph
 * grows with the square of its nodes.
 */
export async function reshapedSizes(model: Model): Promise<ValueInfoProto[]> {
  const batch = batchName(model)
  const outputs = new Set(model.graph.outputs.map(({ name }) => name))
  const values = model.graph.nodes
    .filter(({ opType, output }) => opType === 'Reshape' && !outputs.has(output[0]!))
    .map(({ output }) => output[0]!)
  if (batch === undefined || values.length <= model.graph.nodes.length / MANY) return []
  const dtypes = inferDtypes(model.graph)
  try {
    // All values are outputs: of those onnxruntime plans no memory.
    const sizes = await inferSizes(model, { batch: BATCH, extent: 1 })
    return values.flatMap((value) => {
      const dims = named(batch, sizes.get(value))
      return dims ? [makeValueInfo(value, dtypes.get(value)!, dims)] : []
    })
  } catch (error) {
    // Weights that the graph must have to be loaded are left out here.
    if (error instanceof AugmentError) return []
    throw error
  }
}
