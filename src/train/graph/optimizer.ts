/** The update of one weight by its gradient, as PyTorch's optimisers do it. */
import type { GraphBuilder, Operand, Value } from '../../autodiff/builder.js'
import { DataType } from '../../onnx/tensor.js'
import { joined, parted } from './joined.js'

interface Sgd {
  readonly name: 'sgd'
  readonly momentum?: number
  readonly nesterov?: boolean
}

interface AdamW {
  readonly name: 'adamw'
  readonly betas?: readonly [number, number]
  readonly epsilon?: number
}

interface Muon {
  readonly name: 'muon'
  readonly momentum?: number
  /** Of the iteration. */
  readonly iterations?: number
  /** Keeps each filter at the norm sqrt(outputs); for networks that normalise behind every one. */
  readonly normalized?: boolean
  /** The learning rate of all other weights, as a share of that of the filters. */
  readonly share?: number
}

export type Optimizer =
  /** v' = momentum v + g, w' = w - rate v' (Nesterov: w - rate (g + momentum v')). */
  | Sgd
  /** Loshchilov & Hutter 2019 (arXiv 1711.05101). */
  | AdamW
  /** Filters but those of the last layer by Muon (Jordan et al. 2024), the rest by AdamW. */
  | Muon

/** What an optimiser keeps of a step for the next one, zeros at first. */
interface Slot {
  /** The weight that it belongs to, if it is one. */
  readonly of: Value | null
  readonly input: Value
  readonly output: Value
  readonly dims: readonly number[]
}

/** A weight to update, or vectors end to end; `value` and the gradient have the sizes `dims`. */
interface Updated {
  readonly names: readonly Value[]
  /** The sizes of each. */
  readonly each: readonly (readonly number[])[]
  readonly value: Value
  readonly dims: readonly number[]
  /** Rows and columns of a filter before the last layer; null for other weights. */
  readonly matrix: readonly [number, number] | null
  readonly decay: number
  /** What the weight after the step is called, if it matters. */
  readonly output: Value | undefined
}

export interface Updates {
  /** Emits the weight after the step. */
  update(weight: Updated, gradient: Value): Value
  readonly slots: readonly Slot[]
}

/** What the updates of all weights have in common. */
interface Common {
  /** The learning rate, a float32 scalar. */
  readonly rate: Value
  /** A float32 scalar that gradients are multiplied by first, or 1. */
  readonly factor: Value | 1
}

/** The updates of `optimizer`. */
export function optimizerUpdates(g: GraphBuilder, optimizer: Optimizer, common: Common): Updates {
  if (optimizer.name === 'muon') return muon(g, optimizer, common)
  return optimizer.name === 'sgd' ? sgd(g, optimizer, common) : adamw(g, optimizer, common)
}

/** A product with the factor, of which 1 needs none. */
const times = (g: GraphBuilder, value: Value, factor: Operand): Value => (factor === 1 ? value : g.mul(value, factor))

/** What is kept of a weight. */
interface Kept {
  readonly before: Value
  /** Emits what it is after the step. */
  next(op: string, operands: readonly Operand[]): Value
}

/** Declares a slot for each weight, of its sizes. */
function keptOf(g: GraphBuilder, { names, value, each }: Updated, kind: string, slots: Slot[]): Kept {
  const own = names.map((name, i): Slot => {
    const input = g.declare(`state/${kind}/${name}`, g.dtype(value))
    return { of: name, input, output: `next/${input}`, dims: each[i]! }
  })
  slots.push(...own)
  const outputs = own.map(({ output }) => output)
  return {
    before: joined(
      g,
      own.map(({ input }) => input),
    ),
    next(op, operands) {
      if (outputs.length === 1) return g.emit(op, operands, {}, outputs[0])
      const whole = g.emit(op, operands)
      parted(
        g,
        whole,
        each.map(([size]) => size!),
        outputs,
      )
      return whole
    },
  }
}

/** Weight decay is added to the gradient. */
function sgd(g: GraphBuilder, { momentum = 0.9, nesterov = false }: Sgd, { rate, factor }: Common): Updates {
  const slots: Slot[] = []
  return {
    slots,
    update(weight, given) {
      const { value, decay, output } = weight
      const gradient = times(g, given, factor)
      const pull = decay === 0 ? gradient : g.add(gradient, g.mul(value, decay))
      let step = pull
      if (momentum > 0) {
        const kept = keptOf(g, weight, 'momentum', slots)
        const velocity = kept.next('Add', [g.mul(kept.before, momentum), pull])
        step = nesterov ? g.add(pull, g.mul(velocity, momentum)) : velocity
      }
      return g.emit('Sub', [value, g.mul(step, rate)], {}, output)
    },
  }
}

/** (1 - rate decay) w. */
const decayed = (g: GraphBuilder, { value, decay }: Updated, rate: Value): Value =>
  decay === 0 ? value : g.mul(value, g.sub(1, g.mul(rate, decay)))

