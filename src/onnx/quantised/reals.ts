/** The real numbers behind the integers of a quantised graph, as it is rewritten node by node. */
import { upTo } from '../ancestors.js'
import type { Graph } from '../model.js'
import { type Attributes, makeNode, type NodeProto, tensorAttribute } from '../node.js'
import { revise } from '../revise.js'
import { DataType, makeTensor, numbers, type TensorProto } from '../tensor.js'
import { type Blocks, realWeights } from './weights.js'

/** Which real numbers integers stand for: (q - zero) scale, both named as values of the graph; no zero is 0. */
export interface Grid {
  readonly scale: string
  readonly zero: string
}

interface Real {
  readonly value: string
  readonly grid: Grid
}

const RANGES: Partial<Record<DataType, readonly [number, number]>> = {
  [DataType.INT8]: [-128, 127],
  [DataType.UINT8]: [0, 255],
  [DataType.INT16]: [-32768, 32767],
  [DataType.UINT16]: [0, 65535],
}

/** Operators whose results are not negative, and those that give none where their first input has none. */
const RECTIFYING = new Set(['Relu', 'Sigmoid', 'Softmax', 'HardSigmoid'])
const KEEPING = new Set([
  ...['AveragePool', 'Flatten', 'GlobalAveragePool', 'GlobalMaxPool', 'Identity', 'MaxPool', 'ReduceMean'],
  ...['Reshape', 'Slice', 'Squeeze', 'Transpose', 'Unsqueeze'],
])

export class Reals {
  readonly initializers: Map<string, TensorProto>
  private readonly nodes: NodeProto[] = []
  private readonly makers = new Map<string, NodeProto>()
  private readonly reals = new Map<string, Real>()
  private readonly sums = new Map<string, string>()
  private readonly constants = new Map<string, TensorProto>()
  private readonly taken: Set<string>
  private count = 0

  constructor(graph: Graph) {
    this.initializers = new Map(graph.initializers)
    this.taken = new Set([...graph.initializers.keys(), ...graph.nodes.flatMap((node) => node.output)])
    for (const node of graph.nodes) {
      const tensor = node.opType === 'Constant' ? tensorAttribute(node, 'value') : undefined
      if (tensor) this.constants.set(node.output[0]!, tensor)
    }
  }

  fresh(): string {
    let name: string
    do name = `real/${this.count++}`
    while (this.taken.has(name))
    return name
  }

  emit(op: string, inputs: readonly string[], attributes: Attributes = {}, output = this.fresh()): string {
    this.push(makeNode(op, inputs, [output], attributes))
    return output
  }

  /** A node like `node` but of the standard operator `op`, with one output. */
  emitLike(node: NodeProto, op: string, inputs: readonly string[], dropped: readonly string[] = []): string {
    const output = this.fresh()
    const attribute = node.attribute.filter(({ name }) => !dropped.includes(name))
    this.push(revise(node, { opType: op, domain: '', input: [...inputs], output: [output], attribute, name: '' }))
    return output
  }

  float(values: readonly number[], dims: readonly number[] = []): string {
    const name = this.fresh()
    this.initializers.set(name, makeTensor(name, DataType.FLOAT, dims, values))
    return name
  }

  tensor(value: string): TensorProto | undefined {
    return this.initializers.get(value) ?? this.constants.get(value)
  }

  known(value: string): readonly number[] | undefined {
    const tensor = value === '' ? undefined : this.tensor(value)
    return tensor && numbers(tensor)
  }

  /** What the integers of a value stand for; undefined if they stand for nothing. */
  grid(value: string): Grid | undefined {
    return this.reals.get(value)?.grid
  }

  isSameGrid(a: Grid, b: Grid): boolean {
    const isSame = (p: string, q: string) => p === q || (this.known(p) ?? [0]).join() === (this.known(q) ?? [0]).join()
    const isNamed = a.scale === b.scale || (this.known(a.scale) && this.known(b.scale))
    return Boolean(isNamed) && isSame(a.scale, b.scale) && isSame(a.zero, b.zero)
  }

