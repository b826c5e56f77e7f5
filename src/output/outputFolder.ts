import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { reasonOf } from '../core/systemError.js'
import { folderMaker, syncFolder, writeAtomic } from './atomic.js'
import { FORM_FILES, type Forms, writeForms } from './forms.js'
import { describeChanges, onlyMended } from './inputList.js'
import { dropKept, openKept, takeBackToFailure } from './kept.js'
import { takeLock } from './lock.js'
import { refuseMissingPictures } from './present.js'
import type { Row } from './rows.js'
import { Tables } from './tables.js'

const TOOL = 'sage-augment'

export const REPORT = 'report.html'
/** Out of sight of loaders: to Hugging Face's `imagefolder`, a picture in plain view that has no row is an error. */
export const CONTACT_SHEET = '.sage/contact-sheet.png'

const REPORTS = [REPORT, CONTACT_SHEET]
const TABLES = ['labels.csv', 'metadata.jsonl', 'classes.txt', 'provenance.jsonl', 'failures.jsonl']
/** Everything a run may leave in its folder; what else lies there is the user's and is never touched. */
const OURS = ['images', 'masks', ...TABLES, ...FORM_FILES, ...REPORTS]
export const RUN_RECORD = 'run.json'
/** The record of a folder of saliency maps, which no run may take for one of its own. */
export const MAPS_RECORD = 'saliency.json'
export const STATE = '.sage'
const INPUTS = 'inputs.tsv'

const AS_IT_WAS = 'repeat the command as it was to continue, choose another --out, or start over with --overwrite'

/** What decides a run's output; a run is only continued with an equal one. */
export const IDENTITY = ['versions', 'options', 'inputs', 'model', 'device', 'shard'] as const
export type Identity = Readonly<Record<(typeof IDENTITY)[number], unknown>>

/** run.json: the identity's entries, and what became of the run. */
export interface RunRecord {
  readonly tool: string
  readonly complete: boolean
  readonly [fact: string]: unknown
}

/** An output folder that this process alone writes to. */
export interface OutputFolder {
  readonly tables: Tables
  /** run.json of a run that was already complete when the folder was opened. */
  readonly finished: RunRecord | null
  /** The row of an output that is there already, from a run whose failures are tried again; asked in rising order. */
  kept(index: number): Promise<Row | null>
  /** Writes `<name>.<extension>` durably, making its folder. */
  write(file: string, bytes: Uint8Array): Promise<void>
  /** Makes the other forms asked for, then writes run.json with `complete: true`, as the last thing of all. */
  finish(facts: Readonly<Record<string, unknown>>): Promise<void>
  /** Gives up the lock; the run can be continued. */
  close(): Promise<void>
}

/**
 * Opens `folder` for a run: a new or empty folder, or one that holds an interrupted or complete run of the same identity.
 * Throws a conflict error for anything else, naming what differs.
 */
export async function openOutput(
  folder: string,
  classes: readonly string[],
  identity: Identity,
  options: {
    /** Index of the run's first output. */
    first: number
    /** The inputs, a line each: kept to say which of them changed. */
    inputs: string
    /** Inputs modified after a time in milliseconds that are not what finished rows were made from. */
    altered?: (since: number) => Promise<string[]>
    overwrite: boolean
    /** Whether to try the failures of an earlier attempt again. */
    retryFailed: boolean
    facts: Readonly<Record<string, unknown>>
    notice: (text: string) => void
  },
): Promise<OutputFolder> {
  const state = path.join(folder, STATE)
  const scratch = path.join(state, 'tmp')
  await refuseForeign(folder, MAPS_RECORD)
  await mkdir(state, { recursive: true })
  const release = await takeLock(path.join(state, 'lock'), options.notice)
  try {
    const record = options.overwrite ? null : await readRecord(folder)
    if (record === null) await remove(folder, [RUN_RECORD, ...OURS])
    else await refuseChanged(folder, record, identity, options)
    await rm(scratch, { recursive: true, force: true })
    await mkdir(scratch, { recursive: true })
    const keepList = () => writeAtomic(path.join(state, INPUTS), options.inputs, scratch)
    const save = (record: RunRecord) =>
      writeAtomic(path.join(folder, RUN_RECORD), `${JSON.stringify(record, null, 2)}\n`, scratch)
    if (record === null) {
      await keepList()
      await save({ tool: TOOL, complete: false, ...identity, ...options.facts })
      await writeAtomic(path.join(folder, 'classes.txt'), classes.map((name) => `${name}\n`).join(''), scratch)
    }
    const failed = existsSync(path.join(folder, 'failures.jsonl'))
    const finished = record?.complete === true && !(failed && options.retryFailed) ? record : null
    let tables = await Tables.open(folder, classes, options.first, finished !== null)
    if (record !== null && tables.rows > 0) await refuseAltered(state, options.altered)
    if (failed && options.retryFailed) {
      await save({ tool: TOOL, complete: false, ...identity, ...options.facts })
      await keepList()
      await takeBackToFailure(folder)
      await remove(folder, REPORTS)
      tables = await Tables.open(folder, classes, options.first)
    }
    if (record !== null) await refuseMissingPictures(folder)
    const makeFolder = folderMaker()
    return {
      tables,
      finished,
      kept: openKept(folder),
      async write(file, bytes) {
        const target = path.join(folder, file)
        await makeFolder(path.dirname(target))
        await writeAtomic(target, bytes, scratch)
      },
      async finish(facts) {
        await dropKept(folder)
        await writeForms(folder, classes, identity.options as Forms, scratch)
        await syncFolder(folder)
        await save({ tool: TOOL, complete: true, ...identity, ...options.facts, ...facts })
        await syncFolder(folder)
      },
      async close() {
        await rm(scratch, { recursive: true, force: true })
        await release()
      },
    }
  } catch (error) {
    await release()
    throw error
  }
}

