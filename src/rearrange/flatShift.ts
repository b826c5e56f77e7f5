import type { Box } from './kernel.js'
import { isPreferred, type Shift } from './shift.js'

/** The one value `map` has in its box, or undefined if it has several. */
function levelOf(map: Float32Array, width: number, box: Box): number | undefined {
  const level = map[box.top * width + box.left]!
  for (let y = box.top; y < box.bottom; y++) {
    for (let i = y * width + box.left; i < y * width + box.right; i++) if (map[i] !== level) return undefined
  }
  return level
}

/** Summed-area table of value(pixel), float64: entry y * (width + 1) + x sums what is left of x and above y. */
function integral(map: Float32Array, width: number, height: number, value: (pixel: number) => number): Float64Array {
  const stride = width + 1
  const table = new Float64Array(stride * (height + 1))
  for (let y = 0; y < height; y++) {
    let row = 0
    for (let x = 0; x < width; x++) {
      row += value(map[y * width + x]!)
      table[(y + 1) * stride + x + 1] = table[y * stride + x + 1]! + row
    }
  }
  return table
}

/** Sum over the pixels of [left, right) x [top, bottom); 0 if there are none. */
function sumOf(table: Float64Array, stride: number, left: number, right: number, top: number, bottom: number): number {
  if (left >= right || top >= bottom) return 0
  return (
    table[bottom * stride + right]! -
    table[bottom * stride + left]! -
    table[top * stride + right]! +
    table[top * stride + left]!
  )
}

/**
 * The best shift if one of the maps has a single value in its box, else undefined: what collides is then a sum over a
 * rectangle of the other map alone, so that every total takes a few look-ups. The bound is of no use for such maps: two
 * equal constants tie at every shift.
 */
export function flatShift(
  a: Float32Array,
  b: Float32Array,
  width: number,
  height: number,
  aBox: Box,
  bBox: Box,
  tie: number,
): Omit<Shift, 'total'> | undefined {
  const bLevel = levelOf(b, width, bBox)
  const level = bLevel ?? levelOf(a, width, aBox)
  if (level === undefined) return undefined
  const stride = width + 1
  const collide = (pixel: number) => (2 * pixel * level) / (pixel + level)
  const kept = integral(b, width, height, (pixel) => pixel)
  const lost = integral(bLevel === undefined ? b : a, width, height, collide)
  const gainOf = (dx: number, dy: number): number => {
    const left = Math.max(aBox.left, bBox.left + dx, 0)
    const right = Math.min(aBox.right, bBox.right + dx, width)
    const top = Math.max(aBox.top, bBox.top + dy, 0)
    const bottom = Math.min(aBox.bottom, bBox.bottom + dy, height)
    const moveX = bLevel === undefined ? dx : 0
    const moveY = bLevel === undefined ? dy : 0
    return (
      sumOf(
        kept,
        stride,
        Math.max(0, -dx),
        Math.min(width, width - dx),
        Math.max(0, -dy),
        Math.min(height, height - dy),
      ) - sumOf(lost, stride, left - moveX, right - moveX, top - moveY, bottom - moveY)
    )
  }
  let greatest = Number.NEGATIVE_INFINITY
  for (let dy = 1 - height; dy < height; dy++) {
    for (let dx = 1 - width; dx < width; dx++) greatest = Math.max(greatest, gainOf(dx, dy))
  }
  let best: Omit<Shift, 'total'> | undefined
  for (let dy = 1 - height; dy < height; dy++) {
    for (let dx = 1 - width; dx < width; dx++) {
      if (gainOf(dx, dy) < greatest - tie) continue
      if (!best || isPreferred(dx, dy, best.dx, best.dy)) best = { dx, dy }
    }
  }
  return best
}
