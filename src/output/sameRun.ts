/** Whether a folder's run is the one that is asked for. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { type Asking, describeChanges, isSameSoFar, onlyMended } from './inputList.js'
import { FAILURES, INPUTS, PROVENANCE } from './layout.js'
import { tableRows } from './read.js'
import { differences, IDENTITY, type Identity, type RunRecord } from './record.js'
import { failureRow, provenanceRow } from './rows.js'

export const AS_IT_WAS = 'repeat the same command to continue, choose another --out, or start over with --overwrite'

/** So many differences between two runs are named. */
const SHOWN = 20

/** What may differ where a run is the beginning of another. */
const LENGTHS: readonly string[] = ['options.count', 'options.epochs']

/** An output by its index and the names of its sources. */
export interface Made {
  readonly index: number
  readonly sources: readonly string[]
}

/** What the run that is asked for says of itself. */
export interface Asked {
  /** What it is made of: kept to say what of it changed. */
  readonly inputs: Asking
  /** Whether to try the failures of an earlier attempt again. */
  readonly retryFailed: boolean
  /** Whether an output of a shorter or longer run is one of this run, too: it then begins with what is there. */
  readonly isOurs?: (made: Made) => boolean
}

/** Whether the run differs, but in nothing except how many outputs it has. Throws a conflict error for any other difference. */
export async function refuseChanged(
  folder: string,
  record: RunRecord,
  now: Identity,
  { inputs, retryFailed, isOurs }: Asked,
): Promise<boolean> {
  const before = Object.fromEntries(IDENTITY.map((key) => [key, record[key]]))
  const changes = differences(before, now)
  if (changes.length === 0) return false
  const listed = await readFile(path.join(folder, INPUTS), 'utf8').catch(() => '')
  const others = changes.filter(({ name }) => !name.startsWith('used.'))
  const isOther = others.length > 0 && others.every(({ name }) => LENGTHS.includes(name))
  if (isOurs !== undefined && isOther && (await isSameSoFar(listed, inputs))) return true
  const mended = others.length === 0 && (await onlyMended(folder, listed, inputs))
  if (mended && retryFailed) return false
  // What differs of all inputs differs of the used ones, too: one line says it.
  const told = others.length > 0 ? others : changes
  const lines = told
    .slice(0, SHOWN)
    .map(({ name, old, new: value }) => `${folder}: run with ${name} ${shown(old)}, now asked for ${shown(value)}`)
  if (told.length > SHOWN) lines.push(`... and ${told.length - SHOWN} more`)
  if (changes.some(({ name }) => /^(inputs|used)\./.test(name)))
    lines.push(...(await describeChanges(listed, inputs, record)))
  const hint = mended ? '--retry-failed makes the outputs that need the mended pictures' : AS_IT_WAS
  throw new AugmentError('conflict', lines.join('\n'), { hint })
}

/** Refuses a shorter or longer run unless all that it made, or failed to make, are outputs of this one. */
export async function refuseOtherOutputs(folder: string, { isOurs }: Asked): Promise<void> {
  const other = ({ index, sources }: Made) =>
    new AugmentError(
      'conflict',
      `${folder}: output ${index} is made of ${sources.join(' and ')}, but not in this run`,
      {
        hint: AS_IT_WAS,
      },
    )
  const [made, failed] = [path.join(folder, PROVENANCE), path.join(folder, FAILURES)]
  for await (const { row } of tableRows(made, provenanceRow, { unfinished: true })) {
    const output = { index: row.index, sources: row.sources.map(({ file }) => file) }
    if (!isOurs!(output)) throw other(output)
  }
  if (!existsSync(failed)) return
  for await (const { row } of tableRows(failed, failureRow, { unfinished: true })) if (!isOurs!(row)) throw other(row)
}

function shown(value: unknown): string {
  return value === undefined ? 'unset' : JSON.stringify(value)
}
