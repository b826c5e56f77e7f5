/** From a model as it was exported to one that can be differentiated for any batch. */
import type { Types } from '../autodiff/builder.js'
import { ensembleLogits } from '../autodiff/ensemble.js'
import { expandPlain, expandSized } from '../autodiff/expand.js'
import { AugmentError } from '../core/errors.js'
import type { Model } from '../onnx/model.js'
import { chooseOutput, withOutput } from '../onnx/outputs.js'
import { standardize } from '../onnx/standardize.js'
import { type Dim, declaredType, type ValueType } from '../onnx/valueInfo.js'
import { settleBatch } from './batch.js'
import { checkSizes } from './checkSizes.js'
import { withInput } from './openBatch.js'
import { probeTypes } from './probe.js'

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
  await checkSizes(sized)
  const settled = await settleBatch(sized, chosen)
  const fixedBatch = declaredType(settled.model.graph.inputs[0]!)!.dims[0] ?? null
  return { ...settled, ...(await expanded(settled.model)), fixedBatch, output: chosen }
}

/** The model with its types, and with every operator written out that has an expansion. */
export async function expanded(model: Model): Promise<Pick<Prepared, 'model' | 'types'>> {
  const types = await probeTypes(model)
  const written = expandSized(model, types)
  return { model: written, types: written === model ? types : await probeTypes(written) }
}
