/** What the header of a TIFF says of its first picture: libvips tells none of it. */
import { TAG, TiffDirectory } from './tiffDirectory.js'

export interface TiffTags {
  readonly compression: number
  readonly photometric: number
  readonly bitsPerSample: number
  readonly samplesPerPixel: number
  /** Whether each band lies in a plane of its own, and whether these are cut into tiles. */
  readonly planar: boolean
  readonly tiled: boolean
  /** One for each sample beyond the colours: 0 unspecified, 1 associated alpha, 2 unassociated alpha. */
  readonly extraSamples: readonly number[]
}

/** More samples than any picture has, against damaged counts. */
const MOST_SAMPLES = 256

/** How many samples are colours, by photometric interpretation; where it is none of these, all are. */
const COLOURS: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 3, 3: 1, 4: 1, 5: 4, 6: 3, 8: 3, 9: 3, 10: 3 }

/** The tags of the first picture, defaults filled in; undefined where the header is damaged. */
export function readTiffTags(bytes: Uint8Array): TiffTags | undefined {
  try {
    return tagsOf(new TiffDirectory(bytes))
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function tagsOf(directory: TiffDirectory): TiffTags {
  const first = (tag: number, otherwise: number) => directory.values(tag)[0] ?? otherwise
  const samplesPerPixel = first(TAG.samplesPerPixel, 1)
  const photometric = first(TAG.photometric, 1)
  const extra = Math.max(0, Math.min(samplesPerPixel, MOST_SAMPLES) - (COLOURS[photometric] ?? samplesPerPixel))
  const named = directory.values(TAG.extraSamples)
  return {
    compression: first(TAG.compression, 1),
    photometric,
    bitsPerSample: first(TAG.bitsPerSample, 1),
    samplesPerPixel,
    planar: samplesPerPixel > 1 && first(TAG.planarConfiguration, 1) === 2,
    tiled: directory.values(TAG.tileOffsets).length > 0,
    // A writer that leaves the tag out has said nothing of alpha.
    extraSamples: Array.from({ length: extra }, (_, i) => named[i] ?? 0),
  }
}
