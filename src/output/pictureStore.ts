/** Where the pictures of a run lie: in a file each, or in shards. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { WrittenTogether } from './atomic.js'
import type { Failure, Row } from './rows.js'
import { type ShardForm, shardOf } from './shardForm.js'
import { clearShelf, picturesOf, type Shelf } from './shelf.js'
import type { Tables } from './tables.js'

export interface PictureStore {
  /** Bytes of pictures in memory that wait for their rows. */
  readonly waiting: number
  /** Takes a picture; it is durable with its row. */
  save(file: string, picture: Uint8Array): Promise<void>
  /** Appends outcomes to the tables, as these do it, their pictures being durable before. */
  append(rows: readonly Row[], failures: readonly Failure[], next: number): Promise<void>
  /** The picture of a row that an earlier attempt made and that has been set aside; null where there is none. */
  kept(file: string): Promise<Uint8Array | null>
  /** Puts a picture back that `kept` gave. */
  restore(file: string, picture: Uint8Array): Promise<void>
  /** A finished picture. */
  picture(file: string): Promise<Uint8Array>
  /** Completes what is there; no more pictures come. */
  finish(): Promise<void>
  /** Takes away what only an unfinished run needs. */
  clear(): Promise<void>
  close(): Promise<void>
}

/** A file for each picture, written `together` to where `place` puts it. */
export function pictureFiles(
  folder: string,
  tables: Tables,
  together: WrittenTogether,
  place: (file: string) => Promise<string>,
): PictureStore {
  const settle = () => together.settle()
  const picture = (file: string) => readFile(path.join(folder, file))
  return {
    waiting: 0,
    save: async (file, picture) => together.write(await place(file), picture),
    append: (rows, failures, next) => tables.append(rows, failures, next, settle),
    kept: (file) => picture(file).catch(() => null),
    restore: async () => {},
    picture,
    finish: settle,
    clear: async () => {},
    close: async () => together.close(),
  }
}

/** Where pictures in shards come from. */
interface Shards {
  readonly folder: string
  readonly form: ShardForm
  /** Index of the run's first output. */
  readonly first: number
  /** Null where the run is finished. */
  readonly shelf: Shelf | null
  /** Hears of each full shard once it and its rows are durable. */
  readonly keep?: ((n: number) => Promise<void>) | undefined
}

export function pictureShards(tables: Tables, { folder, form, first, shelf, keep }: Shards): PictureStore {
  let finished: ReturnType<typeof picturesOf> | undefined
  async function closeBefore(n: number): Promise<void> {
    const closed = await shelf?.closeBefore(n)
    if (typeof closed === 'number') await keep?.(closed)
  }
  return {
    get waiting() {
      return shelf?.waiting ?? 0
    },
    save: async (file, picture) => shelf?.hold(file, picture),
    async append(rows, failures, next) {
      if (shelf === null) return
      const shardOfRow = (at: number) => shardOf(rows[at]!.made.index, first)
      let [from, start] = [0, tables.next]
      do {
        let to = from
        while (to < rows.length && shardOfRow(to) === shardOfRow(from)) to++
        const some = rows.slice(from, to)
        const end = rows[to]?.made.index ?? next
        const failed = failures.filter(({ index }) => index >= start && index < end)
        const n = shardOf(some[0]?.made.index ?? start, first)
        const files = some.map(({ made }) => made.file_name)
        // A shard is closed once its rows are durable, so that none has to be opened again.
        await closeBefore(n)
        await tables.append(some, failed, end, async (lines) => {
          if (files.length > 0) await shelf.append(n, files, lines)
        })
        await closeBefore(shardOf(end, first))
        ;[from, start] = [to, end]
      } while (from < rows.length)
    },
    kept: async (file) => (await shelf?.kept(file)) ?? null,
    restore: async (file, picture) => shelf?.hold(file, picture),
    async picture(file) {
      finished ??= picturesOf({ folder, form })
      const picture = await finished.get(file)
      if (picture === null) throw new Error(`${file}: not in the shards`)
      return picture
    },
    finish: async () => shelf?.finish(),
    clear: () => clearShelf(folder),
    async close() {
      await finished?.close()
      await shelf?.close()
    },
  }
}
