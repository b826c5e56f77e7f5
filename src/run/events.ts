import type { Notice } from './notices.js'

/** What a run tells while it goes, in order. `--json` prints exactly these, one per line. */
export type AugmentEvent =
  | Notice
  | { readonly type: 'plan'; readonly outputs: number; readonly sources: number; readonly classes: number }
  /** Of a dry run: bytes that it would write, about, and that the file system has free. */
  | { readonly type: 'space'; readonly bytes: number; readonly free: number }
  /** Of a dry run: seconds that the missing outputs would take, about, judged by so many that were made and thrown away. */
  | { readonly type: 'time'; readonly seconds: number; readonly outputs: number; readonly timed: number }
  | { readonly type: 'start'; readonly device: string | null; readonly model: string | null; readonly done: number }
  | { readonly type: 'progress'; readonly done: number; readonly total: number; readonly skipped: number }
  | { readonly type: 'skip'; readonly index: number; readonly message: string }
  | ({ readonly type: 'done' } & Summary)

export interface Summary {
  readonly out: string
  /** Outputs that have a row now, those of earlier attempts included. */
  readonly written: number
  /** Outputs for which a source could not be used. */
  readonly skipped: number
  /** Outputs made by this process. */
  readonly made: number
  readonly seconds: number
  readonly device: string | null
  /** Pictures that have a saliency map; absent where none was needed. */
  readonly maps?: number
  /** Those of them whose map is uniform, for want of a gradient. */
  readonly uniform?: number
  /** Path of the report, where one was asked for. */
  readonly report?: string
  /** Path of the preview, where one was asked for. */
  readonly preview?: string
}

/** What a training tells while it goes; `--json` prints these, and `done` with what came of it. */
export type TrainEvent =
  | Extract<AugmentEvent, { readonly type: 'notice' | 'progress' }>
  | {
      readonly type: 'epoch'
      /** From 1 on. */
      readonly epoch: number
      readonly epochs: number
      /** Means over the epoch, of pictures as they were trained on. */
      readonly loss: number
      readonly accuracy: number
      /** After the epoch, of the held-out pictures; null without any. */
      readonly heldOut: { readonly loss: number; readonly accuracy: number } | null
      readonly secondsLeft: number
    }
