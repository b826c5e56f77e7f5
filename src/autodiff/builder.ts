/** Emits standard ONNX nodes behind an existing graph and drops the ones nothing needs. */
import { create } from '@bufbuild/protobuf'
import { GraphProtoSchema, ValueInfoProtoSchema } from 'onnx-buf'
import { AugmentError } from '../core/errors.js'
import { upTo } from '../onnx/ancestors.js'
import type { Graph, ValueInfoProto } from '../onnx/model.js'
import { type Attributes, attributesWithout, makeNode, type NodeProto } from '../onnx/node.js'
import { DataType, makeTensor, numbers, rawTensor, type TensorProto } from '../onnx/tensor.js'
import { type Dim, hasSameBatch, isWhole, outputDtype, type ValueType } from '../onnx/valueInfo.js'

/** The name of a value in the graph. */
export type Value = string

/** What an emitted node reads: a value, a number (a scalar of the first value's type), or null for an absent input. */
export type Operand = Value | number | null

export type Types = ReadonlyMap<Value, ValueType>

export class GraphBuilder {
  private readonly nodes: NodeProto[] = []
  private readonly initializers = new Map<Value, TensorProto>()
  private readonly constants = new Map<string, Value>()
  private readonly dtypes = new Map<Value, DataType>()
  private readonly taken = new Set<Value>()
  private readonly makers = new Map<Value, NodeProto>()
  private readonly types: Types
  private readonly prefix: string
  private readonly noted = new Map<Value, readonly Dim[]>()
  private count = 0
  /** Opset of the graph: decides where Reduce* take their axes. */
  readonly opset: number
  /** Whether rules leave what a later pass writes out better (see composite) as one node each; not by default. */
  composes = false

  /** `types` must cover every value of `graph` that a gradient rule looks at; `prefix` starts the names of new values. */
  constructor(opset: number, types: Types, reserved: Iterable<Value> = [], prefix = 'grad') {
    this.opset = opset
    this.types = types
    this.prefix = prefix
    for (const name of reserved) this.taken.add(name)
  }

  /** Appends the nodes and weights of `graph`. */
  include(graph: Graph): void {
    this.nodes.push(...graph.nodes)
    for (const [name, tensor] of graph.initializers) this.initializers.set(name, tensor)
    for (const node of graph.nodes) {
      for (const output of node.output) {
        this.taken.add(output)
        this.makers.set(output, node)
      }
    }
    for (const name of [...graph.initializers.keys(), ...graph.inputs.map((v) => v.name)]) this.taken.add(name)
  }

  /** Static sizes, null where dynamic, of a value of the original graph. */
  dims(value: Value): readonly Dim[] {
    const type = this.types.get(value)
    if (!type) throw new Error(`the shape of "${value}" is not known`)
    return type.dims
  }

  /** Remembers the sizes of an emitted value for a later pass. */
  note(value: Value, dims: readonly Dim[]): Value {
    this.noted.set(value, dims)
    return value
  }

  /** Sizes of every value of the original graph, and of those emitted ones of which they were noted. */
  get allDims(): ReadonlyMap<Value, readonly Dim[]> {
    return new Map([...[...this.types].map(([name, { dims }]) => [name, dims] as const), ...this.noted])
  }

  /** Sizes from axis `start` on, which must not depend on what is fed. */
  sizes(value: Value, start = 0): number[] {
    return this.dims(value)
      .slice(start)
      .map((_, i) => this.size(value, start + i))
  }

  /** Size of one axis, which must not depend on what is fed. */
  size(value: Value, axis: number): number {
    const size = this.dims(value)[axis]
    if (size !== null && size !== undefined) return size
    const found = this.dims(value).map((d) => d ?? '?')
    throw new AugmentError('model', `the gradient needs the sizes of "${value}", found [${found.join(', ')}]`, {
      hint: 'fix the size of the input pictures: --size WxH',
    })
  }

  /** The elements of a value that is the same whatever is fed, or undefined. */
  known(value: Value | undefined): readonly number[] | undefined {
    if (!value) return undefined
    const tensor = this.initializers.get(value)
    return this.types.get(value)?.values ?? (tensor && numbers(tensor))
  }

  isWhole = (x: Value, indices: Value) => isWhole(this.types.get(x), this.types.get(indices))

  /** The node that makes a value of the original graph; undefined for inputs and weights. */
  maker(value: Value): NodeProto | undefined {
    return this.makers.get(value)
  }

