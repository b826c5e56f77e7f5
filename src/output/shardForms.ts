import { parquet } from './parquetShards.js'
import type { ShardForm } from './shardForm.js'
import { webdataset } from './webdataset.js'

/** The form of the pictures in a layout; null where each has a file of its own. */
export function shardFormOf(layout: unknown): ShardForm | null {
  if (layout === 'webdataset') return webdataset
  return layout === 'parquet' ? parquet : null
}
