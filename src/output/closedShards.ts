/** Where the full shards of a run lie: beside its tables, or in an object store. */
import { existsSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { syncFolder, writeAtomic } from './atomic.js'
import { SCRATCH } from './layout.js'
import { type Sample, type ShardForm, shardName } from './shardForm.js'

export interface ClosedShards {
  /** Of those that are there, rising. */
  numbers(): readonly number[]
  /** Makes a shard appear, complete. */
  write(n: number, bytes: AsyncIterable<Uint8Array>): Promise<void>
  remove(n: number): Promise<void>
  /** Throws an Error where it is not there or damaged. */
  decode(n: number): AsyncIterable<Sample>
}

/** The shards of a form in the folder of a run. */
export function shardFiles(folder: string, form: ShardForm): ClosedShards {
  const home = path.join(folder, form.folder)
  const place = (n: number) => path.join(home, shardName(n, form))
  return {
    numbers: () => numbered(home, form.ending),
    async write(n, bytes) {
      await writeAtomic(place(n), bytes, path.join(folder, SCRATCH))
      await syncFolder(home)
    },
    remove: (n) => rm(place(n)),
    decode: (n) => form.decode(place(n)),
  }
}

/** The numbers of the shards in a folder, rising. */
export function numbered(folder: string, ending: string): number[] {
  return existsSync(folder) ? numbersOf(readdirSync(folder), ending) : []
}

/** The numbers of shards among names, rising. */
export function numbersOf(names: readonly string[], ending: string): number[] {
  return names
    .filter((name) => /^\d{6,}$/.test(name.slice(0, name.length - ending.length)) && name.endsWith(ending))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b)
}
