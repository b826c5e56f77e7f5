/** What each source file was when the run was planned, so that a change is noticed. */
import { createHash } from 'node:crypto'
import path from 'node:path'
import { allStats, readPicture } from '../containers/pictureFile.js'
import { AugmentError } from '../core/errors.js'
import type { Label } from '../core/softLabel.js'
import type { Pair } from '../dataset/pairList.js'
import type { Facts } from '../objects/reading.js'
import type { Sources } from '../output/outputFolder.js'
import type { Inputs } from './inputs.js'
import { placesOf } from './places.js'

export interface Stock extends Sources {
  /**
   * Every source with its size in bytes and label, one per line, and what else decides the plan on the first line: equal for
   * equal inputs wherever they lie.
   */
  readonly list: string
  /**
   * Throws a conflict error unless a source that has just been read still is what it was: by size, by time of modification,
   * and by content where it was read before, in this attempt or in an earlier one.
   */
  check(source: number, now: Facts, sha256: string): void
}

/** Bytes of a hash that are kept. */
const REUSABLE = 8

/** Looks at the file of every source: 32 bytes and a line of `list` each. */
export async function takeStock({ root, classes, sources, pairs }: Inputs): Promise<Stock> {
  const sizes = new Float64Array(sources.length)
  const times = new Float64Array(sources.length)
  /** A swap of two files, or a copy that keeps the time of modification, is a change of the file itself. */
  const touched = new Float64Array(sources.length)
  const hashes = Buffer.alloc(REUSABLE * sources.length)
  const lines = [JSON.stringify({ classes, pairs: pairs && digest(pairs) })]
  const pathOf = (i: number) => `${root}/${sources[i]!.file}`
  await allStats(sources.length, pathOf, (stats, i) => {
    const { file, label } = sources[i]!
    // A file that is gone is found out when it is needed.
    sizes[i] = stats?.size ?? Number.NaN
    times[i] = stats?.mtimeMs ?? Number.NaN
    touched[i] = stats === undefined ? Number.NaN : Math.max(stats.mtimeMs, stats.ctimeMs)
    const bytes = stats?.size ?? 'none'
    lines.push(`${JSON.stringify(file)}\t${bytes} bytes, label ${inWords(label)}`)
  })
  const placeOf = placesOf(sources)
  const known = (source: number) => hashes.subarray(REUSABLE * source, REUSABLE * (source + 1))
  const isKnown = (source: number) => known(source).some((byte) => byte !== 0)
  const same = (source: number, sha256: string) => known(source).toString('hex') === sha256.slice(0, 2 * REUSABLE)
  return {
    list: `${lines.join('\n')}\n`,
    made(row) {
      for (const { file, sha256 } of row.sources) {
        const source = placeOf(file)
        if (source !== undefined) known(source).write(sha256, 'hex')
      }
    },
    async altered(since) {
      const altered: string[] = []
      for (const [i, { file }] of sources.entries()) {
        if (!(touched[i]! > since) || !isKnown(i)) continue
        const { bytes } = await readPicture(path.join(root, file), file)
        if (!same(i, createHash('sha256').update(bytes).digest('hex'))) altered.push(file)
      }
      return altered
    },
    check(source, { size, mtimeMs }, sha256) {
      const { file } = sources[source]!
      if (size !== sizes[source] || mtimeMs !== times[source]) {
        const [found, expected] = [dated(size, mtimeMs), dated(sizes[source]!, times[source]!)]
        throw changed(`${file}: found ${found}, expected ${expected} as when the run began`)
      }
      if (!isKnown(source)) known(source).write(sha256, 'hex')
      else if (!same(source, sha256)) throw changed(`${file}: found other content, expected what the run began with`)
    },
  }
}

function changed(message: string): AugmentError {
  return new AugmentError('conflict', message, {
    hint: 'it has changed since: put it back and repeat the command to continue, or start over with --overwrite',
  })
}

function digest(pairs: Iterable<Pair>): string {
  const hash = createHash('sha256')
  for (const pair of pairs)
    hash.update(`${JSON.stringify({ ...pair, labelA: inWords(pair.labelA), labelB: inWords(pair.labelB) })}\n`)
  return hash.digest('hex')
}

/** A class index, or class index and weight of each class. */
function inWords(label: Label | undefined): string {
  if (typeof label !== 'object') return String(label)
  return Array.from(label.classes, (k, i) => `${k}:${label.weights[i]}`).join(' ')
}

function dated(size: number, time: number): string {
  return Number.isNaN(size) ? 'no file' : `${size} bytes of ${new Date(time).toISOString()}`
}
