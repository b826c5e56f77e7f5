/** From a model as it was exported to one that can be differentiated for any batch. */
import type { Types } from '../autodiff/builder.js'
import { ensembleLogits } from '../autodiff/ensemble.js'
import { expandPlain, expandSized } from '../autodiff/expand.js'
import { AugmentError } from '../core/errors.js'
import type { Model } from '../onnx/model.js'
import { chooseOutput, withOutput } from '../onnx/outputs.js'
import { splitParts } from '../onnx/parts.js'
import { standardize } from '../onnx/standardize.js'
import { type Dim, declaredType, type ValueType } from '../onnx/valueInfo.js'
import { settleBatch } from './batch.js'
import { checkSizes } from './checkSizes.js'
import { folded } from './fold.js'
import { isIndependent, placeOf } from './independent.js'
import type { Sizes } from './inferSizes.js'
import { opened, withInput } from './openBatch.js'
import { probe } from './probe.js'

/** A normalised model with the types of its values. */
export interface Prepared {
  readonly model: Model
  readonly types: Types
  /** The only batch size it takes; null means any. */
  readonly fixedBatch: number | null
  /** Whether its batch is fixed to 1 because pictures in one would influence each other. */
  readonly coupled: boolean
  /** The output that holds its classes, and its only one now. */
  readonly output: string
}

/**
 * Cuts a model down to the output (see chooseOutput), checks and normalises it, gives its picture input (the first one) the
 * sizes that `sizesOf` makes of its type and, where it was an integer, the type float32, and settles which batches it takes.
 */
export async function prepare(
  original: Model,
  sizesOf: (type: ValueType, name: string) => readonly Dim[],
  output?: string,
): Promise<Prepared> {
  const chosen = chooseOutput(original, output)
  const model = expandPlain(ensembleLogits(standardize(withOutput(original, chosen)), chosen))
  const info = model.graph.inputs[0]
  const type = info && declaredType(info)
  if (!type) throw new AugmentError('model', `${model.name}: no input of known rank, expected a picture`)
  const sized = withInput(model, type.dtype, sizesOf(type, info.name))
  const open = await independent(sized, chosen, await checkSizes(sized))
  if (open) return { ...(await writtenOut(open)), coupled: false, fixedBatch: null, output: chosen }
  const settled = await settleBatch(sized, chosen)
  const fixedBatch = declaredType(settled.model.graph.inputs[0]!)!.dims[0] ?? null
  return { ...settled, ...(await expanded(settled.model)), fixedBatch, output: chosen }
}

/**
 * The model with its types, a batch of 1 being freed, where its operators alone tell that pictures in one batch keep apart. A
 * freed one computes for one picture what it did: every value has the size that it had.
 */
async function independent(
  model: Model,
  output: string,
  sizes: ReadonlyMap<string, Sizes>,
): Promise<{ model: Model; types: Types } | undefined> {
  const [batch, ...rest] = declaredType(model.graph.inputs[0]!)!.dims
  if (batch === null) return judged(model, output, sizes)
  if (batch !== 1 || rest.includes(null) || model.graph.inputs.length > 1) return undefined
  const found = await judged(opened(model, sizes), output)
  return found && [...sizes].every(([value, dims]) => isOfOne(dims, found.types.get(value))) ? found : undefined
}

/** Whether a value has these sizes for one picture. */
function isOfOne(sizes: Sizes, type: ValueType | undefined): boolean {
  const rows = placeOf(type)?.rows
  return type?.dims.length === sizes.length && sizes.every((size, axis) => size === (type.dims[axis] ?? rows))
}

async function judged(model: Model, output: string, sizes?: ReadonlyMap<string, Sizes>) {
  // What cannot be run with several pictures may be with one.
  const found = await typed(model, sizes).catch(() => undefined)
  return found && isIndependent(found.model, found.types, output) ? found : undefined
}

/** The model with its types, what it computes of sizes alone computed, and every operator written out that has an expansion. */
export async function expanded(model: Model): Promise<Pick<Prepared, 'model' | 'types'>> {
  return writtenOut(await typed(model))
}

async function typed(model: Model, sizes?: ReadonlyMap<string, Sizes>): Promise<{ model: Model; types: Types }> {
  const probed = await probe(model, sizes)
  const found = folded(model, probed)
  const types = new Map(probed.types)
  for (const [name, { dataType, dims }] of found.graph.initializers)
    if (!types.has(name)) types.set(name, { dtype: dataType, dims: dims.map(Number) })
  return { model: found, types }
}

async function writtenOut({ model, types }: { model: Model; types: Types }) {
  const written = expandSized(model, types)
  return splitParts(written === model ? { model, types } : await typed(written))
}
