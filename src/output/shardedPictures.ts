/** Pictures in shards, by name. */
import type { Sample } from './shardForm.js'

/** What opens a shard: its samples in order. Throws an Error where it is damaged; what came before counts. */
export type OpenShard = () => AsyncIterable<Sample>

/** Where a picture is: in which shard, and after how many others. */
interface Place {
  readonly shard: number
  readonly at: number
}

/** The pictures in some shards, fast in the order in which they lie there: one pass serves all. */
export class ShardedPictures {
  readonly #shards: readonly OpenShard[]
  #reading: AsyncIterator<Sample> | undefined
  /** Of the sample that comes next. */
  #next: Place = { shard: 0, at: 0 }
  #places: Map<string, Place> | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(shards: readonly OpenShard[]) {
    this.#shards = shards
  }

  /** The bytes of a picture; null where no shard has it, or only behind damage. */
  get(file: string): Promise<Buffer | null> {
    const found = this.#turn.then(() => this.#find(file))
    this.#turn = found.catch(() => undefined)
    return found
  }

  /** Ends reading. */
  async close(): Promise<void> {
    await this.#turn
    await this.#reading?.return?.()
    this.#reading = undefined
  }

  async #find(file: string): Promise<Buffer | null> {
    if (this.#places === undefined) {
      const sample = await this.#take()
      if (sample?.file === file) return Buffer.from(sample.picture)
      this.#places = await this.#index()
    }
    const place = this.#places.get(file)
    if (place === undefined) return null
    if (place.shard !== this.#next.shard || place.at < this.#next.at) await this.#moveTo(place.shard)
    for (;;) {
      const sample = await this.#take()
      if (sample === null) return null
      if (sample.file === file) return Buffer.from(sample.picture)
    }
  }

  async #moveTo(shard: number): Promise<void> {
    await this.#reading?.return?.()
    this.#reading = undefined
    this.#next = { shard, at: 0 }
  }

  /** The next sample of all; null after the last. */
  async #take(): Promise<Sample | null> {
    for (;;) {
      const { shard, at } = this.#next
      if (shard >= this.#shards.length) return null
      this.#reading ??= this.#shards[shard]!()[Symbol.asyncIterator]()
      const { value, done } = await this.#reading.next().catch(() => ({ value: undefined, done: true }))
      if (!done) {
        this.#next = { shard, at: at + 1 }
        return value as Sample
      }
      this.#reading = undefined
      this.#next = { shard: shard + 1, at: 0 }
    }
  }

  /** Where every picture is, found by reading all of them. */
  async #index(): Promise<Map<string, Place>> {
    const places = new Map<string, Place>()
    await this.#moveTo(0)
    for (let place = this.#next; ; place = this.#next) {
      const sample = await this.#take()
      if (sample === null) break
      // After the end of a shard the sample is the first of the next.
      const { shard, at } = this.#next
      places.set(sample.file, shard === place.shard ? place : { shard, at: at - 1 })
    }
    await this.#moveTo(0)
    return places
  }
}
