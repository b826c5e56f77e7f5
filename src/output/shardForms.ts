import { parquet } from './parquetShards.js'
import { SHARD_SAMPLES, type ShardForm } from './shardForm.js'
import { webdataset } from './webdataset.js'

/** The form of the pictures in a layout; null where each has a file of its own. */
export function shardFormOf(layout: unknown): ShardForm | null {
  if (layout === 'webdataset') return webdataset
  return layout === 'parquet' ? parquet : null
}

/** How many outputs of a layout go into one file. */
export function unitOf(layout: unknown): number {
  return shardFormOf(layout) === null ? 1 : SHARD_SAMPLES
}
