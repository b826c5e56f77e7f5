import { checkMaps, checkSizes } from './checkMaps.js'
import { type Shift, tieWidth } from './shift.js'
import { gain } from './totalSaliency.js'

/** The pixels [left, right) x [top, bottom). */
export interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** A map, row-major, and what the search wants to know of it; its box is the smallest around all that is not 0. */
export class Measured implements Box {
  map: Float32Array = new Float32Array(0)
  /** Sum of the values, row by row as in totalSaliency.ts; NaN where one is negative or NaN. */
  total = 0
  squares = 0
  largest = 0
  left = 0
  right = 0
  top = 0
  bottom = 0

  measure(map: Float32Array, width: number, height: number): void {
    this.map = map
    this.left = width
    this.right = 0
    this.top = height
    this.bottom = 0
    let total = 0
    let squares = 0
    let largest = 0
    for (let y = 0; y < height; y++) {
      let row = 0
      for (let i = y * width; i < (y + 1) * width; i++) {
        const value = map[i]!
        row += value >= 0 ? value : Number.NaN
        squares += value * value
        if (value > largest) largest = value
      }
      if (row > 0) this.enclose(y, width)
      total += row
    }
    this.total = total
    this.squares = squares
    this.largest = largest
  }

  /** Widens the box to row `y`, which is not empty. */
  private enclose(y: number, width: number): void {
    const { map } = this
    if (this.top > y) this.top = y
    this.bottom = y + 1
    for (let x = 0; x < this.left; x++) if (map[y * width + x]! > 0) this.left = x
    for (let x = width - 1; x >= this.right; x--) if (map[y * width + x]! > 0) this.right = x + 1
  }
}

/** A pair of maps of width x height; one object serves search after search. */
export class Pair {
  readonly a = new Measured()
  readonly b = new Measured()
  width = 0
  height = 0
  /** How far below the best gain a shift may be and still tie with it. */
  tie = 0

  /** Throws RangeError for maps of another size, or with values that are not finite and non-negative. */
  measure(a: Float32Array, b: Float32Array, width: number, height: number): void {
    checkSizes(a, b, width, height)
    this.a.measure(a, width, height)
    this.b.measure(b, width, height)
    this.width = width
    this.height = height
    const mass = this.a.total + this.b.total
    if (!Number.isFinite(mass)) checkMaps(a, b, width, height)
    this.tie = tieWidth(mass)
  }

  /** What b moved by (dx, dy) adds to the total saliency of a alone: by the definition, in float64. */
  gain(dx: number, dy: number): number {
    return gain(this.a.map, this.b.map, this.width, this.height, dx, dy)
  }

  shift(dx: number, dy: number, gain: number): Shift {
    return { dx, dy, total: this.a.total + gain }
  }
}
