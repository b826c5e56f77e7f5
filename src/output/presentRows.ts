/** What the rows of a run say of its pictures, and whether these are there. */
import { lstatSync } from 'node:fs'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { repairHint } from './read.js'
import type { ProvenanceRow } from './rows.js'
import { type ShardForm, shardOf } from './shardForm.js'

/** Finds rows whose picture is not there any more; of a run in shards, counts the rows of each. */
export function presentRows(folder: string, form: ShardForm | null, first: number) {
  const missing: string[] = []
  const filled = new Map<number, number>()
  let last: string | null = null
  return {
    /** Rows of each shard. */
    filled,
    /** Of the last row. */
    get last() {
      return last
    },
    look({ index, file_name: file }: ProvenanceRow): void {
      last = file
      if (form !== null) {
        const n = shardOf(index, first)
        filled.set(n, (filled.get(n) ?? 0) + 1)
        return
      }
      if (!lstatSync(path.join(folder, file), { throwIfNoEntry: false })?.isFile()) missing.push(file)
    },
    refuseMissing(): void {
      if (missing.length === 0) return
      const others = missing.length > 1 ? `, and ${missing.length - 1} more` : ''
      const message = `${path.join(folder, missing[0]!)}: not there${others}, expected the picture of its row`
      throw new AugmentError('conflict', message, { hint: `put it back, or ${repairHint(folder)}` })
    },
  }
}
