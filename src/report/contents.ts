import type { Statistics } from './statistics.js'
import type { Thumbnail } from './thumbnail.js'

/** One output as the report shows it. */
export interface ShownOutput {
  readonly index: number
  readonly file: string
  /** Sample and partner; more, or the sample alone, where the method mixes groups. */
  readonly sources: readonly { readonly file: string; readonly label: string }[]
  readonly pictures: {
    readonly sample: Thumbnail
    readonly partner: Thumbnail | null
    /** Null where the method needs no saliency. */
    readonly sampleSaliency: Thumbnail | null
    readonly partnerSaliency: Thumbnail | null
    readonly mask: Thumbnail
    readonly mix: Thumbnail
  }
  /** Classes of at least half a percent, the heaviest first, by index. */
  readonly weights: readonly { readonly label: number; readonly weight: number }[]
  readonly lambda: number
  /** Only SAGE's: the shift in pixels, and the total saliency with it and without. */
  readonly shift?: readonly [dx: number, dy: number]
  readonly totalSaliency?: number
  readonly totalSaliencyUnshifted?: number
}

/** Everything a report tells; equal for equal datasets. */
export interface Report {
  readonly name: string
  readonly classes: readonly string[]
  /** Sum of the sources' labels, by class. */
  readonly sourceLabels: Float64Array
  readonly counts: { readonly planned: number; readonly written: number; readonly skipped: number }
  readonly statistics: Statistics
  readonly outputs: readonly ShownOutput[]
  readonly failures: readonly { readonly index: number; readonly message: string }[]
  /** The record of the run: options, versions, model, ... */
  readonly record: Readonly<Record<string, unknown>>
}
