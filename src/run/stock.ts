/** What each picture that a run is made of was when it was planned, so that a change is noticed. */
import { createHash } from 'node:crypto'
import path from 'node:path'
import { allStats, readPicture } from '../containers/pictureFile.js'
import { AugmentError } from '../core/errors.js'
import type { Label } from '../core/softLabel.js'
import type { Pair } from '../dataset/pairList.js'
import { type Stamp, stampHash, stampOf } from '../files/stamp.js'
import type { Facts } from '../objects/reading.js'
import { listLine, listText } from '../output/inputList.js'
import type { Sources } from '../output/outputFolder.js'
import type { Inputs } from './inputs.js'
import { placesOf } from './places.js'

export interface Stock extends Sources {
  /** What all inputs are: how many there are, and a SHA-256 of their names and labels. Equal for equal inputs wherever they lie. */
  readonly inputs: { readonly sources: number; readonly sha256: string }
  /** The pictures that the outputs are made of, and a SHA-256 of the list. */
  readonly used: { readonly pictures: number; readonly sha256: string }
  /** What decides the plan beside the pictures on the first line, then every used one, sorted, with its size in bytes and its label. */
  readonly list: string
  /** Of the used pictures in the order of their names: a SHA-256 of their stamps, and when the last of them was touched. */
  readonly stamps: Stamp
  /** The size and label of any picture among the inputs, as the list would have them. */
  entryOf(file: string): Promise<string | undefined>
  /**
   * Throws a conflict error unless a source that has just been read still is what it was: by size, by time of modification,
   * and by content where it was read before, in this attempt or in an earlier one.
   */
  check(source: number, now: Facts, sha256: string): void
}

/** Bytes of a hash that are kept. */
const REUSABLE = 8

/** Looks at the files of the `used` sources (rising), and no others: 36 bytes and a line of `list` each. */
export async function takeStock({ root, classes, sources, pairs }: Inputs, used: Int32Array): Promise<Stock> {
  const sizes = new Float64Array(used.length)
  const times = new Float64Array(used.length)
  /** A swap of two files, or a copy that keeps the time of modification, is a change of the file itself. */
  const touched = new Float64Array(used.length)
  const hashes = Buffer.alloc(REUSABLE * used.length)
  const fileOf = (slot: number) => sources.at(used[slot]!)!.file
  const first = JSON.stringify({ classes, pairs: pairs && digest(pairs) })
  const lines: string[] = []
  const stamps = stampHash()
  await allStats(
    used.length,
    (slot) => `${root}/${fileOf(slot)}`,
    (stats, slot) => {
      const { file, label } = sources.at(used[slot]!)!
      // A file that is gone is found out when it is needed.
      sizes[slot] = stats?.size ?? Number.NaN
      times[slot] = stats?.mtimeMs ?? Number.NaN
      touched[slot] = stats === undefined ? Number.NaN : Math.max(stats.mtimeMs, stats.ctimeMs)
      stamps.add(stampOf(stats))
      lines.push(listLine(file, entry(stats?.size, label)))
    },
  )
  const list = listText(first, lines)
  const placeOf = placesOf(sources)
  const known = (slot: number) => hashes.subarray(REUSABLE * slot, REUSABLE * (slot + 1))
  const isKnown = (slot: number) => known(slot).some((byte) => byte !== 0)
  const same = (slot: number, sha256: string) => known(slot).toString('hex') === sha256.slice(0, 2 * REUSABLE)
  return {
    inputs: { sources: sources.length, sha256: digestOfAll(first, sources) },
    used: { pictures: used.length, sha256: createHash('sha256').update(list).digest('hex') },
    list,
    stamps: stamps.digest(),
    async entryOf(file) {
      const source = placeOf(file)
      if (source === undefined) return undefined
      let size: number | undefined
      await allStats(
        1,
        () => `${root}/${file}`,
        (stats) => {
          size = stats?.size
        },
      )
      return entry(size, sources.at(source)!.label)
    },
    made(row) {
      for (const { file, sha256 } of row.sources) {
        const slot = slotOf(used, placeOf(file))
        if (slot !== undefined) known(slot).write(sha256, 'hex')
      }
    },
    async altered(since) {
      const altered: string[] = []
      for (let slot = 0; slot < used.length; slot++) {
        if (!(touched[slot]! > since) || !isKnown(slot)) continue
        const file = fileOf(slot)
        const { bytes } = await readPicture(path.join(root, file), file)
        if (!same(slot, createHash('sha256').update(bytes).digest('hex'))) altered.push(file)
      }
      return altered
    },
    check(source, { size, mtimeMs }, sha256) {
      const slot = slotOf(used, source)
      if (slot === undefined) return
      const file = fileOf(slot)
      if (size !== sizes[slot] || mtimeMs !== times[slot]) {
        const [found, expected] = [dated(size, mtimeMs), dated(sizes[slot]!, times[slot]!)]
        throw changed(`${file}: found ${found}, expected ${expected} as when the run began`)
      }
      if (!isKnown(slot)) known(slot).write(sha256, 'hex')
      else if (!same(slot, sha256)) throw changed(`${file}: found other content, expected what the run began with`)
    },
  }
}

/** The place of a source among the rising `used`. */
function slotOf(used: Int32Array, source: number | undefined): number | undefined {
  if (source === undefined) return undefined
  let [low, high] = [0, used.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (used[middle]! < source) low = middle + 1
    else high = middle
  }
  return used[low] === source ? low : undefined
}

function entry(size: number | undefined, label: Label): string {
  return `${size ?? 'none'} bytes, label ${inWords(label)}`
}

/** So many characters are hashed at a time. */
const TOGETHER = 2 ** 16

/** SHA-256 of what decides a plan: the first line of the list, then name and label of every source. */
function digestOfAll(first: string, sources: Inputs['sources']): string {
  const hash = createHash('sha256').update(first)
  let text = ''
  for (const { file, label } of sources) {
    text += `\n${file}\0${inWords(label)}`
    if (text.length < TOGETHER) continue
    hash.update(text)
    text = ''
  }
  return hash.update(text).digest('hex')
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
