const BINS = 20

/** Counts of values in [0, 1] in 20 bins of equal width; 1 belongs to the last. */
export class Histogram {
  readonly bins = new Float64Array(BINS)
  count = 0
  private sum = 0

  add(value: number): void {
    this.bins[Math.max(0, Math.min(BINS - 1, Math.floor(value * BINS)))]!++
    this.count++
    this.sum += value
  }

  get mean(): number {
    return this.sum / this.count
  }
}

/** Cells a side that a map of shifts has at most. */
const CELLS = 41

/**
 * Counts of shifts (dx, dy) on a grid of width x height. Every cell stands for the same odd number of shifts a side, so
 * that no pattern comes from the counting and zero is in the middle of the middle cell; those beyond the grid count as its
 * edge.
 */
export class ShiftMap {
  /** Shifts a side that a cell stands for. */
  readonly step: number
  readonly columns: number
  readonly rows: number
  readonly cells: Float64Array
  count = 0
  /** How many were not shifted at all. */
  still = 0
  private readonly sums = [0, 0]

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    const wanted = Math.ceil((2 * Math.max(width, height) - 1) / CELLS)
    this.step = wanted + ((wanted + 1) % 2)
    this.columns = 2 * this.cell(width - 1) + 1
    this.rows = 2 * this.cell(height - 1) + 1
    this.cells = new Float64Array(this.columns * this.rows)
  }

  add(dx: number, dy: number): void {
    const column = clamped(this.cell(dx), (this.columns - 1) / 2)
    const row = clamped(this.cell(dy), (this.rows - 1) / 2)
    this.cells[row * this.columns + column]!++
    this.count++
    if (dx === 0 && dy === 0) this.still++
    this.sums[0]! += Math.abs(dx)
    this.sums[1]! += Math.abs(dy)
  }

  /** Mean of |dx| and of |dy|. */
  get mean(): [number, number] {
    return [this.sums[0]! / this.count, this.sums[1]! / this.count]
  }

  /** Number of the cell of a shift, 0 being the middle one. */
  private cell(shift: number): number {
    return Math.floor((shift + (this.step - 1) / 2) / this.step)
  }
}

/** A cell number as a place in a row that reaches `reach` cells to either side. */
function clamped(cell: number, reach: number): number {
  return Math.max(0, Math.min(2 * reach, cell + reach))
}
