import type { SparseLabel } from '../core/softLabel.js'
import type { FileId } from './fileNames.js'
import type { WrittenLabel } from './labels.js'

/** A row whose meaning the other rows decide. */
export interface Draft {
  readonly position: number
  readonly file: FileId
  /** What is in the label column. */
  readonly label: WrittenLabel | undefined
  /** What is wrong with a label that is undefined, where there is one. */
  readonly wrong?: string | undefined
  /** The numbers of all columns, as long as they may be weights. */
  readonly weights?: SparseLabel | undefined
  /** What the columns of splits say, by their names. */
  readonly splits?: Readonly<Record<string, string>> | undefined
}

/** Drafts in columns, of which the last three end with the last row that has something there. */
export class Drafts {
  readonly positions: number[] = []
  readonly files: FileId[] = []
  readonly labels: (WrittenLabel | undefined)[] = []
  readonly wrong: Draft['wrong'][] = []
  readonly weights: Draft['weights'][] = []
  readonly splits: Draft['splits'][] = []

  get length(): number {
    return this.files.length
  }

  add({ position, file, label, wrong, weights, splits }: Draft): void {
    const row = this.length
    this.positions.push(position)
    this.files.push(file)
    this.labels.push(label)
    put(this.wrong, row, wrong)
    put(this.weights, row, weights)
    put(this.splits, row, splits)
  }

  /** The rows, by their places here, that are `kept`. */
  filter(kept: (row: number) => boolean): Drafts {
    const drafts = new Drafts()
    for (let row = 0; row < this.length; row++) {
      if (!kept(row)) continue
      const [position, file, label] = [this.positions[row]!, this.files[row]!, this.labels[row]]
      drafts.add({
        position,
        file,
        label,
        wrong: this.wrong[row],
        weights: this.weights[row],
        splits: this.splits[row],
      })
    }
    return drafts
  }
}

function put<T>(column: (T | undefined)[], row: number, value: T | undefined): void {
  if (value === undefined) return
  while (column.length < row) column.push(undefined)
  column.push(value)
}
