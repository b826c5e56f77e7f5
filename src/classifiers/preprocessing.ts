/** How a classifier wants its pixels: `(value * scale - mean) / std` per channel, value 0..255. */
export interface Preprocessing {
  readonly mean: readonly number[]
  readonly std: readonly number[]
  /** Multiplies the 0..255 value first; usually 1 / 255. */
  readonly scale: number
  readonly layout: 'nchw' | 'nhwc'
  readonly colorOrder: 'rgb' | 'bgr'
}

/** What is said of it; the rest goes by the type and sizes of the model's input. */
export type PreprocessingInput = { readonly [Name in keyof Preprocessing]?: Preprocessing[Name] | undefined }
