import type { Image } from '../core/image.js'
import { blockEdges } from './blocks.js'
import { assign } from './solvers/assignment.js'

/**
 * Where each of blocks x blocks blocks of a picture goes so that what is salient lands where the picture shows: the
 * permutation `target[block]` that minimises  xi sum_i C(i, target(i)) - sum_i s(i) shown(target(i)),  C the squared
 * distance between block places over (blocks - 1)^2, s the blocks' shares of the saliency, `shown` the picture's weight in
 * every place. Exact (the paper approximates it).
 */
export function planTransport(saliency: Float64Array, shown: Float64Array, blocks: number, xi: number): Int32Array {
  const cells = blocks * blocks
  const costs = new Float64Array(cells * cells)
  const unit = xi / Math.max(1, blocks - 1) ** 2
  for (let from = 0, at = 0; from < cells; from++) {
    const column = from % blocks
    const row = (from - column) / blocks
    const value = saliency[from]!
    for (let y = 0, to = 0; y < blocks; y++) {
      const down = unit * (y - row) * (y - row)
      for (let x = 0; x < blocks; x++, at++, to++) {
        costs[at] = down + unit * (x - column) * (x - column) - value * shown[to]!
      }
    }
  }
  return assign(costs, cells)
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
