import { resizeToCover } from '../codec/codec.js'
import type { Image } from '../core/image.js'

/** Side of the square that each picture fits into, and the gaps between pictures and between rows, in pixels. */
const [SIDE, GAP, SPACE] = [64, 2, 16]

/** Widest sheet: what a page or a chat shows without scaling. */
const WIDEST = 1280

/**
 * One picture of many rows of pictures, on mid-grey: as many rows side by side as fit, in reading order. Each picture is
 * scaled to fit its square. At least one row, all of one length.
 */
export async function contactSheet(rows: readonly (readonly Image[])[]): Promise<Image> {
  const pitch = rows[0]!.length * (SIDE + GAP) - GAP + SPACE
  const columns = Math.min(rows.length, Math.floor((WIDEST - SPACE) / pitch))
  const width = SPACE + columns * pitch
  const height = SPACE + Math.ceil(rows.length / columns) * (SIDE + SPACE)
  const sheet: Image = { data: new Uint8Array(width * height * 3).fill(128), width, height }
  for (const [i, row] of rows.entries()) {
    const left = SPACE + (i % columns) * pitch
    const top = SPACE + Math.floor(i / columns) * (SIDE + SPACE)
    for (const [k, image] of row.entries()) place(await fitted(image), sheet, left + k * (SIDE + GAP), top)
  }
  return sheet
}

function fitted(image: Image): Promise<Image> {
  const scale = SIDE / Math.max(image.width, image.height)
  const side = (length: number) => Math.max(1, Math.round(scale * length))
  return resizeToCover(image, side(image.width), side(image.height))
}

/** Copies a picture to the middle of the square whose corner is (left, top). */
function place({ data, width, height }: Image, sheet: Image, left: number, top: number): void {
  const corner = (top + Math.floor((SIDE - height) / 2)) * sheet.width + left + Math.floor((SIDE - width) / 2)
  for (let y = 0; y < height; y++) {
    sheet.data.set(data.subarray(y * width * 3, (y + 1) * width * 3), (corner + y * sheet.width) * 3)
  }
}
