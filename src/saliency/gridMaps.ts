/** From the attribution of a classifier, place by place, to the normalised map on the grid of the run. */
import type { GraphBuilder, Value } from '../autodiff/builder.js'
import { rowSum } from '../autodiff/rowSum.js'
import { AugmentError } from '../core/errors.js'
import { DataType } from '../onnx/tensor.js'

/** Columns and rows of a map. */
export interface Grid {
  readonly width: number
  readonly height: number
}

/** Gaussian, in cells of the grid; 0 for either means none. `kernel` is odd. */
export interface Blur {
  readonly kernel: number
  readonly sigma: number
}

/** Cells of the longer side of a grid where none is given. */
const DEFAULT_CELLS = 32

/** Ma et al. 2022; made for 32 x 32 pixels. */
const PAPER_BLUR: Blur = { kernel: 5, sigma: 1 }

/** The grid and the blur of a run's maps, for a classifier's `input`: what is asked for, else by default. */
export function gridAndBlur(
  isGradient: boolean,
  { width, height }: Grid,
  { grid, blur }: { readonly grid?: Grid | 'input'; readonly blur?: Partial<Blur> },
): { grid: Grid; blur: Blur } {
  const chosen = grid ?? (isGradient ? 'input' : defaultGrid({ width, height }))
  if (chosen === 'input') return { grid: { width, height }, blur: { ...PAPER_BLUR, ...blur } }
  return { grid: chosen, blur: blurOf(chosen, blur ?? {}) }
}

/** The grid in the proportions of the classifier's input, of at most 32 cells per side. */
function defaultGrid({ width, height }: Grid): Grid {
  const scale = Math.min(1, DEFAULT_CELLS / Math.max(width, height))
  const cells = (pixels: number) => Math.max(1, Math.round(pixels * scale))
  return { width: cells(width), height: cells(height) }
}

/**
 * The blur of a run: where not given, sigma 1 or a 32nd of the grid's longer side, whichever is more, and as wide a kernel as
 * reaches two sigma. The paper's are sigma 1 and kernel 5 on 32 x 32.
 */
function blurOf(grid: Grid, { sigma, kernel }: Partial<Blur>): Blur {
  const wide = sigma ?? Math.max(1, Math.max(grid.width, grid.height) / DEFAULT_CELLS)
  const widest = 2 * Math.min(grid.width, grid.height) - 1
  return { sigma: wide, kernel: kernel ?? Math.min(2 * Math.ceil(2 * wide) + 1, widest) }
}

/**
 * `map` float32 [N, 1, h, w], not negative, of the size `from` -> `saliency` [N, H, W] on the grid, and `uniform` [N]
 * (Ma et al. 2022, section 3): averaged or interpolated, blurred, divided by its sum.
 */
export function emitMaps(g: GraphBuilder, map: Value, from: Grid, grid: Grid, blur: Blur): void {
  const { width, height } = grid
  const s = blurred(g, regridded(g, map, from, grid), grid, blur)
  const sum = g.reshape(rowSum(g, g.reshape(s, [null, height * width]), height * width), [null, 1, 1, 1])
  const usable = g.emit('And', [g.emit('Greater', [sum, 0]), g.emit('Less', [sum, Number.POSITIVE_INFINITY])])
  const normalised = g.where(usable, g.div(s, sum), 1 / (width * height))
  g.emit('Squeeze', [normalised, g.integers([1])], {}, 'saliency')
  g.emit('Not', [g.reshape(usable, [null])], {}, 'uniform')
}

/** [N, 1, h, w] -> [N, 1, H, W]: each cell the mean over its area, or between the centres of coarser ones. */
function regridded(g: GraphBuilder, map: Value, from: Grid, to: Grid): Value {
  const matrix = (cells: number, pixels: number) => g.constant(DataType.FLOAT, weights(cells, pixels), [cells, pixels])
  const rows = from.height === to.height ? map : g.emit('MatMul', [matrix(to.height, from.height), map])
  if (from.width === to.width) return rows
  return g.emit('MatMul', [rows, g.transpose(matrix(to.width, from.width), [1, 0])])
}

/** [cells, pixels], rows sum to 1: shares of area where cells are larger than pixels, else linear between their centres. */
function weights(cells: number, pixels: number): number[] {
  const ratio = pixels / cells
  return Array.from({ length: cells * pixels }, (_, i) => {
    const [cell, pixel] = [Math.floor(i / pixels), i % pixels]
    if (ratio >= 1) {
      return Math.max(0, Math.min((cell + 1) * ratio, pixel + 1) - Math.max(cell * ratio, pixel)) / ratio
    }
    const place = Math.min(Math.max((cell + 0.5) * ratio - 0.5, 0), pixels - 1)
    return Math.max(0, 1 - Math.abs(place - pixel))
  })
}

/** [N, 1, H, W] blurred by a separable Gaussian with reflected edges (the edge pixel is not repeated). */
function blurred(g: GraphBuilder, map: Value, grid: Grid, { kernel, sigma }: Blur): Value {
  if (kernel <= 1 || sigma === 0) return map
  const half = (kernel - 1) / 2
  if (half >= Math.min(grid.width, grid.height)) {
    throw new AugmentError(
      'usage',
      `--blur-kernel: expected less than twice the grid's ${grid.width} x ${grid.height} cells, got ${kernel}`,
    )
  }
  const taps = Array.from({ length: kernel }, (_, i) => Math.exp(-((i - half) ** 2) / (2 * sigma ** 2)))
  const total = taps.reduce((a, b) => a + b, 0)
  const weights = taps.map((t) => t / total)
  const padded = g.emit('Pad', [map, g.integers([0, 0, half, half, 0, 0, half, half])], { mode: 'reflect' })
  const rows = g.emit('Conv', [padded, g.constant(DataType.FLOAT, weights, [1, 1, 1, kernel])])
  return g.emit('Conv', [rows, g.constant(DataType.FLOAT, weights, [1, 1, kernel, 1])])
}