/** Throws a conflict error unless the folder is new, empty or ours; one with the `other` kind of record is not. */
export async function refuseForeign(folder: string, other: string): Promise<void> {
  const present = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    const message = `${folder}: ${reasonOf(error)}, expected a new or empty folder, or a run of ours`
    throw new AugmentError('conflict', message, { hint: 'choose another folder with --out', cause: error })
  })
  if (present.length === 0 || (present.includes(STATE) && !present.includes(other))) return
  throw new AugmentError(
    'conflict',
    `${folder}: found files of something else, expected an empty folder or a run of ours`,
    {
      hint: 'choose another folder with --out',
    },
  )
}

/** The run.json of a folder, or null where no run has begun. Throws a conflict error if it is damaged. */
export async function readRecord(folder: string): Promise<RunRecord | null> {
  const file = path.join(folder, RUN_RECORD)
  try {
    return JSON.parse(await readFile(file, 'utf8')) as RunRecord
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new AugmentError('conflict', `${file}: damaged, expected the record of a run`, {
      hint: 'start over with --overwrite',
      cause,
    })
  }
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
  const listed = await readFile(path.join(folder, STATE, INPUTS), 'utf8').catch(() => '')
  const mended = changes.every(({ name }) => name === 'inputs.sha256') && (await onlyMended(folder, listed, inputs))
  if (mended && retryFailed) return
  const lines = changes.map(
    ({ name, old, new: value }) => `${folder}: run with ${name} ${shown(old)}, now asked for ${shown(value)}`,
  )
  if (changes.some(({ name }) => name === 'inputs.sha256')) lines.push(...describeChanges(listed, inputs))
  const hint = mended ? '--retry-failed makes the outputs that these pictures were mended for' : AS_IT_WAS
  throw new AugmentError('conflict', lines.join('\n'), { hint })
}

/** Refuses to go on with inputs of the same size but other content, which the list of inputs does not tell. */
async function refuseAltered(state: string, altered?: (since: number) => Promise<string[]>): Promise<void> {
  const { mtimeMs: began } = await stat(path.join(state, INPUTS))
  const files = (await altered?.(began)) ?? []
  if (files.length === 0) return
  const lines = files.slice(0, 5).map((file) => `${file}: found other content, expected what the run began with`)
  if (files.length > 5) lines.push(`... and ${files.length - 5} more`)
  throw new AugmentError('conflict', lines.join('\n'), { hint: AS_IT_WAS })
}

function shown(value: unknown): string {
  return value === undefined ? 'unset' : JSON.stringify(value)
}

/** The leaves in which two plain objects differ, by dotted name. */
export function differences(
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
  prefix = '',
): { name: string; old: unknown; new: unknown }[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) => {
    const [old, value] = [before[key], now[key]]
    if (isRecord(old) && isRecord(value)) return differences(old, value, `${prefix}${key}.`)
    return JSON.stringify(old) === JSON.stringify(value) ? [] : [{ name: `${prefix}${key}`, old, new: value }]
  })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