  isInitializer(value: Value): boolean {
    return this.initializers.has(value)
  }

  dtype(value: Value): DataType {
    return (
      this.dtypes.get(value) ?? this.initializers.get(value)?.dataType ?? this.types.get(value)?.dtype ?? DataType.FLOAT
    )
  }

  /** Declares the type of a value that is not in `types`. */
  declare(value: Value, dtype: DataType): Value {
    this.dtypes.set(value, dtype)
    this.taken.add(value)
    return value
  }

  private fresh(hint: string): Value {
    let name: Value
    do name = `${this.prefix}/${hint}_${this.count++}`
    while (this.taken.has(name))
    this.taken.add(name)
    return name
  }

  /** An initializer holding `values`; equal constants are shared. */
  constant(dtype: DataType, values: readonly number[], dims: readonly number[] = [values.length]): Value {
    const key = `${dtype}:${dims}:${values.map((v) => (Object.is(v, -0) ? '-0' : v))}`
    let name = this.constants.get(key)
    if (name === undefined) {
      name = this.fresh('constant')
      this.constants.set(key, name)
      this.initializers.set(name, makeTensor(name, dtype, dims, values))
    }
    return name
  }

  /** An initializer of many float32 values. */
  weights(values: Float32Array, dims: readonly number[]): Value {
    const name = this.fresh('weights')
    this.initializers.set(name, rawTensor(name, DataType.FLOAT, dims, values))
    return name
  }

  integers(values: readonly number[]): Value {
    return this.constant(DataType.INT64, values)
  }

  /** A scalar of the type of `like`. */
  scalar(value: number, like: Value): Value {
    return this.constant(this.dtype(like), [value], [])
  }

  /** Emits one node of one output; `as` names that output. */
  emit(op: string, operands: readonly Operand[], attributes: Attributes = {}, as?: Value): Value {
    return this.emitMany(op, operands, attributes, [as ?? this.fresh(op)])[0]!
  }

  /** Emits one node with `outputs` (a number of them, or their names). */
  emitMany(op: string, operands: readonly Operand[], attributes: Attributes, outputs: number | Value[]): Value[] {
    const like = operands.find((o) => typeof o === 'string')
    const inputs = operands.map((o) => (o === null ? '' : typeof o === 'number' ? this.scalar(o, like!) : o))
    const names = typeof outputs === 'number' ? Array.from({ length: outputs }, () => this.fresh(op)) : outputs
    const node = makeNode(op, inputs, names, attributes)
    const dtypes = inputs.map((v) => this.dtype(v))
    for (const [i, name] of names.entries()) this.dtypes.set(name, outputDtype(node, i, dtypes))
    this.nodes.push(node)
    return names
  }

  /** Emits one node of one output of another domain than the standard one. */
  emitOf(domain: string, op: string, operands: readonly Operand[], attributes: Attributes = {}): Value {
    const output = this.emit(op, operands, attributes)
    this.nodes.at(-1)!.domain = domain
    return output
  }

  /** Emits `node` again as one of another domain, on other inputs. */
  emitLikeOf(domain: string, node: NodeProto, operands: readonly Operand[]): Value {
    const output = this.emitLike(node, operands, [])
    this.nodes.at(-1)!.domain = domain
    return output
  }

  /** Emits an If: of the nodes that `then` and `otherwise` emit only those of one are run, and give its value. */
  branch(condition: Value, then: () => Value, otherwise: () => Value): Value {
    const bodyOf = (emit: () => Value) => {
      const start = this.nodes.length
      const name = emit()
      const output = [create(ValueInfoProtoSchema, { name })]
      return { name, graph: create(GraphProtoSchema, { name, node: this.nodes.splice(start), output }) }
    }
    const [chosen, other] = [bodyOf(then), bodyOf(otherwise)]
    const result = this.emit('If', [condition], { then_branch: chosen, else_branch: other })
    return this.declare(result, this.dtype(chosen.name))
  }

  /** Appends a node as it is. */
  append(node: NodeProto): void {
    this.nodes.push(node)
    const dtypes = node.input.map((v) => this.dtype(v))
    for (const [i, name] of node.output.entries()) {
      this.taken.add(name)
      this.dtypes.set(name, outputDtype(node, i, dtypes))
    }
  }

