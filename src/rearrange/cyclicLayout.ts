import { fftLength } from './fftLength.js'
import type { Box, Window } from './kernel.js'

/**
 * Where the shifts of a window lie in the cyclic convolution of a's box with b's, reversed. Transformed forward twice,
 * its element c ends up at -c, so shifts lie in descending order: row j, column i of the window's table is the shift
 * (lastX - i, lastY - j), found at ((firstX + i) mod pointsX, (firstY + j) mod pointsY).
 */
export interface CyclicLayout {
  readonly pointsX: number
  readonly pointsY: number
  readonly firstX: number
  readonly firstY: number
  readonly columns: number
  readonly rows: number
}

export function cyclicLayout(a: Box, b: Box, window: Window): CyclicLayout {
  const x = axis(a.left, a.right, b.left, b.right, window.fromX, window.toX)
  const y = axis(a.top, a.bottom, b.top, b.bottom, window.fromY, window.toY)
  return {
    pointsX: x.points,
    pointsY: y.points,
    firstX: x.first,
    firstY: y.first,
    columns: x.count,
    rows: y.count,
  }
}

/**
 * One direction of the layout. Element c of the linear convolution belongs to the shift c + aStart - bEnd + 1; it has
 * elements up to aLength + bLength - 2, and none that is not 0 may alias with the window's. Three points to spare let a
 * kernel start the window at a multiple of 4.
 */
function axis(aStart: number, aEnd: number, bStart: number, bEnd: number, from: number, to: number) {
  const origin = aStart - bEnd + 1
  const count = to - from + 1
  const aliasing = Math.max(to - origin + 1, aEnd - aStart + (bEnd - bStart) - 1 - (from - origin))
  const points = fftLength(Math.max(aEnd - aStart, bEnd - bStart, aliasing, count + 3))
  const first = (((origin - to) % points) + points) % points
  return { points, first, count }
}
