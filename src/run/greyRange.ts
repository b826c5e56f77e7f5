/** Which values of 16-bit grey become black and white, as --range asks for it. */
import path from 'node:path'
import { greyExtent } from '../codec/decode.js'
import { HEAD_BYTES, mayBeDeepGrey } from '../codec/format.js'
import type { GreyRange } from '../codec/samples.js'
import { readHead, readPicture } from '../containers/pictureFile.js'
import type { Sources } from '../dataset/source.js'
import { cores } from '../threads/cores.js'
import { orderedMap } from '../threads/orderedMap.js'
import type { Config } from './config.js'

/** The range of a run; `dataset` looks at every picture that may be 16-bit grey, and is `full` where none is. */
export async function greyRangeOf(
  { range, maxPixels, jobs = cores() }: Pick<Config, 'range' | 'maxPixels' | 'jobs'>,
  { root, sources }: { readonly root: string; readonly sources: Sources<{ readonly file: string }> },
): Promise<GreyRange> {
  if (range === 'full' || range === 'auto') return range
  if (range !== 'dataset') return range.split(':').map(Number) as [number, number]
  let [low, high] = [Number.POSITIVE_INFINITY, 0]
  const extents = orderedMap(
    0,
    sources.length,
    () => jobs + 2,
    (i) => extentOf(root, sources.at(i)!.file, maxPixels),
  )
  for await (const extent of extents) {
    low = Math.min(low, extent?.[0] ?? low)
    high = Math.max(high, extent?.[1] ?? high)
  }
  return low < high ? [low, high] : 'full'
}

/** As --range takes it, so that the same can be asked for again. */
export function formatRange(range: GreyRange): string {
  return typeof range === 'string' ? range : range.join(':')
}

async function extentOf(root: string, name: string, maxPixels: number): Promise<readonly [number, number] | null> {
  const file = path.join(root, name)
  try {
    if (!mayBeDeepGrey(await readHead(file, name, HEAD_BYTES))) return null
    return await greyExtent((await readPicture(file, name)).bytes, name, { maxPixels })
  } catch {
    // What is wrong with a picture is told when its turn comes.
    return null
  }
}
