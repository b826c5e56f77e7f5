/**
 * Pictures that lie in shards, without a file for each.
 *
 * A form of shards says how a thousand samples become one file and are read back; all else is the same for every form: the
 * open shard, resuming, durability ([shelf.ts](shelf.ts)), finding pictures ([shardedPictures.ts](shardedPictures.ts)),
 * verify, repair and merge. A second form is an object of this kind in [shardForms.ts](shardForms.ts), and a name among the
 * layouts.
 */

/** An output in a shard. */
export interface Sample {
  /** Name of its picture in the tables: `images/00000/000000012.jpg`. */
  readonly file: string
  readonly picture: Uint8Array
  /** Its line of metadata.jsonl, without the line feed. */
  readonly row: Uint8Array
}

export interface ShardForm {
  /** In the output folder; holds nothing but shards. */
  readonly folder: string
  /** Of a shard's name, after six digits. */
  readonly ending: string
  /** The bytes of a shard: they follow from its samples and the classes alone. */
  encode(samples: AsyncIterable<Sample>, classes: readonly string[]): AsyncIterable<Uint8Array>
  /** The samples of a shard, in order, one at a time in memory where the form allows. Throws an Error where it is damaged. */
  decode(file: string): AsyncIterable<Sample>
}

/** Outputs of a shard; it has fewer samples where some of them failed. */
export const SHARD_SAMPLES = 1000

/**
 * Which shard of a run output `index` lies in, the run's first output being `first`. A thousand outputs of the plan make a shard,
 * wherever a part of the plan begins: the shards of all parts are then those of the whole.
 */
export function shardOf(index: number, first: number): number {
  return Math.floor(index / SHARD_SAMPLES) - Math.floor(first / SHARD_SAMPLES)
}

/** `000003.tar`. */
export function shardName(shard: number, { ending }: Pick<ShardForm, 'ending'>): string {
  return `${String(shard).padStart(6, '0')}${ending}`
}
