/** Cutting a picture into columns x rows blocks, as equal as whole pixels allow. */
import type { Plane } from '../core/plane.js'

/** Where `length` pixels are cut into `count` spans: span i is [edges[i], edges[i + 1]); lengths differ by at most 1. */
export function blockEdges(length: number, count: number): Int32Array {
  return Int32Array.from({ length: count + 1 }, (_, i) => Math.floor((i * length) / count))
}

/** Total of the map over each of columns x rows equal parts of its area, row by row; a pixel astride is shared out. */
export function blockSums(plane: Plane, columns: number, rows: number): Float64Array {
  const across = overlaps(plane.width, columns)
  const down = overlaps(plane.height, rows)
  const narrow = new Float64Array(plane.height * columns)
  for (const { pixel, block, share } of across) {
    for (let y = 0; y < plane.height; y++) narrow[y * columns + block]! += share * plane.data[y * plane.width + pixel]!
  }
  const sums = new Float64Array(rows * columns)
  for (const { pixel, block, share } of down) {
    for (let x = 0; x < columns; x++) sums[block * columns + x]! += share * narrow[pixel * columns + x]!
  }
  return sums
}

/** Every meeting of a pixel with a block, when `length` pixels are cut into `count` equal parts, and the pixel's share. */
function overlaps(length: number, count: number): { pixel: number; block: number; share: number }[] {
  const meetings = []
  for (let block = 0; block < count; block++) {
    const start = (block * length) / count
    const end = ((block + 1) * length) / count
    for (let pixel = Math.floor(start); pixel < Math.ceil(end); pixel++) {
      meetings.push({ pixel, block, share: Math.min(end, pixel + 1) - Math.max(start, pixel) })
    }
  }
  return meetings
}

/** The plane of width x height that has `values[block]` all over each of its columns x rows blocks. */
export function spreadBlocks(
  values: ArrayLike<number>,
  columns: number,
  rows: number,
  width: number,
  height: number,
): Plane {
  const data = new Float32Array(width * height)
  const across = blockEdges(width, columns)
  const down = blockEdges(height, rows)
  for (let row = 0; row < rows; row++) {
    for (let y = down[row]!; y < down[row + 1]!; y++) {
      for (let column = 0; column < columns; column++) {
        data.fill(values[row * columns + column]!, y * width + across[column]!, y * width + across[column + 1]!)
      }
    }
  }
  return { data, width, height }
}
