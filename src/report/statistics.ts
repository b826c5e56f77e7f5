import { Histogram, ShiftMap } from './histogram.js'

/** What is counted of an output; all but lambda and label only SAGE records. */
interface Countable {
  readonly method: string
  readonly lambda: number
  readonly label: Float64Array
  readonly shift?: readonly [dx: number, dy: number]
  /** Of the picture, whose pixels the shift counts. */
  readonly canvas: readonly [width: number, height: number]
  /** Of the saliency maps. */
  readonly grid?: readonly [width: number, height: number]
  readonly total_saliency?: number
  readonly total_saliency_unshifted?: number
}

/** Counts over all outputs of a run, in memory that does not grow with them. */
export class Statistics {
  rows = 0
  /** The outputs that are not originals; all but `labels` counts only these. */
  mixes = 0
  readonly lambda = new Histogram()
  readonly totalSaliency = new Histogram()
  readonly totalSaliencyUnshifted = new Histogram()
  /** Null where no output says how its partner was shifted. */
  shift: ShiftMap | null = null
  /** Sum of the soft labels, by class. */
  readonly labels: Float64Array

  constructor(classes: number) {
    this.labels = new Float64Array(classes)
  }

  add(output: Countable): void {
    const { method, lambda, label, shift, canvas, grid } = output
    const { total_saliency: total, total_saliency_unshifted: still } = output
    this.rows++
    label.forEach((weight, k) => {
      this.labels[k]! += weight
    })
    if (method === 'original') return
    this.mixes++
    this.lambda.add(lambda)
    if (total !== undefined) this.totalSaliency.add(total)
    if (still !== undefined) this.totalSaliencyUnshifted.add(still)
    if (shift === undefined || grid === undefined) return
    this.shift ??= new ShiftMap(...grid)
    const cells = (axis: 0 | 1) => Math.round((shift[axis] * grid[axis]) / canvas[axis])
    this.shift.add(cells(0), cells(1))
  }
}
