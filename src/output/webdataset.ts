/** WebDataset shards: tar files in which the files of one sample follow each other and share their name up to the dot. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { IMAGES, TAR_FOLDER } from './layout.js'
import type { MetadataRow } from './rows.js'
import { TAR_END, tarMember } from './tar.js'

/** A file by its path in the output folder; its bytes follow from the flat files alone. */
export interface FormFile {
  readonly file: string
  readonly content: AsyncIterable<Uint8Array>
}

/** A row of metadata.jsonl and its text. */
interface Sample {
  readonly row: MetadataRow
  readonly bytes: Buffer
}

const SAMPLES_PER_SHARD = 1000

/**
 * The shards of a finished dataset: for each picture `<key>.jpg`, `<key>.cls` (index of the heaviest class) and
 * `<key>.json` (its line of metadata.jsonl), in the order of the rows.
 */
export async function* shards(
  folder: string,
  metadata: AsyncIterable<Sample>,
  classes: readonly string[],
): AsyncGenerator<FormFile> {
  let samples: Sample[] = []
  let count = 0
  const shard = () => ({
    file: `${TAR_FOLDER}/${String(count++).padStart(6, '0')}.tar`,
    content: tar(folder, samples, classes),
  })
  for await (const sample of metadata) {
    samples.push(sample)
    if (samples.length < SAMPLES_PER_SHARD) continue
    yield shard()
    samples = []
  }
  if (samples.length > 0) yield shard()
}

async function* tar(
  folder: string,
  samples: readonly Sample[],
  classes: readonly string[],
): AsyncGenerator<Uint8Array> {
  for (const { row, bytes } of samples) {
    const { file_name: file, label } = row
    const { dir, name, ext } = path.posix.parse(path.posix.relative(IMAGES, file))
    const key = path.posix.join(dir, name)
    yield* tarMember(`${key}${ext}`, await readFile(path.join(folder, file)))
    yield* tarMember(`${key}.cls`, Buffer.from(String(classes.indexOf(label))))
    yield* tarMember(`${key}.json`, bytes)
  }
  yield TAR_END
}
