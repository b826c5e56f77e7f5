/**
 * The pictures of a run that lie in shards. What comes in goes to the open shard, `.sage/open/<n>`, and is durable there before
 * its rows are; a full shard gets its form and its name, and the next one is opened. On going on, the open shard is cut back
 * to the rows, as the tables are: a kill loses what it would lose of them, and leaves no other bytes than an unbroken run.
 */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { placed, writeAtomic } from './atomic.js'
import { type ClosedShards, numbered } from './closedShards.js'
import { KEPT_SHARDS, OPEN_SHARDS, SCRATCH } from './layout.js'
import { repairHint } from './read.js'
import { type OpenShard, ShardedPictures } from './shardedPictures.js'
import { type Sample, type ShardForm, shardName } from './shardForm.js'
import { samplesIn, spooled } from './webdataset.js'

/** Not through a link, where the system can tell. */
const APPEND = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0)

/** Where the shards of a run lie. */
interface Place {
  readonly folder: string
  readonly form: ShardForm
}

/** A run's pictures by name: those in its shards, and in the open one. Whoever asks has to close it. */
export function picturesOf({ folder, form }: Place): ShardedPictures {
  const closed = numbered(path.join(folder, form.folder), form.ending)
  const open = numbered(path.join(folder, OPEN_SHARDS), '').filter((n) => !closed.includes(n))
  return new ShardedPictures([
    ...closed.map((n) => () => form.decode(closedShard({ folder, form }, n))),
    ...open.map((n) => spool(openShard(folder, n))),
  ])
}

/** Sets aside all shards from `from` on, for the rows that were: `Shelf.kept` finds their pictures. */
export async function setAside({ folder, form }: Place, from: number): Promise<void> {
  const kept = path.join(folder, KEPT_SHARDS)
  await rm(kept, { recursive: true, force: true })
  await mkdir(kept)
  for (const n of numbered(path.join(folder, form.folder), form.ending)) {
    if (n >= from) await rename(closedShard({ folder, form }, n), path.join(kept, shardName(n, form)))
  }
  for (const n of numbered(path.join(folder, OPEN_SHARDS), '')) {
    await rename(openShard(folder, n), path.join(kept, shardName(n, { ending: '' })))
  }
}

/** Throws a conflict error unless all shards of a finished run are there. */
export function requireShards({ folder, form }: Place, closed: ClosedShards, filled: Filled): void {
  const present = new Set(closed.numbers())
  for (const n of filled.keys()) if (!present.has(n)) throw missing(folder, closedShard({ folder, form }, n))
}

/** Takes away what only an unfinished run needs. */
export async function clearShelf(folder: string): Promise<void> {
  for (const name of [OPEN_SHARDS, KEPT_SHARDS]) await rm(path.join(folder, name), { recursive: true, force: true })
}

/** How many rows of a run lie in each shard that has any. */
export type Filled = ReadonlyMap<number, number>

/** What the tables say of the shards. */
export interface Rows {
  readonly filled: Filled
  /** The picture of the last row. */
  readonly last: string | null
  /** The shard of the first output after it. */
  readonly next: number
}

/** The shards of a run that goes on. */
export class Shelf {
  /** Bytes of pictures that wait for their rows. */
  waiting = 0
  readonly #place: Place
  readonly #closed: ClosedShards
  readonly #classes: readonly string[]
  readonly #held = new Map<string, Uint8Array>()
  readonly #kept: ShardedPictures
  /** Shards with rows. */
  readonly #filled: Set<number>
  /** The one that is open. */
  #current: number | null = null
  #spool: FileHandle | undefined

  private constructor(place: Place, closed: ClosedShards, classes: readonly string[], filled: Filled) {
    this.#place = place
    this.#closed = closed
    this.#classes = classes
    this.#filled = new Set(filled.keys())
    this.#kept = new ShardedPictures(shardsAside(place))
  }

