import { AugmentError } from '../core/errors.js'
import type { Model } from './model.js'
import { quoted } from './node.js'
import { makeTensor } from './tensor.js'
import { declaredType, product } from './valueInfo.js'

/** Values for inputs by name: all elements in row-major order, or one number for each of them. */
export type InputValues = Readonly<Record<string, number | readonly number[]>>

/** The model with the inputs that `values` names as constants. Throws AugmentError 'model' for names and counts that it does not have. */
export function bindInputs(model: Model, values: InputValues): Model {
  const { graph, name } = model
  const names = graph.inputs.map((info) => info.name).join(', ')
  const initializers = new Map(graph.initializers)
  for (const [input, value] of Object.entries(values)) {
    const info = graph.inputs.find((one) => one.name === input)
    if (info === undefined) {
      throw new AugmentError('model', `${name}: no input ${quoted(input)} to give a value, expected one of ${names}`)
    }
    const type = declaredType(info)
    const count = type && product(type.dims)
    const given = typeof value === 'number' ? Array<number>(count ?? 0).fill(value) : value
    if (!type || count === null || given.length !== count) {
      const found = type ? `[${type.dims.map((dim) => dim ?? '?').join(', ')}]` : 'of unknown rank'
      throw new AugmentError('model', `${name}: input ${quoted(input)} is ${found}, got ${given.length} values for it`)
    }
    initializers.set(input, makeTensor(input, type.dtype, type.dims as number[], given))
  }
  const inputs = graph.inputs.filter((info) => !(info.name in values))
  return { ...model, graph: { ...graph, initializers, inputs } }
}
