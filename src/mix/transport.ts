import { assign, type Candidates } from '../core/assignment.js'
import type { Image } from '../core/image.js'
import { blockEdges } from './blocks.js'

/**
 * Where each of blocks x blocks blocks of a picture goes so that what is salient lands where the picture shows: the
 * permutation `target[block]` that minimises  xi sum_i C(i, target(i)) - sum_i s(i) shown(target(i)),  C the squared
 * distance between block places over (blocks - 1)^2, s the blocks' shares of the saliency, `shown` the picture's weight in
 * every place, in [0, 1]. Exact (the paper approximates it).
 */
export function planTransport(saliency: Float64Array, shown: Float64Array, blocks: number, xi: number): Int32Array {
  const unit = xi / Math.max(1, blocks - 1) ** 2
  const most = saliency.reduce((a, b) => Math.max(a, b), 0)
  // As far as it could pay a block that goes by itself; mostly this suffices, and the prices prove it.
  let reach = Math.min(blocks - 1, unit > 0 ? Math.floor(Math.sqrt(most / unit)) : blocks)
  for (; ; reach = 2 * reach + 1) {
    const { columnOf, rowPrice, columnPrice } = assign(placesWithin(reach, saliency, shown, blocks, unit))
    const best = rowPrice.reduce((worth, price, i) => Math.max(worth, price + saliency[i]!), Number.NEGATIVE_INFINITY)
    const dearest = columnPrice.reduce((a, b) => Math.max(a, b))
    if (reach >= blocks - 1 || unit * (reach + 1) ** 2 >= best + dearest) return columnOf
  }
}

/** For every block, what it costs in the places at most `reach` columns and rows away. */
function placesWithin(
  reach: number,
  saliency: Float64Array,
  shown: Float64Array,
  blocks: number,
  unit: number,
): Candidates {
  const cells = blocks * blocks
  const span = Math.min(blocks, 2 * reach + 1)
  const starts = new Int32Array(cells + 1)
  const columns = new Int32Array(cells * span * span)
  const costs = new Float64Array(cells * span * span)
  let at = 0
  for (let from = 0; from < cells; from++) {
    const column = from % blocks
    const row = (from - column) / blocks
    const [left, right] = [Math.max(0, column - reach), Math.min(blocks - 1, column + reach)]
    const [top, bottom] = [Math.max(0, row - reach), Math.min(blocks - 1, row + reach)]
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const to = y * blocks + x
        columns[at] = to
        costs[at++] = unit * ((y - row) ** 2 + (x - column) ** 2) - saliency[from]! * shown[to]!
      }
    }
    starts[from + 1] = at
  }
  return { starts, columns, costs }
}

/**
 * The picture with its blocks moved by `target`. Where blocks differ in size by a pixel, a larger place repeats the last
 * row or column of the block, a smaller one drops it.
 */
export function moveBlocks({ data, width, height }: Image, target: Int32Array, blocks: number): Image {
  const moved = new Uint8Array(data.length)
  const across = blockEdges(width, blocks)
  const down = blockEdges(height, blocks)
  for (let block = 0; block < target.length; block++) {
    const to = target[block]!
    const [left, right] = span(across, block % blocks)
    const [top, bottom] = span(down, Math.floor(block / blocks))
    const [toLeft, toRight] = span(across, to % blocks)
    const [toTop, toBottom] = span(down, Math.floor(to / blocks))
    for (let y = toTop; y < toBottom; y++) {
      const row = Math.min(top + y - toTop, bottom - 1) * width
      for (let x = toLeft; x < toRight; x++) {
        const from = (row + Math.min(left + x - toLeft, right - 1)) * 3
        const at = (y * width + x) * 3
        moved[at] = data[from]!
        moved[at + 1] = data[from + 1]!
        moved[at + 2] = data[from + 2]!
      }
    }
  }
  return { data: moved, width, height }
}

function span(edges: Int32Array, i: number): [number, number] {
  return [edges[i]!, edges[i + 1]!]
}
