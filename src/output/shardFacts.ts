/** What lies beside shards, so that loaders know what is in them. */
import { PARQUET_FOLDER } from './layout.js'
import { SHARD_SAMPLES, shardName } from './shardForm.js'
import { webdataset } from './webdataset.js'

/** `_info.json`, in which timm looks for the length of a split. */
export async function* tarInfo(rows: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  let samples = 0
  for await (const _ of rows) samples++
  const lengths = Array.from({ length: Math.ceil(samples / SHARD_SAMPLES) }, (_, n) =>
    Math.min(SHARD_SAMPLES, samples - n * SHARD_SAMPLES),
  )
  const filenames = lengths.map((_, n) => shardName(n, webdataset))
  const train = { name: 'train', num_samples: samples, filenames, shard_lengths: lengths }
  yield Buffer.from(`${JSON.stringify({ splits: { train } }, null, 2)}\n`)
}

/** README.md, whose header tells Hugging Face Datasets which files of the folder are the data. */
export const DATASET_CARD = `---
configs:
- config_name: default
  data_files:
  - split: train
    path: ${PARQUET_FOLDER}/*.parquet
task_categories:
- image-classification
---

Mixed pictures and soft labels, made by sage-augment. load_dataset reads this folder as it is.
`