  /** The shelf of a run with some rows. Throws a conflict error where the pictures of these rows are not all there. */
  static async open(
    place: Place,
    closed: ClosedShards,
    classes: readonly string[],
    { filled, last, next }: Rows,
  ): Promise<Shelf> {
    const shelf = new Shelf(place, closed, classes, filled)
    await mkdir(path.join(place.folder, place.form.folder), { recursive: true })
    await mkdir(path.join(place.folder, OPEN_SHARDS), { recursive: true })
    const present = new Set(closed.numbers())
    const final = Math.max(...filled.keys())
    for (const [n, count] of filled) {
      const isOpen = n === next
      if (!isOpen && present.has(n)) continue
      await shelf.#rebuild(n, count, n === final ? last : null)
      if (isOpen) shelf.#current = n
      else await shelf.#close(n)
    }
    for (const n of numbered(path.join(place.folder, OPEN_SHARDS), ''))
      if (n !== shelf.#current) await rm(openShard(place.folder, n))
    return shelf
  }

  /** Takes a picture until its row comes. */
  hold(file: string, picture: Uint8Array): void {
    this.#held.set(file, picture)
    this.waiting += picture.length
  }

  /** Makes the pictures of some rows of shard `n` durable, in their order; `lines` are the rows of metadata.jsonl. */
  async append(n: number, files: readonly string[], lines: readonly string[]): Promise<void> {
    const samples = files.map((file, i): Sample => {
      const picture = this.#held.get(file)!
      return { file, picture, row: Buffer.from(lines[i]!.slice(0, -1)) }
    })
    await this.#add(n, samples)
    for (const { file, picture } of samples) {
      this.#held.delete(file)
      this.waiting -= picture.length
    }
  }

  /** Gives the open shard its form and name if it comes before shard `n`, its rows being durable. Tells which one it was. */
  async closeBefore(n: number): Promise<number | null> {
    const current = this.#current
    if (current === null || current >= n) return null
    await this.#close(current)
    return current
  }

  /** A picture of a row that was set aside; null where it is not there. */
  kept(file: string): Promise<Buffer | null> {
    return this.#kept.get(file)
  }

  /** Closes the last shard; no more pictures come. The open one stays until the run's record says that it is complete. */
  async finish(): Promise<void> {
    if (this.#current !== null) await this.#form(this.#current)
    for (const n of this.#closed.numbers()) if (!this.#filled.has(n)) await this.#closed.remove(n)
  }

  async close(): Promise<void> {
    await this.#spool?.close()
    this.#spool = undefined
    await this.#kept.close()
  }

  async #add(n: number, samples: readonly Sample[]): Promise<void> {
    const file = openShard(this.#place.folder, n)
    this.#current = n
    this.#filled.add(n)
    try {
      this.#spool ??= await open(file, APPEND)
      const { size } = await this.#spool.stat()
      try {
        await this.#spool.appendFile(Buffer.concat(samples.flatMap((sample) => [...spooled(sample)])))
        await this.#spool.datasync()
      } catch (error) {
        // Half a sample would be in the way of the next; where even this fails, the next run cuts it off.
        await this.#spool.truncate(size).catch(() => undefined)
        throw error
      }
    } catch (error) {
      throw placed(error, file)
    }
  }

  /** Forms the open shard `n` and takes it away. */
  async #close(n: number): Promise<void> {
    await this.#form(n)
    await this.#spool?.close()
    this.#spool = undefined
    if (this.#current === n) this.#current = null
    await rm(openShard(this.#place.folder, n))
  }

  async #form(n: number): Promise<void> {
    const samples = spool(openShard(this.#place.folder, n))()
    await this.#closed.write(n, this.#place.form.encode(samples, this.#classes))
  }

  /** Makes the open shard `n` hold exactly `count` samples, of which `last` is the last: cut back, or from wherever they are. */
  async #rebuild(n: number, count: number, last: string | null): Promise<void> {
    const { folder, form } = this.#place
    const file = openShard(folder, n)
    const end = await endOf(file, count, last)
    if (end !== null) return truncate(file, end)
    const aside = path.join(folder, KEPT_SHARDS)
    const sources: OpenShard[] = [
      () => this.#closed.decode(n),
      () => form.decode(path.join(aside, shardName(n, form))),
      spool(path.join(aside, shardName(n, { ending: '' }))),
    ]
    for (const source of sources) {
      if (!(await holds(source, count, last))) continue
      await writeAtomic(file, firstOf(source, count), path.join(folder, SCRATCH))
      return
    }
    throw missing(folder, closedShard(this.#place, n))
  }
}

function shardsAside({ folder, form }: Place): OpenShard[] {
  const aside = path.join(folder, KEPT_SHARDS)
  return [
    ...numbered(aside, form.ending).map((n) => () => form.decode(path.join(aside, shardName(n, form)))),
    ...numbered(aside, '').map((n) => spool(path.join(aside, shardName(n, { ending: '' })))),
  ]
}

function closedShard({ folder, form }: Place, n: number): string {
  return path.join(folder, form.folder, shardName(n, form))
}

function openShard(folder: string, n: number): string {
  return path.join(folder, OPEN_SHARDS, shardName(n, { ending: '' }))
}

function spool(file: string): OpenShard {
  return async function* () {
    for await (const { sample } of samplesIn(file)) yield sample
  }
}

/** Bytes of an open shard up to the end of its sample `count`, which has to be `last`; null where it is not there. */
async function endOf(file: string, count: number, last: string | null): Promise<number | null> {
  let found = 0
  try {
    for await (const { sample, end } of samplesIn(file)) {
      if (++found === count) return last === null || sample.file === last ? end : null
    }
  } catch {
    // What is cut or damaged counts up to there.
  }
  return null
}

async function holds(source: OpenShard, count: number, last: string | null): Promise<boolean> {
  let found = 0
  try {
    for await (const { file } of source()) if (++found === count) return last === null || file === last
  } catch {
    // It is not there, or damaged before.
  }
  return false
}

async function* firstOf(source: OpenShard, count: number): AsyncGenerator<Uint8Array> {
  let taken = 0
  for await (const sample of source()) {
    yield* spooled(sample)
    if (++taken === count) return
  }
}

function missing(folder: string, shard: string): AugmentError {
  return new AugmentError('conflict', `${shard}: not there or damaged, expected the pictures of its rows`, {
    hint: `put it back, or ${repairHint(folder)}`,
  })
}
