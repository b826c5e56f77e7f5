/**
 * Values in two layouts: plain, [N, C, H, W] row by row, and blocked, as onnxruntime's CPU kernels of convolutions take it:
 * channels in blocks of B side by side, [N, C / B, H, W, B], though it is declared as [N, C, H, W]; C is filled up to a
 * multiple of B with channels of no meaning, whose elements are finite.
 */
import type { GraphBuilder, Value } from '../../autodiff/builder.js'
import { type Rearrangement, rearrange } from '../../autodiff/inputCotangent.js'
import { type Attributes, BLOCKED } from '../../onnx/node.js'
import { DataType } from '../../onnx/tensor.js'
import { unpack } from './packed.js'

export type Sizes = readonly [n: number, channels: number, height: number, width: number]

/** A convolution of the blocked domain that is not emitted yet, because a sum and an activation may still join it. */
export interface Deferred {
  readonly x: Value
  readonly w: Value
  readonly bias: Value | null
  readonly attributes: Attributes
  /** Blocked, of the result's sizes. */
  readonly sum: Value | null
  /** [1, N C, H, W]: every channel of every picture is one of its own. */
  readonly isPerPicture: boolean
}

/** Filters that are others, rearranged. */
export interface Turned {
  readonly w: Value
  readonly turn: Rearrangement
}

/** A blocked value times a factor per channel. */
export interface Scaled {
  readonly x: Value
  /** Plain, [C]. */
  readonly factor: Value
}

export class Layouts {
  readonly g: GraphBuilder
  /** Filters that lie as the kernels take them (see packed) wherever they are named. */
  readonly packed = new Set<Value>()
  /** Channels of a block. */
  readonly block: number
  readonly centred: ReadonlySet<Value>
  /** Values that may hold infinities. */
  readonly infinite: ReadonlySet<Value>
  private readonly sizes: Map<Value, readonly number[]>
  private readonly plainOf = new Map<Value, Value>()
  private readonly blockedOf = new Map<Value, Value>()
  private readonly deferredOf = new Map<Value, Deferred>()
  private readonly turnedOf = new Map<Value, Turned>()
  private readonly scaledOf = new Map<Value, Scaled>()
  private readonly productOf = new Map<Value, readonly [Value, Value]>()

  /** `sizes` of values, all of them known numbers; `centred` have means near 0, `infinite` may hold infinities. */
  constructor(
    g: GraphBuilder,
    block: number,
    sizes: ReadonlyMap<Value, readonly number[]>,
    centred: ReadonlySet<Value>,
    infinite: ReadonlySet<Value>,
  ) {
    this.g = g
    this.block = block
    this.centred = centred
    this.infinite = infinite
    this.sizes = new Map(sizes)
  }

  /** Channels, filled up to whole blocks. */
  filled(channels: number): number {
    return Math.ceil(channels / this.block) * this.block
  }

  shape(value: Value): readonly number[] | undefined {
    return this.sizes.get(value)
  }

  setShape(value: Value, sizes: readonly number[]): void {
    this.sizes.set(value, sizes)
  }

  /** Sizes of a value of four axes. */
  sizesOf(value: Value): Sizes | undefined {
    const sizes = this.sizes.get(value)
    return sizes?.length === 4 ? (sizes as unknown as Sizes) : undefined
  }

  /** Whether the value exists in blocks. */
  isBlocked(value: Value): boolean {
    return this.blockedOf.has(value) || this.deferredOf.has(value) || this.productOf.has(value)
  }

  /** Says that the blocked form of `value` is called `name`. */
  setBlocked(value: Value, name: Value, sizes: Sizes): void {
    this.blockedOf.set(value, name)
    this.sizes.set(value, sizes)
  }

  defer(value: Value, deferred: Deferred, sizes: Sizes): void {
    this.deferredOf.set(value, deferred)
    this.sizes.set(value, sizes)
  }

  setTurned(value: Value, turned: Turned): void {
    this.turnedOf.set(value, turned)
  }

  turned(value: Value): Turned | undefined {
    return this.turnedOf.get(value)
  }

  /** Says that `value`, deferred, is another value times a factor per channel. */
  setScaled(value: Value, scaled: Scaled): void {
    this.scaledOf.set(value, scaled)
  }

  /** What `value` is made of where a factor per channel costs less in filters of `sizes`, or in their cotangent. */
  scaled(value: Value, sizes: readonly number[]): Scaled | undefined {
    const volume = (all: readonly number[]) => all.reduce((a, b) => a * b, 1)
    return volume(this.sizesOf(value)!) > 2 * volume(sizes) ? this.scaledOf.get(value) : undefined
  }

