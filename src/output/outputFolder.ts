import { existsSync, lstatSync } from 'node:fs'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { reasonOf } from '../core/systemError.js'
import { folderMaker, makeFolder, syncFolder, writeAtomic } from './atomic.js'
import { classesText, refuseOtherClasses } from './classes.js'
import { type Forms, writeForms } from './forms.js'
import { describeChanges, onlyMended } from './inputList.js'
import {
  CLASSES,
  FAILURES,
  INPUTS,
  LOCK,
  MAPS_RECORD,
  OURS,
  PROVENANCE,
  REPORTS,
  RUN_RECORD,
  refuseLinks,
  SCRATCH,
  STATE,
} from './layout.js'
import { type Lock, takeLock } from './lock.js'
import { damaged, repairHint } from './read.js'
import { differences, IDENTITY, type Identity, type RunRecord, readRecord, recordText, TOOL } from './record.js'
import { dropReusable, openReusable, reusableRows, rewindToFailure } from './reusable.js'
import type { ProvenanceRow, Row } from './rows.js'
import { Tables } from './tables.js'

const AS_IT_WAS = 'repeat the same command to continue, choose another --out, or start over with --overwrite'

/** So many differences between two runs are named. */
const SHOWN = 20

/** An output folder that this process alone writes to. */
export interface OutputFolder {
  readonly tables: Tables
  /** run.json of a run that was already complete when the folder was opened. */
  readonly finished: RunRecord | null
  /** The row of an output that an earlier attempt made and that is still whole; asked in rising order of index. */
  reusable(index: number): Promise<Row | null>
  /** Writes `<name>.<extension>` durably, making its folder. */
  write(file: string, bytes: Uint8Array): Promise<void>
  /** Makes the other forms asked for, then writes run.json with `complete: true`, as the last thing of all. */
  finish(facts: Readonly<Record<string, unknown>>): Promise<void>
  /** Gives up the lock; the run can be continued. */
  close(): Promise<void>
}

/** The files that a run's pictures are made of, as far as its folder has to know them. */
export interface Sources {
  /** Hears of every finished row: what its sources were must be what they are. */
  made(row: ProvenanceRow): void
  /** Those whose files were touched after a time in milliseconds and are not what finished rows were made from. */
  altered(since: number): Promise<string[]>
}

interface OutputOptions {
  /** Index of the run's first output. */
  readonly first: number
  /** The inputs, one per line: kept to say which of them changed. */
  readonly inputs: string
  readonly sources?: Sources
  readonly overwrite: boolean
  /** Whether to try the failures of an earlier attempt again. */
  readonly retryFailed: boolean
  readonly facts: Readonly<Record<string, unknown>>
  readonly notice: (text: string) => void
}

/**
 * Opens `folder` for a run: a new or empty folder, or one that holds an interrupted or complete run of the same identity.
 * Throws a conflict error for anything else, naming what differs, and for a run that is not as it was left.
 */
export async function openOutput(
  folder: string,
  classes: readonly string[],
  identity: Identity,
  options: OutputOptions,
): Promise<OutputFolder> {
  await refuseForeign(folder, MAPS_RECORD)
  await makeFolder(path.join(folder, STATE))
  await refuseLinks(folder)
  const lock = await takeLock(path.join(folder, LOCK), options.notice)
  try {
    const record = options.overwrite ? null : await readRecord(folder)
    if (record === null) await remove(folder, [RUN_RECORD, ...OURS])
    else await refuseChanged(folder, record, identity, options)
    const scratch = path.join(folder, SCRATCH)
    await rm(scratch, { recursive: true, force: true })
    await makeFolder(scratch)
    const run = { folder, classes, options, lock, save: saver(folder, identity, options.facts) }
    if (record === null) await begin(run)
    else await refuseOtherClasses(folder, classes)
    return folderOf(run, identity, await openTables(run, record))
  } catch (error) {
    await lock.release()
    throw error
  }
}

interface OpenRun {
  readonly folder: string
  readonly classes: readonly string[]
  readonly options: OutputOptions
  readonly lock: Lock
  readonly save: Saver
}

interface Saver {
  text(name: string, text: string): Promise<void>
  record(complete: boolean, more?: Readonly<Record<string, unknown>>): Promise<void>
}

function saver(folder: string, identity: Identity, facts: Readonly<Record<string, unknown>>): Saver {
  const text = (name: string, text: string) => writeAtomic(path.join(folder, name), text, path.join(folder, SCRATCH))
  return {
    text,
    record: (complete, more = {}) =>
      text(RUN_RECORD, recordText({ tool: TOOL, complete, ...identity, ...facts, ...more })),
  }
}

/** The record comes last: without it the next attempt starts anew. */
async function begin({ classes, options, save }: OpenRun): Promise<void> {
  await save.text(INPUTS, options.inputs)
  await save.text(CLASSES, classesText(classes))
  await save.record(false)
}

