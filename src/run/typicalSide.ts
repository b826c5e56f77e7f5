import path from 'node:path'
import { decodeImage } from '../codec/decode.js'
import { readPicture } from '../containers/pictureFile.js'
import { parseSize } from '../core/size.js'
import type { Sources } from '../dataset/source.js'
import type { Config } from './config.js'

/** So many pictures, evenly spread, stand for all. */
const SAMPLES = 5

/** The longer side of the canvas of most outputs, in pixels: the median over some sources; 0 where none of them can be read. */
export async function typicalSide(
  root: string,
  sources: Sources<{ readonly file: string }>,
  { size, maxPixels }: Pick<Config, 'size' | 'maxPixels'>,
): Promise<number> {
  if (size !== undefined) return Math.max(...parseSize(size))
  const count = Math.min(SAMPLES, sources.length)
  const files = Array.from(
    { length: count },
    (_, i) => sources.at(Math.floor(((i + 0.5) * sources.length) / count))!.file,
  )
  const sides: number[] = []
  for (const file of files) {
    try {
      const { bytes } = await readPicture(path.join(root, file), file)
      const { width, height } = await decodeImage(bytes, file, { maxPixels })
      sides.push(Math.max(width, height))
    } catch {
      // The run tells of a picture that it cannot use.
    }
  }
  sides.sort((a, b) => a - b)
  return sides[Math.floor(sides.length / 2)] ?? 0
}