  /** Says that `value` is the product of two values of its sizes. */
  setProduct(value: Value, factors: readonly [Value, Value], sizes: Sizes): void {
    this.productOf.set(value, factors)
    this.sizes.set(value, sizes)
  }

  /** The factors of a product that is not emitted yet. */
  product(value: Value): readonly [Value, Value] | undefined {
    return this.blockedOf.has(value) ? undefined : this.productOf.get(value)
  }

  deferred(value: Value): Deferred | undefined {
    return this.blockedOf.has(value) ? undefined : this.deferredOf.get(value)
  }

  /** Emits a deferred convolution, with an activation. */
  settle(
    { x, w, bias, attributes, sum, isPerPicture }: Deferred,
    [n, c, h, width]: Sizes,
    activation: Attributes = {},
  ): Value {
    const channels = this.filled(c)
    const single = [1, n * channels, h, width]
    const added = sum !== null && isPerPicture ? this.g.reshape(sum, single) : sum
    const operands = added === null ? (bias === null ? [x, w] : [x, w, bias]) : [x, w, bias, added]
    const y = this.g.emitOf(BLOCKED, 'Conv', operands, { ...attributes, ...activation })
    return isPerPicture ? this.g.reshape(y, [n, channels, h, width]) : y
  }

  /** The value in blocks; it must have four axes. */
  blocked(value: Value): Value {
    const found = this.blockedOf.get(value)
    if (found !== undefined) return found
    const sizes = this.sizesOf(value)!
    const deferred = this.deferredOf.get(value)
    const factors = this.productOf.get(value)
    let name: Value
    if (deferred) name = this.settle(deferred, sizes)
    else if (factors) name = this.g.mul(this.blocked(factors[0]), this.blocked(factors[1]))
    else name = this.intoBlocks(value, sizes)
    this.blockedOf.set(value, name)
    return name
  }

  private intoBlocks(value: Value, [, c, h, w]: Sizes): Value {
    const { g } = this
    const channels = this.filled(c)
    const plain = this.plain(value)
    if (h * w === 1) return g.pad(plain, [0, 0, 0, 0], [0, channels - c, 0, 0])
    const isFlag = g.dtype(plain) === DataType.BOOL
    const numbers = g.cast(plain, DataType.FLOAT)
    const four = g.pad(numbers, [0, 0, 0, 0], [0, -c & 3, 0, 0])
    const blocks = g.emitOf(BLOCKED, 'ReorderInput', [four])
    return isFlag ? g.cast(blocks, DataType.BOOL) : blocks
  }

  /** The value row by row; `as` names it. */
  plain(value: Value): Value {
    const found = this.plainOf.get(value)
    if (found !== undefined) return found
    const turned = this.turnedOf.get(value)
    const isPacked = this.packed.has(value)
    if (!turned && !isPacked && !this.isBlocked(value)) return value
    const sizes = this.sizesOf(value)!
    let name: Value
    if (turned) name = rearrange(this.g, this.plain(turned.w), turned.turn, this.shape(turned.w)!)
    else if (isPacked) name = unpack(this.g, this.block, value, sizes)
    else name = this.outOfBlocks(this.blocked(value), sizes[1], sizes[2] * sizes[3] === 1)
    this.plainOf.set(value, name)
    return name
  }

  private outOfBlocks(blocks: Value, channels: number, isVector: boolean): Value {
    const { g } = this
    if (isVector) return channels === this.filled(channels) ? blocks : g.slice(blocks, [1], [0], [channels])
    const isFlag = g.dtype(blocks) === DataType.BOOL
    const plain = g.emitOf(BLOCKED, 'ReorderOutput', [g.cast(blocks, DataType.FLOAT)], { channels })
    return isFlag ? g.cast(plain, DataType.BOOL) : plain
  }

  /** The value as a matrix [N H W, C]. */
  rows(value: Value): Value {
    const [, channels] = this.sizesOf(value)!
    const last = this.isBlocked(value)
      ? this.g.emitOf(BLOCKED, 'ReorderOutput', [this.blocked(value)], { channels, channels_last: 1 })
      : this.g.transpose(this.plain(value), [0, 2, 3, 1])
    return this.g.reshape(last, [null, channels])
  }

  /** A plain vector [C] filled up with zeros to whole blocks. */
  vector(value: Value, channels: number): Value {
    return this.g.pad(value, [0], [this.filled(channels) - channels])
  }
}
