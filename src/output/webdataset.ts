/** WebDataset shards: tar files in which the files of one sample follow each other and share their name up to the dot. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { TAR_END, tarMember } from './tar.js'

export const SHARD_FOLDER = 'webdataset'

/** A file by its path in the output folder; its bytes follow from the flat files alone. */
export interface FormFile {
  readonly file: string
  readonly content: AsyncIterable<Uint8Array>
}

const SAMPLES_PER_SHARD = 1000

/**
 * The shards of a finished dataset: for each picture `<key>.jpg`, `<key>.cls` (index of the heaviest class) and
 * `<key>.json` (its line of metadata.jsonl), in the order of the rows.
 */
export async function* shards(
  folder: string,
  metadata: AsyncIterable<string>,
  classes: readonly string[],
): AsyncGenerator<FormFile> {
  let lines: string[] = []
  let count = 0
  const shard = () => ({
    file: `${SHARD_FOLDER}/${String(count++).padStart(6, '0')}.tar`,
    content: tar(folder, lines, classes),
  })
  for await (const line of metadata) {
    lines.push(line)
    if (lines.length < SAMPLES_PER_SHARD) continue
    yield shard()
    lines = []
  }
  if (lines.length > 0) yield shard()
}

async function* tar(folder: string, lines: readonly string[], classes: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const line of lines) {
    const { file_name: file, label } = JSON.parse(line) as { file_name: string; label: string }
    const { dir, name, ext } = path.posix.parse(path.posix.relative('images', file))
    const key = path.posix.join(dir, name)
    yield* tarMember(`${key}${ext}`, await readFile(path.join(folder, file)))
    yield* tarMember(`${key}.cls`, Buffer.from(String(classes.indexOf(label))))
    yield* tarMember(`${key}.json`, Buffer.from(line))
  }
  yield TAR_END
}