  /** The real numbers behind `value`, read on `grid`: those of a weight, or of what was quantised before. */
  real(value: string, grid: Grid, blocks: Blocks = {}): string | undefined {
    const known = this.reals.get(value)
    if (known) return this.isSameGrid(known.grid, grid) ? known.value : this.reread(known, grid)
    const tensor = this.tensor(value)
    const scales = this.known(grid.scale)
    if (!tensor || !scales) return undefined
    const weights = realWeights(tensor, scales, this.known(grid.zero), blocks)
    if (!weights) return undefined
    const name = this.fresh()
    this.initializers.set(name, revise(weights, { name }))
    return name
  }

  /** Integers of one grid read on another: (x / s + z - z') s'. */
  private reread({ value, grid }: Real, other: Grid): string | undefined {
    const [s, t] = [this.known(grid.scale), this.known(other.scale)]
    const [z, y] = [this.known(grid.zero) ?? [0], this.known(other.zero) ?? [0]]
    if (s?.length !== 1 || t?.length !== 1) return undefined
    const scaled = this.emit('Mul', [value, this.float([t[0]! / s[0]!])])
    return this.emit('Add', [scaled, this.float([(z[0]! - y[0]!) * t[0]!])])
  }

  /**
   * Sets what `integer` stands for: `value`, not rounded. A lowest integer that stands for 0 is how quantisers fold a ReLU or a
   * ReLU6 into what is before it: there it is cut off where the grid ends, unless it is rectified already. What lies beyond the
   * ends of other grids passes: calibration saw too few pictures. False for a grid with several scales.
   */
  round(value: string, grid: Grid, integer: string): boolean {
    const scales = this.known(grid.scale)
    const type = this.tensor(grid.zero)?.dataType ?? DataType.UINT8
    const range = RANGES[type as DataType]
    if (scales && (scales.length !== 1 || !range)) return false
    const zero = this.known(grid.zero)?.[0] ?? 0
    const isFolded = scales !== undefined && zero === range![0] && !this.isRectified(value)
    const limits = isFolded && range!.map((end) => this.float([(end - zero) * scales[0]!]))
    this.reals.set(integer, { value: limits ? this.emit('Clip', [value, ...limits]) : value, grid })
    return true
  }

  /** Whether a value is what an operator that keeps numbers above 0 there makes of such. */
  private isRectified(value: string): boolean {
    let node = this.makers.get(value)
    while (node && KEEPING.has(node.opType)) node = this.makers.get(node.input[0]!)
    if (node?.opType === 'Clip') return (this.known(node.input[1]!)?.[0] ?? -1) >= 0
    return node !== undefined && RECTIFYING.has(node.opType)
  }

  private push(node: NodeProto): void {
    this.nodes.push(node)
    for (const output of node.output) this.makers.set(output, node)
  }

  /** `node` on real numbers: what its outputs, integers of `grid`, stand for. */
  moved(node: NodeProto, inputs: readonly (string | undefined)[], grid: Grid): void {
    const outputs = node.output.map((output) => (output === '' ? '' : this.fresh()))
    this.push(revise(node, { input: inputs.map((v) => v ?? ''), output: outputs }))
    for (const [i, output] of node.output.entries())
      if (output !== '') this.reals.set(output, { value: outputs[i]!, grid })
  }

  /** Declares the real number that a sum of products of integers stands for in units of their scales. */
  addSum(integer: string, value: string): void {
    this.sums.set(integer, value)
  }

  sum(integer: string): string | undefined {
    return this.sums.get(integer)
  }

  /** Gives a real number the name of an original value. */
  name(value: string, output: string): void {
    this.emit('Identity', [value], {}, output)
  }

  /** Keeps a node as it is; integers that it reads are made again. */
  keep(node: NodeProto): void {
    for (const input of node.input) this.restore(input)
    this.push(node)
  }

  private restore(value: string): void {
    const known = this.reals.get(value)
    const sum = this.sums.get(value)
    if (known) {
      const { scale, zero } = known.grid
      this.emit('QuantizeLinear', [known.value, scale, ...(zero ? [zero] : [])], {}, value)
    } else if (sum) this.emit('Cast', [sum], { to: DataType.INT32 }, value)
    this.reals.delete(value)
    this.sums.delete(value)
  }

  /** The nodes and initializers that `outputs` are computed from. */
  finish(outputs: readonly string[]) {
    for (const output of outputs) this.restore(output)
    return upTo({ nodes: this.nodes, initializers: this.initializers }, outputs)
  }
}
