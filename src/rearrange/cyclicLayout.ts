import { fftLength } from './fftLength.js'
import type { Window } from './kernel.js'
import type { Box } from './pair.js'

/**
 * Where the shifts of a window lie in the cyclic convolution of a's box with b's, reversed. Transformed forward twice,
 * its element c ends up at -c, so shifts lie in descending order: row j, column i of the window's table is the shift
 * (lastX - i, lastY - j), found at ((firstX + i) mod pointsX, (firstY + j) mod pointsY).
 */
export class CyclicLayout {
  pointsX = 0
  pointsY = 0
  firstX = 0
  firstY = 0
  columns = 0
  rows = 0

  /** Element c of the linear convolution belongs to the shift c + aStart - bEnd + 1. */
  fit(a: Box, b: Box, window: Window): void {
    const originX = a.left - b.right + 1
    const originY = a.top - b.bottom + 1
    this.columns = window.toX - window.fromX + 1
    this.rows = window.toY - window.fromY + 1
    this.pointsX = points(a.right - a.left, b.right - b.left, window.fromX - originX, window.toX - originX)
    this.pointsY = points(a.bottom - a.top, b.bottom - b.top, window.fromY - originY, window.toY - originY)
    this.firstX = modulo(originX - window.toX, this.pointsX)
    this.firstY = modulo(originY - window.toY, this.pointsY)
  }
}

/**
 * Points along one direction. The linear convolution has elements up to aLength + bLength - 2, and none that is not 0 may
 * alias with those from `first` to `last`. Three points to spare let a kernel start at a multiple of 4.
 */
function points(aLength: number, bLength: number, first: number, last: number): number {
  return fftLength(Math.max(aLength, bLength, last + 1, aLength + bLength - 1 - first, last - first + 4))
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor
}
