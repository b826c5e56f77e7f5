/** The update of one weight by its gradient, as PyTorch's optimisers do it. */
import type { GraphBuilder, Value } from '../../autodiff/builder.js'
import { DataType } from '../../onnx/tensor.js'

export type Optimizer =
  /** v' = momentum v + g, w' = w - rate v' (Nesterov: w - rate (g + momentum v')). */
  | { readonly name: 'sgd'; readonly momentum?: number; readonly nesterov?: boolean }
  /** Loshchilov & Hutter 2019 (arXiv 1711.05101). */
  | { readonly name: 'adamw'; readonly betas?: readonly [number, number]; readonly epsilon?: number }

/** What an optimiser keeps of a step for the next one, zeros at first. */
interface Slot {
  readonly input: Value
  readonly output: Value
  readonly dims: readonly number[]
}

export interface Updates {
  /** Emits the weight after the step, called `output`. */
  update(weight: Value, gradient: Value, options: { readonly decay: number; readonly output: Value }): void
  readonly slots: readonly Slot[]
}

/** The updates of `optimizer` with the learning rate `rate`, a float32 scalar. */
export function optimizerUpdates(g: GraphBuilder, optimizer: Optimizer, rate: Value): Updates {
  return optimizer.name === 'sgd' ? sgd(g, optimizer, rate) : adamw(g, optimizer, rate)
}

/** Declares one slot, of the weight's shape. */
function slotOf(g: GraphBuilder, weight: Value, kind: string, slots: Slot[]): Slot {
  const input = g.declare(`state/${kind}/${weight}`, g.dtype(weight))
  const slot = { input, output: `next/${input}`, dims: g.sizes(weight) }
  slots.push(slot)
  return slot
}

/** Weight decay is added to the gradient. */
function sgd(g: GraphBuilder, { momentum = 0.9, nesterov = false }: Optimizer & { name: 'sgd' }, rate: Value): Updates {
  const slots: Slot[] = []
  return {
    slots,
    update(weight, gradient, { decay, output }) {
      const pull = decay === 0 ? gradient : g.add(gradient, g.mul(weight, decay))
      let step = pull
      if (momentum > 0) {
        const { input, output: next } = slotOf(g, weight, 'momentum', slots)
        const velocity = g.emit('Add', [g.mul(input, momentum), pull], {}, next)
        step = nesterov ? g.add(pull, g.mul(velocity, momentum)) : velocity
      }
      g.emit('Sub', [weight, g.mul(step, rate)], {}, output)
    },
  }
}

/**
 * With bias corrections c_i = 1 - beta_i^t: m' = beta_1 m + (1 - beta_1) g, v' = beta_2 v + (1 - beta_2) g^2,
 * w' = (1 - rate decay) w - rate / c_1 m' / (sqrt(v') / sqrt(c_2) + epsilon).
 */
function adamw(
  g: GraphBuilder,
  { betas: [beta1, beta2] = [0.9, 0.999], epsilon = 1e-8 }: Optimizer & { name: 'adamw' },
  rate: Value,
): Updates {
  const count = g.declare('state/step', DataType.FLOAT)
  const slots: Slot[] = [{ input: count, output: 'next/state/step', dims: [] }]
  const t = g.cast(g.emit('Add', [count, 1], {}, 'next/state/step'), DataType.DOUBLE)
  // In float32 1 - 0.999 has four digits.
  const correction = (beta: number) => g.sub(1, g.emit('Pow', [g.scalar(beta, t), t]))
  const root = g.cast(g.emit('Sqrt', [correction(beta2)]), DataType.FLOAT)
  const size = g.cast(g.div(g.cast(rate, DataType.DOUBLE), correction(beta1)), DataType.FLOAT)
  return {
    slots,
    update(weight, gradient, { decay, output }) {
      const [m, v] = [slotOf(g, weight, 'mean', slots), slotOf(g, weight, 'square', slots)]
      const mean = g.emit('Add', [g.mul(m.input, beta1), g.mul(gradient, 1 - beta1)], {}, m.output)
      const square = g.mul(g.mul(gradient, gradient), 1 - beta2)
      const variance = g.emit('Add', [g.mul(v.input, beta2), square], {}, v.output)
      const deviation = g.add(g.div(g.emit('Sqrt', [variance]), root), epsilon)
      const kept = decay === 0 ? weight : g.mul(weight, g.sub(1, g.mul(rate, decay)))
      g.emit('Sub', [kept, g.mul(g.div(mean, deviation), size)], {}, output)
    },
  }
}

/** The gradients scaled so that their norm, all together, is at most `limit`, as PyTorch's clip_grad_norm_ does. */
export function clipped(g: GraphBuilder, gradients: readonly Value[], limit: number): Value[] {
  const squares = gradients.map((value) => g.emit('ReduceSumSquare', [value], { keepdims: 0 }))
  const norm = g.emit('Sqrt', [squares.length === 1 ? squares[0]! : g.emit('Sum', squares)])
  const factor = g.emit('Min', [g.div(limit, g.add(norm, 1e-6)), 1])
  return gradients.map((value) => g.mul(value, factor))
}
