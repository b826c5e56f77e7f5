/** WebDataset shards: tar files in which the files of one sample follow each other and share their name up to the dot. */
import path from 'node:path'
import { IMAGES, TAR_FOLDER } from './layout.js'
import { metadataRow, parseRow } from './rows.js'
import type { Sample, ShardForm } from './shardForm.js'
import { readTar, TAR_END, tarMember } from './tar.js'

/** For each picture `<key>.jpg`, `<key>.cls` (index of the heaviest class, -1 for none of several) and `<key>.json` (its line of metadata.jsonl). */
export const webdataset: ShardForm = {
  folder: TAR_FOLDER,
  ending: '.tar',
  async *encode(samples, classes) {
    const indices = new Map(classes.map((name, k) => [name, k]))
    for await (const { file, picture, row } of samples) {
      const { label } = parseRow(metadataRow, Buffer.from(row))
      yield* tarMember(memberOf(file), picture)
      yield* tarMember(`${keyOf(file)}.cls`, Buffer.from(String(indices.get(label) ?? -1)))
      yield* tarMember(`${keyOf(file)}.json`, row)
    }
    yield TAR_END
  },
  async *decode(file) {
    for await (const { sample } of samplesIn(file)) yield sample
  },
}

/** The members of a sample without its class, as an open shard holds them. */
export function* spooled({ file, picture, row }: Sample): Generator<Uint8Array> {
  yield* tarMember(memberOf(file), picture)
  yield* tarMember(`${keyOf(file)}.json`, row)
}

/** The samples in a tar, closed or open, and where each ends. Throws an Error where one is damaged or lacks its row. */
export async function* samplesIn(tar: string): AsyncGenerator<{ readonly sample: Sample; readonly end: number }> {
  let pending: { readonly name: string; readonly data: Uint8Array } | undefined
  for await (const { name, data, end } of readTar(tar)) {
    if (name.endsWith('.cls')) continue
    if (!name.endsWith('.json')) {
      pending = { name, data }
      continue
    }
    if (pending === undefined || keyOf(pending.name) !== keyOf(name))
      throw new Error(`found ${name} without its picture`)
    yield { sample: { file: path.posix.join(IMAGES, pending.name), picture: pending.data, row: data }, end }
    pending = undefined
  }
  if (pending !== undefined) throw new Error(`found ${pending.name} without its row`)
}

/** `images/00000/000000012.jpg` is `00000/000000012.jpg` in a tar. */
function memberOf(file: string): string {
  return path.posix.relative(IMAGES, file)
}

/** What the members of a sample have in common. */
function keyOf(file: string): string {
  const { dir, name } = path.posix.parse(file.startsWith(`${IMAGES}/`) ? memberOf(file) : file)
  return path.posix.join(dir, name)
}