  /** Emits `node` again, on other inputs and without the `dropped` attributes. */
  emitLike(node: NodeProto, operands: readonly Operand[], dropped: readonly string[]): Value {
    const output = this.emit(node.opType, operands)
    this.nodes.at(-1)!.attribute = attributesWithout(node, dropped)
    return output
  }

  add = (a: Operand, b: Operand) => this.emit('Add', [a, b])
  sub = (a: Operand, b: Operand) => this.emit('Sub', [a, b])
  mul = (a: Operand, b: Operand) => this.emit('Mul', [a, b])
  div = (a: Operand, b: Operand) => this.emit('Div', [a, b])
  where = (condition: Value, a: Operand, b: Operand) => {
    const like = typeof a === 'string' ? a : (b as Value)
    const scalar = (o: Operand) => (typeof o === 'number' ? this.scalar(o, like) : o)
    return this.emit('Where', [condition, scalar(a), scalar(b)])
  }
  cast = (value: Value, to: DataType) => (this.dtype(value) === to ? value : this.emit('Cast', [value], { to }))
  transpose = (value: Value, perm: readonly number[]) => this.emit('Transpose', [value], { perm })
  squeeze = (value: Value, axes: readonly number[]) => this.emit('Squeeze', [value, this.integers(axes)])
  unsqueeze = (value: Value, axes: readonly number[]) => this.emit('Unsqueeze', [value, this.integers(axes)])

  /** Reduce<kind> over `axes`, which are an attribute before opset 18 (13 for sums) and an input from then on. */
  reduce(kind: string, value: Value, axes: readonly number[], keepdims = true): Value {
    if (axes.length === 0) return value
    const attributes = { keepdims: keepdims ? 1 : 0 }
    if (kind === 'Sum' || this.opset >= 18) return this.emit(`Reduce${kind}`, [value, this.integers(axes)], attributes)
    return this.emit(`Reduce${kind}`, [value], { ...attributes, axes })
  }

  /** `value` cut along `axes`. */
  slice(
    value: Value,
    axes: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    steps?: readonly number[],
  ): Value {
    const inputs = [starts, ends, axes, ...(steps ? [steps] : [])].map((list) => this.integers(list))
    return this.emit('Slice', [value, ...inputs])
  }

  /** The shape of an original value as int64 [rank]: a constant where it is static. */
  shape(value: Value): Value {
    const dims = this.dims(value)
    return dims.includes(null) ? this.emit('Shape', [value]) : this.integers(dims as number[])
  }

  /** Zeros in the shape of an original value. */
  zerosLike(like: Value): Value {
    return this.emit('Expand', [this.scalar(0, like), this.shape(like)])
  }

  /** `value` repeated along size-1 axes to the shape of an original value. */
  expandLike(value: Value, like: Value): Value {
    return this.emit('Expand', [value, this.shape(like)])
  }

  /** `value` with `before` and `after` elements of `fill` on each axis; negative numbers cut. */
  pad(value: Value, before: readonly number[], after: readonly number[], fill = 0): Value {
    if ([...before, ...after].every((p) => p === 0)) return value
    return this.emit('Pad', [value, this.integers([...before, ...after]), this.scalar(fill, value)], {
      mode: 'constant',
    })
  }

  /** `value` reshaped to sizes of which at most one is dynamic (null); 0 keeps the size of that axis. */
  reshape(value: Value, dims: readonly Dim[]): Value {
    return this.emit('Reshape', [value, this.integers(dims.map((d) => d ?? -1))])
  }

  /**
   * `value` in the shape of the original value `like`. Where it comes in the shape of the original value `from` and both
   * have one batch, that is kept by name: onnxruntime's blocked layout needs to know that batches are equal.
   */
  reshapeLike(value: Value, like: Value, from?: Value): Value {
    const dims = this.dims(like)
    if (from !== undefined && hasSameBatch(dims, this.dims(from))) return this.reshape(value, [0, ...dims.slice(1)])
    const inferable = dims.filter((d) => d === null).length <= 1 && !dims.includes(0)
    return inferable ? this.reshape(value, dims) : this.emit('Reshape', [value, this.shape(like)], { allowzero: 1 })
  }

  /** The graph of everything that `outputs` depend on. */
  finish(inputs: readonly ValueInfoProto[], outputs: readonly ValueInfoProto[]): Graph {
    const names = outputs.map((v) => v.name)
    return { ...upTo({ nodes: this.nodes, initializers: this.initializers }, names), inputs, outputs }
  }
}
