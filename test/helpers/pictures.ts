import { readFileSync } from 'node:fs'
import { DEFAULT_MAX_PIXELS, decodeImage } from '../../src/codec/decode.js'
import type { Image } from '../../src/core/image.js'

/** Decodes a picture from a file. */
export function readPicture(file: string): Promise<Image> {
  return decodeImage(readFileSync(file), file, { maxPixels: DEFAULT_MAX_PIXELS })
}

/** Mean absolute difference of two pictures of one size, in grey levels. */
export function meanDifference(a: Image, b: Image): number {
  let sum = 0
  for (let i = 0; i < a.data.length; i++) sum += Math.abs(a.data[i]! - b.data[i]!)
  return sum / a.data.length
}

/** Largest absolute difference of two pictures of one size, in grey levels. */
export function maxDifference(a: Image, b: Image): number {
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0)
}
