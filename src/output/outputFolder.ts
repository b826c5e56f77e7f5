import { existsSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { reasonOf } from '../core/systemError.js'
import { folderMaker, makeFolder, syncFolder, WrittenTogether, writeAtomic } from './atomic.js'
import { classesText, refuseOtherClasses } from './classes.js'
import { type ClosedShards, shardFiles } from './closedShards.js'
import { type Forms, writeForms } from './forms.js'
import {
  CLASSES,
  FAILURES,
  INPUTS,
  LOCK,
  MAPS_RECORD,
  OURS,
  PICTURE_NAME,
  PROVENANCE,
  REPORTS,
  RUN_RECORD,
  refuseLinks,
  SCRATCH,
  STATE,
  TABLES,
} from './layout.js'
import { type Lock, takeLock } from './lock.js'
import { type PictureStore, pictureFiles, pictureShards } from './pictureStore.js'
import { presentRows } from './presentRows.js'
import { damaged, rowsIn } from './read.js'
import { type Identity, type RunRecord, readRecord, recordText, TOOL } from './record.js'
import { dropReusable, openReusable, reusableRows, rewindToFailure } from './reusable.js'
import type { ProvenanceRow, Row } from './rows.js'
import { AS_IT_WAS, type Asked, refuseChanged, refuseOtherOutputs } from './sameRun.js'
import { type ShardForm, shardOf } from './shardForm.js'
import { shardFormOf } from './shardForms.js'
import { requireShards, Shelf, setAside } from './shelf.js'
import { Tables } from './tables.js'

/** An output folder that this process alone writes to. */
export interface OutputFolder {
  /** Where its tables lie: the folder itself, or a temporary one for a run in an object store. */
  readonly folder: string
  readonly tables: Tables
  /** run.json of a run that was already complete when the folder was opened. */
  readonly finished: RunRecord | null
  /** The row of an output that an earlier attempt made and that is still whole; asked in rising order of index. */
  reusable(index: number): Promise<Row | null>
  /** Writes a file durably, making its folder; a picture is durable with its row. */
  write(file: string, bytes: Uint8Array): Promise<void>
  readonly pictures: PictureStore
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

export interface OutputOptions extends Asked {
  /** Index of the run's first output. */
  readonly first: number
  readonly sources?: Sources
  readonly overwrite: boolean
  readonly facts: Readonly<Record<string, unknown>>
  readonly notice: (text: string) => void
  /** Where full shards go, if not into the folder; `keep` hears of each once it and its rows are durable. */
  readonly shards?: { readonly closed: ClosedShards; keep(n: number): Promise<void> }
  /** Whether pictures and rows are put there by others, all of them. */
  readonly isJoined?: boolean
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
    if (record === null && !options.overwrite && (await rowsIn(folder)) > 0) throw lostRecord(folder)
    if (record === null) await remove(folder, [RUN_RECORD, ...OURS])
    const isOther = record !== null && (await refuseChanged(folder, record, identity, options))
    const scratch = path.join(folder, SCRATCH)
    await rm(scratch, { recursive: true, force: true })
    await makeFolder(scratch)
    const form = shardFormOf((identity.options as Forms).layout)
    const closed = form && !options.isJoined ? (options.shards?.closed ?? shardFiles(folder, form)) : null
    const run = { folder, classes, options, lock, form, closed, save: saver(folder, identity, options.facts) }
    if (record === null) await begin(run)
    else await refuseOtherClasses(folder, classes)
    // Half of a join is begun anew: its rows are those of others.
    if (options.isJoined && record?.complete === false) await remove(folder, TABLES)
    return await folderOf(run, identity, await openTables(run, record, isOther))
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
  /** Null where each picture is a file. */
  readonly form: ShardForm | null
  /** Null where there are none, or others put them there. */
  readonly closed: ClosedShards | null
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
  await save.text(INPUTS, options.inputs.list)
  await save.text(CLASSES, classesText(classes))
  await save.record(false)
}

/** The tables, checked before anything is changed, and the record of a run that is complete already. */
async function openTables(
  { folder, classes, options, lock, form, closed, save }: OpenRun,
  record: RunRecord | null,
  isOther: boolean,
) {
  const { first, inputs, sources } = options
  const retry = options.retryFailed && existsSync(path.join(folder, FAILURES))
  const finished = record?.complete === true && !retry && !isOther ? record : null
  if (isOther) await refuseOtherOutputs(folder, options)
  const present = presentRows(folder, form, first)
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
  if (finished !== null && form !== null)
    requireShards({ folder, form }, closed ?? shardFiles(folder, form), present.filled)
  if (isOther) {
    await remove(folder, REPORTS)
    await save.text(INPUTS, inputs.list)
    await save.record(false)
  }
  if (!retry) return { tables, finished, rows: present }
  await save.record(false)
  await save.text(INPUTS, inputs.list)
  await rewindToFailure(folder)
  await remove(folder, REPORTS)
  const shorter = await Tables.open(folder, classes, { first, visit: present.look, guard })
  if (form !== null) await setAside({ folder, form }, shardOf(shorter.next, first))
  present.refuseMissing()
  return { tables: shorter, finished, rows: present }
}

type Opened = Awaited<ReturnType<typeof openTables>>

async function openPictures(run: OpenRun, { tables, finished, rows }: Opened, place: Place) {
  const { folder, classes, form, closed, options } = run
  if (form === null || closed === null)
    return pictureFiles(folder, tables, new WrittenTogether(path.join(folder, SCRATCH)), place)
  const { first, shards } = options
  const { filled, last } = rows
  const next = shardOf(tables.next, first)
  const shelf = finished === null ? await Shelf.open({ folder, form }, closed, classes, { filled, last, next }) : null
  return pictureShards(tables, { folder, form, first, shelf, keep: shards?.keep })
}

/** The path of a file that may be written now, its folder made. */
type Place = (file: string) => Promise<string>

async function folderOf(run: OpenRun, identity: Identity, opened: Opened): Promise<OutputFolder> {
  const { folder, classes, options, lock, save } = run
  const scratch = path.join(folder, SCRATCH)
  const makeFolderOnce = folderMaker()
  const place: Place = async (file) => {
    const target = path.join(folder, file)
    await lock.check()
    await makeFolderOnce(path.dirname(target))
    return target
  }
  const pictures = await openPictures(run, opened, place)
  if (opened.finished !== null) await pictures.clear()
  const reusable = openReusable(folder, (file) => pictures.kept(file))
  return {
    ...opened,
    folder,
    pictures,
    async reusable(index) {
      const found = await reusable(index)
      if (found !== null) await pictures.restore(found.row.made.file_name, found.picture)
      return found?.row ?? null
    },
    async write(file, bytes) {
      if (PICTURE_NAME.test(file)) await pictures.save(file, bytes)
      else await writeAtomic(await place(file), bytes, scratch)
    },
    async finish(facts) {
      await lock.check()
      await dropReusable(folder)
      await pictures.finish()
      await writeForms(folder, classes, { ...(identity.options as Forms), first: options.first }, scratch)
      await syncFolder(folder)
      await save.record(true, facts)
      await syncFolder(folder)
      await pictures.clear()
    },
    async close() {
      await pictures.close()
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

/** Refuses to go on where a finished row was made from another content than its source has now. */
async function refuseAltered(inputs: string, sources: Sources | undefined): Promise<void> {
  const { mtimeMs: began } = await stat(inputs)
  const files = (await sources?.altered(began)) ?? []
  if (files.length === 0) return
  const lines = files.slice(0, 5).map((file) => `${file}: found other content, expected what the run began with`)
  if (files.length > 5) lines.push(`... and ${files.length - 5} more`)
  throw new AugmentError('conflict', lines.join('\n'), { hint: AS_IT_WAS })
}

/** Rows are only written to a folder that has a record. */
export function lostRecord(folder: string): AugmentError {
  const problem = `${path.join(folder, RUN_RECORD)}: not there, expected the record of the run whose rows are`
  return new AugmentError('conflict', problem, { hint: 'put it back, or start over with --overwrite' })
}

function refuseCount(folder: string, { counts }: RunRecord, rows: number): void {
  if (counts === undefined || counts.written === rows) return
  throw damaged(path.join(folder, PROVENANCE), rows + 1, `found the end after ${rows} of ${counts.written} rows`)
}
