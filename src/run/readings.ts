/** What decoding did to pictures that plain loaders do not do: reported when found, counted at the end. */
import path from 'node:path'
import { counted } from '../core/counted.js'
import { PROVENANCE } from '../output/layout.js'
import { readLines } from '../output/lines.js'
import { rowOn } from '../output/read.js'
import { provenanceRow, type Reading } from '../output/rows.js'

/** So many of the pictures in a run's outputs, each counted once. */
export interface ReadingCounts {
  /** Turned or mirrored by EXIF; brought to sRGB from another profile or CMYK; put over white; brought to 8 bits. */
  readonly turned: number
  readonly profile: number
  readonly alpha: number
  readonly depth: number
  /** Without bands that are neither colour nor alpha. */
  readonly bands: number
  /** 16-bit grey of which few grey levels are left, and the least and largest value in these pictures. */
  readonly narrow: number
  readonly values?: readonly [number, number]
}

/** Counts over all rows of a run's folder, also those of earlier attempts and other shards. */
export async function countReadings(folder: string): Promise<ReadingCounts> {
  const file = path.join(folder, PROVENANCE)
  const seen = new Set<string>()
  const counts = { turned: 0, profile: 0, alpha: 0, depth: 0, bands: 0, narrow: 0 }
  let values: readonly [number, number] | undefined
  for await (const line of readLines(file)) {
    if (!line.bytes.includes('"read":{')) continue
    for (const { file: source, read } of rowOn(provenanceRow, line, file).sources) {
      if (read === undefined || seen.has(source)) continue
      seen.add(source)
      for (const name of ['turned', 'profile', 'alpha', 'depth', 'bands'] as const) if (read[name]) counts[name]++
      if (read.levels === undefined || read.values === undefined) continue
      counts.narrow++
      const [low, high] = read.values
      values = [Math.min(low, values?.[0] ?? low), Math.max(high, values?.[1] ?? high)]
    }
  }
  return { ...counts, ...(values !== undefined && { values }) }
}

/** One notice at the end of a run; null where every plain loader sees the same pixels. */
export function describeReadings({ values, ...counts }: ReadingCounts): string | null {
  const { turned, profile, alpha, depth, narrow } = counts
  const [low, high] = values ?? [0, 0]
  const parts = [
    [turned, 'turned by EXIF'],
    [profile, 'converted to sRGB from another colour profile or CMYK'],
    [alpha, 'put over white'],
    [depth, 'reduced from 16 to 8 bits'],
    [narrow, `nearly of one grey level, with values ${low} to ${high} (--range auto spreads them)`],
  ] as const
  const told = parts.filter(([count]) => count > 0).map(([count, text]) => `${count} ${text}`)
  if (told.length === 0) return null
  const way = '--include-originals writes them as read here; docs/loading.md has a loader that reads them the same way'
  return `pictures that plain loaders read differently: ${told.join(', ')}; ${way}`
}

/** So many pictures that have changed are named. */
const NAMED = 5

/** Warns of pictures that have changed, and once of each thing that may spoil all pictures of a run. */
export class ReadingWarnings {
  #narrow = false
  #bands = false
  readonly #others = new Set<string>()
  #waiting: string[] = []

  add(file: string, { values, levels, bands }: Reading): void {
    if (levels !== undefined && values !== undefined && !this.#narrow) {
      this.#narrow = true
      const found = `${file}: found 16-bit grey with values ${values[0]} to ${values[1]}`
      this.#waiting.push(`${found}, of which ${counted(levels, 'level')} of 256 are left; --range auto spreads them`)
    }
    if (bands !== undefined && !this.#bands) {
      this.#bands = true
      this.#waiting.push(
        `${file}: left out ${counted(bands, 'band')} that the file calls neither colour nor alpha; such bands of other pictures are left out, too`,
      )
    }
  }

  /** A picture that is not the one that a replayed run mixed. */
  addOther(file: string): void {
    if (this.#others.has(file)) return
    this.#others.add(file)
    if (this.#others.size > NAMED + 1) return
    const text = 'another picture than the run that is replayed mixed, so the mixes with it will differ'
    this.#waiting.push(
      this.#others.size <= NAMED ? `${file}: ${text}` : `${file} and others, which are not named: ${text}`,
    )
  }

  /** The warnings since the last call. */
  take(): string[] {
    const taken = this.#waiting
    this.#waiting = []
    return taken
  }
}
