/** What a step does with the gradients of its weights and with the statistics of its batch. */
import type { GraphBuilder, Value } from '../../autodiff/builder.js'
import { DataType } from '../../onnx/tensor.js'
import type { Statistic } from './form.js'
import { joined, parted } from './joined.js'
import { clipFactor, type Optimizer, optimizerUpdates } from './optimizer.js'

export interface UpdateOptions {
  readonly optimizer: Optimizer
  /** Weight decay, for weights of two axes or more. */
  readonly decay: number
  /** The largest norm of all gradients together; none by default. */
  readonly clip: number | null
}

/** A value that a step takes and gives back changed. */
export interface Carried {
  /** 'weight' and 'statistic' are the constant `name` of the classifier; 'state' is the optimiser's, zeros at first. */
  readonly kind: 'weight' | 'statistic' | 'state'
  readonly name: Value
  readonly input: Value
  readonly output: Value
  readonly dims: readonly number[]
}

/** A weight that the loss depends on, and its gradient. */
export interface Reached {
  readonly name: Value
  readonly gradient: Value
}

/** A carried value, and the weight that it is or belongs to. */
interface Owned extends Carried {
  readonly of: Value | null
}

/** What the updates need to know. */
interface Updating {
  /** Scales and biases of normalisations by the batch. */
  readonly normalizing: ReadonlySet<Value>
  /** Filters before the last layer. */
  readonly inner: ReadonlySet<Value>
  readonly options: UpdateOptions
}

/** Emits the next weights and the optimiser's next state. */
export function emitUpdates(g: GraphBuilder, reached: readonly Reached[], updating: Updating): Owned[] {
  const { options } = updating
  for (const name of ['rate', ...reached.map((each) => each.name)]) g.declare(name, DataType.FLOAT)
  const updated = updatedTogether(g, reached, updating)
  const gradients = updated.map(({ gradient }) => gradient)
  const factor = options.clip === null ? 1 : clipFactor(g, gradients, options.clip)
  const updates = optimizerUpdates(g, options.optimizer, { rate: 'rate', factor })
  for (const { weight, gradient, isFlat } of updated) {
    const outputs = weight.names.map((name) => `next/${name}`)
    const isNamed = outputs.length === 1 && !isFlat
    const next = updates.update({ ...weight, output: isNamed ? outputs[0] : undefined }, gradient)
    if (isFlat) g.emit('Reshape', [next, g.integers(g.sizes(weight.names[0]!))], {}, outputs[0])
    else if (!isNamed)
      parted(
        g,
        next,
        weight.each.map(([size]) => size!),
        outputs,
      )
  }
  const weights = reached.map(
    ({ name }): Owned => ({ kind: 'weight', name, input: name, output: `next/${name}`, dims: g.sizes(name), of: name }),
  )
  return [...weights, ...updates.slots.map((slot): Owned => ({ kind: 'state', name: slot.input, ...slot }))]
}

/**
 * What is updated at once, with its gradient: the vectors of normalisations by the batch end to end, and each other weight. Of
 * those vectors the gradients are needed on the way back anyway; a node that waits for others would keep their cotangents in
 * memory. onnxruntime begins with what the last node of a graph needs: these come first.
 */
function updatedTogether(g: GraphBuilder, reached: readonly Reached[], updating: Updating) {
  const vectors = reached.filter(({ name }) => updating.normalizing.has(name))
  if (vectors.length < 2) return reached.map((each) => flattened(g, each, updating))
  const others = reached.filter((each) => !vectors.includes(each))
  const names = vectors.map(({ name }) => name)
  const each = names.map((name) => g.sizes(name))
  const dims = [each.reduce((sum, [size]) => sum + size!, 0)]
  const weight = { names, each, value: joined(g, names), dims, matrix: null, decay: 0 }
  const gradient = joined(
    g,
    vectors.map((vector) => vector.gradient),
  )
  return [{ weight, gradient, isFlat: false }, ...others.map((other) => flattened(g, other, updating))]
}

/**
 * A weight and its gradient, as vectors where the last axis has one element: there onnxruntime multiplies by a scalar element by
 * element, 80 times slower.
 */
function flattened(g: GraphBuilder, { name, gradient }: Reached, { inner, options }: Updating) {
  const dims = g.sizes(name)
  const isFlat = dims.length > 1 && dims.at(-1) === 1
  const size = dims.reduce((a, b) => a * b, 1)
  const row = (value: Value) => (isFlat ? g.reshape(value, [size]) : value)
  const matrix: [number, number] | null = inner.has(name) ? [dims[0]!, size / dims[0]!] : null
  const decay = dims.length >= 2 ? options.decay : 0
  const own = isFlat ? [size] : dims
  const weight = { names: [name], each: [own], value: row(name), dims: own, matrix, decay }
  return { weight, gradient: row(gradient), isFlat }
}

/** Emits the next running statistics, those of one momentum together. */
export function emitStatistics(g: GraphBuilder, statistics: readonly Statistic[]): Owned[] {
  for (const momentum of new Set(statistics.map((each) => each.momentum))) {
    const own = statistics.filter((each) => each.momentum === momentum)
    const names = own.map(({ name }) => name)
    const ofBatch = joined(
      g,
      own.map((each) => each.ofBatch),
    )
    const next = g.add(g.mul(joined(g, names), momentum), g.mul(ofBatch, 1 - momentum))
    parted(
      g,
      next,
      names.map((name) => g.size(name, 0)),
      names.map((name) => `next/${name}`),
    )
  }
  return statistics.map(
    ({ name }): Owned => ({
      kind: 'statistic',
      name,
      input: name,
      output: `next/${name}`,
      dims: g.sizes(name),
      of: null,
    }),
  )
}
