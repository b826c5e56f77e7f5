/** How much a run writes, and whether there is room for it. */
import { statfs } from 'node:fs/promises'
import path from 'node:path'
import { encodeImage, resizeToCover } from '../codec/codec.js'
import { decodeImage } from '../codec/decode.js'
import { readPicture } from '../containers/pictureFile.js'
import { formatBytes } from '../core/bytes.js'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import { parseSize } from '../core/size.js'
import { nearestFolder } from '../output/place.js'
import { rowsIn } from '../output/read.js'
import { SHARD_SAMPLES } from '../output/shardForm.js'
import { shardFormOf } from '../output/shardForms.js'
import type { Config } from './config.js'
import type { Inputs } from './inputs.js'

export interface Space {
  /** Outputs that are not there yet. */
  readonly missing: number
  /** About what the outputs that are missing will take. */
  readonly bytes: number
  /** What the file system of the output folder has left for this user. */
  readonly free: number
}

/** So many pictures, evenly spread, stand for all. */
const SAMPLES = 16

/** Of the three label files for an output: names, hashes, numbers; and what each class adds, `0.0,` and `0.0, `. */
const ROW_BYTES = 900
const CLASS_BYTES = 9
/** Of what stands beside a picture in a tar: three headers, its class, its row. */
const SAMPLE_BYTES = 2560

/**
 * Estimates what `outputs` outputs take, less those that are there already, from some sources encoded as outputs are.
 * Throws AugmentError `failed` where the file system has not that much, or not that many files, left.
 */
export async function checkSpace(inputs: Inputs, config: Config, outputs: number): Promise<Space> {
  const { bavail, bsize, files, ffree } = await statfs(nearestFolder(inputs.out))
  const missing = outputs - (await rowsIn(inputs.out))
  const row = ROW_BYTES + CLASS_BYTES * inputs.classes.length
  const bytes = Math.round(missing * (row + (await meanOutput(inputs, config, bsize))))
  const free = bavail * bsize
  const hint = 'free some space, choose another --out or a smaller --count or --size, or split the run with --shard'
  if (bytes > free) {
    const message = `${inputs.out}: found ${formatBytes(free)} free, expected about ${formatBytes(bytes)} for ${counted(missing, 'output')}`
    throw new AugmentError('failed', message, { hint })
  }
  const inShards = shardFormOf(config.layout) !== null
  const needed = missing * ((config.writeMasks ? 1 : 0) + (inShards ? 1 / SHARD_SAMPLES : 1))
  // Some file systems make files as they need them and count none.
  if (files > 0 && needed > ffree) {
    throw new AugmentError(
      'failed',
      `${inputs.out}: found room for ${counted(ffree, 'file')}, expected ${Math.ceil(needed)}`,
      {
        hint,
      },
    )
  }
  return { missing, bytes, free }
}

/** Bytes that the picture of an output, and its mask if it has one, take on disk on average; 0 where no source is usable. */
async function meanOutput({ root, sources }: Inputs, config: Config, block: number): Promise<number> {
  const { maxPixels, format, quality } = config
  const onDisk = (bytes: number) => Math.ceil(bytes / block) * block
  const pictureOnDisk = (bytes: number) => (shardFormOf(config.layout) === null ? onDisk(bytes) : bytes + SAMPLE_BYTES)
  let [sum, usable] = [0, 0]
  const step = Math.max(1, sources.length / SAMPLES)
  for (let at = 0; at < sources.length; at += step) {
    const { file } = sources.at(Math.floor(at))!
    try {
      const { bytes } = await readPicture(path.join(root, file), file)
      const image = await decodeImage(bytes, file, { maxPixels })
      const [width, height] = config.size === undefined ? [image.width, image.height] : parseSize(config.size)
      const picture = await encodeImage(await resizeToCover(image, width, height), format, quality)
      sum += pictureOnDisk(picture.length) + (config.writeMasks ? onDisk(4 * width * height) : 0)
      usable++
    } catch {
      // What is wrong with a picture is told when its turn comes.
    }
  }
  return usable === 0 ? 0 : sum / usable
}
