/** What lies beside shards, so that loaders know what is in them. */
import { PARQUET_FOLDER } from './layout.js'
import { shardName } from './shardForm.js'
import { webdataset } from './webdataset.js'

/** `_info.json`, in which timm looks for the length of a split; `shards`: how many samples each has. */
export async function* tarInfo(shards: Promise<ReadonlyMap<number, number>>): AsyncGenerator<Uint8Array> {
  const found = [...(await shards)]
  const filenames = found.map(([n]) => shardName(n, webdataset))
  const lengths = found.map(([, length]) => length)
  const samples = lengths.reduce((sum, length) => sum + length, 0)
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