/**
 * With bias corrections c_i = 1 - beta_i^t: m' = beta_1 m + (1 - beta_1) g, v' = beta_2 v + (1 - beta_2) g^2,
 * w' = (1 - rate decay) w - rate sqrt(c_2) / c_1 m' / (sqrt(v') + epsilon sqrt(c_2)): what is the same for all elements is
 * multiplied first.
 */
function adamw(
  g: GraphBuilder,
  { betas: [beta1, beta2] = [0.9, 0.999], epsilon = 1e-8 }: AdamW,
  { rate, factor }: Common,
): Updates {
  const count = g.declare('state/step', DataType.FLOAT)
  const slots: Slot[] = [{ of: null, input: count, output: 'next/state/step', dims: [] }]
  const t = g.cast(g.emit('Add', [count, 1], {}, 'next/state/step'), DataType.DOUBLE)
  // In float32 1 - 0.999 has four digits.
  const correction = (beta: number) => g.sub(1, g.emit('Pow', [g.scalar(beta, t), t]))
  const root = g.emit('Sqrt', [correction(beta2)])
  const size = g.cast(g.mul(g.div(g.cast(rate, DataType.DOUBLE), correction(beta1)), root), DataType.FLOAT)
  const least = g.mul(g.cast(root, DataType.FLOAT), epsilon)
  const share = (part: number) => (factor === 1 ? part : g.mul(factor, part))
  const [first, second] = [share(1 - beta1), share(Math.sqrt(1 - beta2))]
  return {
    slots,
    update(weight, gradient) {
      const [m, v] = [keptOf(g, weight, 'mean', slots), keptOf(g, weight, 'square', slots)]
      const mean = m.next('Add', [g.mul(m.before, beta1), g.mul(gradient, first)])
      const scaled = g.mul(gradient, second)
      const variance = v.next('Add', [g.mul(v.before, beta2), g.mul(scaled, scaled)])
      const step = g.mul(g.div(mean, g.add(g.emit('Sqrt', [variance]), least)), size)
      return g.emit('Sub', [decayed(g, weight, rate), step], {}, weight.output)
    },
  }
}

/** Of the quintic x -> a x + b x^3 + c x^5, which drives singular values towards 1. */
const [A, B, C] = [3.4445, -4.775, 2.0315]

/** The nearest semi-orthogonal matrix, roughly: x' = (a + b G + c G^2) x, G = x x^T of the shorter side, from x / |x|. */
function orthogonal(g: GraphBuilder, matrix: Value, [rows, columns]: readonly [number, number], iterations: number) {
  const isTall = rows > columns
  const lying = isTall ? g.transpose(matrix, [1, 0]) : matrix
  let x = g.div(lying, g.add(normOf(g, lying), 1e-7))
  for (let i = 0; i < iterations; i++) {
    const gram = g.emit('Gemm', [x, x], { transB: 1 })
    const inner = g.emit('Gemm', [gram, gram, gram], { alpha: { float: C }, beta: { float: B } })
    x = g.emit('Gemm', [inner, x, x], { beta: { float: A } })
  }
  return isTall ? g.transpose(x, [1, 0]) : x
}

const normOf = (g: GraphBuilder, value: Value) => g.emit('Sqrt', [g.emit('ReduceSumSquare', [value], { keepdims: 0 })])

/**
 * v' = momentum v + g, w' = (1 - rate decay) w - rate O(g + momentum v'), where O(.) is the nearest semi-orthogonal matrix of the
 * filter as [outputs, the rest]; normalised, sqrt(outputs) / |w| takes the place of 1 - rate decay.
 */
function muon(
  g: GraphBuilder,
  { momentum = 0.95, iterations = 5, normalized = false, share = 0.05 }: Muon,
  { rate, factor }: Common,
): Updates {
  const others = adamw(g, { name: 'adamw' }, { rate: g.mul(rate, share), factor })
  const slots: Slot[] = []
  return {
    get slots() {
      return [...others.slots, ...slots]
    },
    update(weight, given) {
      const { value, dims, matrix, output } = weight
      if (matrix === null) return others.update(weight, given)
      const gradient = times(g, given, factor)
      const kept = keptOf(g, weight, 'momentum', slots)
      const velocity = kept.next('Add', [g.mul(kept.before, momentum), gradient])
      const direction = g.reshape(g.add(gradient, g.mul(velocity, momentum)), matrix)
      const shrunk = normalized ? g.mul(value, g.div(Math.sqrt(matrix[0]), normOf(g, value))) : decayed(g, weight, rate)
      const step = g.reshape(orthogonal(g, direction, matrix, iterations), dims)
      return g.emit('Sub', [shrunk, g.mul(step, rate)], {}, output)
    },
  }
}

/** What makes the norm of the gradients, all together, at most `limit`, as PyTorch's clip_grad_norm_ does. */
export function clipFactor(g: GraphBuilder, gradients: readonly Value[], limit: number): Value {
  const squares = gradients.map((value) => g.emit('ReduceSumSquare', [value], { keepdims: 0 }))
  const norm = g.emit('Sqrt', [squares.length === 1 ? squares[0]! : g.emit('Sum', squares)])
  return g.emit('Min', [g.div(limit, g.add(norm, 1e-6)), 1])
}