/** The tables, checked before anything is changed, and the record of a run that is complete already. */
async function openTables({ folder, classes, options, lock, save }: OpenRun, record: RunRecord | null) {
  const { first, inputs, sources } = options
  const retry = options.retryFailed && existsSync(path.join(folder, FAILURES))
  const finished = record?.complete === true && !retry ? record : null
  const present = pictureCheck(folder)
  const guard = () => lock.check()
  const visit = (row: ProvenanceRow) => {
    sources?.made(row)
    if (!retry) present.look(row)
  }
  const tables = await Tables.read(folder, classes, { first, finished: finished !== null, visit, guard })
  if (finished !== null) refuseCount(folder, finished, tables.rows)
  for await (const { made } of reusableRows(folder)) sources?.made(made)
  if (record !== null && tables.rows > 0) await refuseAltered(path.join(folder, INPUTS), sources)
  present.refuseMissing()
  if (finished === null) await tables.trim()
  if (!retry) return { tables, finished }
  await save.record(false)
  await save.text(INPUTS, inputs)
  await rewindToFailure(folder)
  await remove(folder, REPORTS)
  const shorter = await Tables.open(folder, classes, { first, visit: present.look, guard })
  present.refuseMissing()
  return { tables: shorter, finished }
}

function folderOf(
  { folder, classes, lock, save }: OpenRun,
  identity: Identity,
  opened: Pick<OutputFolder, 'tables' | 'finished'>,
): OutputFolder {
  const scratch = path.join(folder, SCRATCH)
  const makeFolderOnce = folderMaker()
  return {
    ...opened,
    reusable: openReusable(folder),
    async write(file, bytes) {
      const target = path.join(folder, file)
      await lock.check()
      await makeFolderOnce(path.dirname(target))
      await writeAtomic(target, bytes, scratch)
    },
    async finish(facts) {
      await lock.check()
      await dropReusable(folder)
      await writeForms(folder, classes, identity.options as Forms, scratch)
      await syncFolder(folder)
      await save.record(true, facts)
      await syncFolder(folder)
    },
    async close() {
      // After another has taken the lock over, what lies there is his.
      await lock.check().then(
        () => rm(scratch, { recursive: true, force: true }),
        () => undefined,
      )
      await lock.release()
    },
  }
}

/** Throws a conflict error unless the folder is new, empty or ours; one with the `other` kind of record is not. */
export async function refuseForeign(folder: string, other: string): Promise<void> {
  const present = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    const message = `${folder}: ${reasonOf(error)}, expected a new or empty folder, or a run of sage-augment`
    throw new AugmentError('conflict', message, { hint: 'choose another folder with --out', cause: error })
  })
  if (present.length === 0 || (present.includes(STATE) && !present.includes(other))) return
  throw new AugmentError(
    'conflict',
    `${folder}: found other files, expected an empty folder or a run of sage-augment`,
    {
      hint: 'choose another folder with --out',
    },
  )
}

async function remove(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rm(path.join(folder, name), { recursive: true, force: true })
}

async function refuseChanged(
  folder: string,
  record: RunRecord,
  now: Identity,
  { inputs, retryFailed }: { inputs: string; retryFailed: boolean },
): Promise<void> {
  const before = Object.fromEntries(IDENTITY.map((key) => [key, record[key]]))
  const changes = differences(before, now)
  if (changes.length === 0) return
  const listed = await readFile(path.join(folder, INPUTS), 'utf8').catch(() => '')
  const mended = changes.every(({ name }) => name === 'inputs.sha256') && (await onlyMended(folder, listed, inputs))
  if (mended && retryFailed) return
  const lines = changes
    .slice(0, SHOWN)
    .map(({ name, old, new: value }) => `${folder}: run with ${name} ${shown(old)}, now asked for ${shown(value)}`)
  if (changes.length > SHOWN) lines.push(`... and ${changes.length - SHOWN} more`)
  if (changes.some(({ name }) => name === 'inputs.sha256')) lines.push(...describeChanges(listed, inputs))
  const hint = mended ? '--retry-failed makes the outputs that need the mended pictures' : AS_IT_WAS
  throw new AugmentError('conflict', lines.join('\n'), { hint })
}

/** Refuses to go on where a finished row was made from another content than its source has now. */
async function refuseAltered(inputs: string, sources: Sources | undefined): Promise<void> {
  const { mtimeMs: began } = await stat(inputs)
  const files = (await sources?.altered(began)) ?? []
  if (files.length === 0) return
  const lines = files.slice(0, 5).map((file) => `${file}: found other content, expected what the run began with`)
  if (files.length > 5) lines.push(`... and ${files.length - 5} more`)
  throw new AugmentError('conflict', lines.join('\n'), { hint: AS_IT_WAS })
}

function refuseCount(folder: string, { counts }: RunRecord, rows: number): void {
  if (counts === undefined || counts.written === rows) return
  throw damaged(path.join(folder, PROVENANCE), rows + 1, `found the end after ${rows} of ${counts.written} rows`)
}

/** Finds rows whose picture is not there any more. */
function pictureCheck(folder: string) {
  const missing: string[] = []
  return {
    look({ file_name: file }: ProvenanceRow): void {
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

function shown(value: unknown): string {
  return value === undefined ? 'unset' : JSON.stringify(value)
}
