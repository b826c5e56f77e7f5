import { createReadStream, existsSync } from 'node:fs'
import { copyFile, link, lstat, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import { AugmentError } from '../core/errors.js'
import { reasonOf } from '../core/systemError.js'
import { folderMaker, syncFolder } from '../output/atomic.js'
import { readClasses } from '../output/classes.js'
import { shardFiles } from '../output/closedShards.js'
import { checkWrittenForms } from '../output/forms.js'
import { joinLists, listOf } from '../output/inputList.js'
import { FAILURES, LABELS, maskOf, PROVENANCE, RUN_RECORD, refuseLinks, SCRATCH, TABLES } from '../output/layout.js'
import { openOutput } from '../output/outputFolder.js'
import { refuseOwnInputs } from '../output/ownInputs.js'
import { tableRows } from '../output/read.js'
import { differences, IDENTITY, type Identity, type RunRecord, readRecord } from '../output/record.js'
import { labelsHeader, type ProvenanceRow, provenanceRow } from '../output/rows.js'
import { type ShardForm, shardName, shardOf } from '../output/shardForm.js'
import { shardFormOf, unitOf } from '../output/shardForms.js'
import { checkRun } from './check.js'
import { refuseObjects } from './objectPlace.js'
import { requirePaths } from './paths.js'
import { countReadings } from './readings.js'
import { parseShard, shardRange } from './shard.js'

interface Part {
  readonly folder: string
  readonly record: RunRecord
  readonly index: number
  readonly count: number
}

type Counts = NonNullable<RunRecord['counts']>

/** Problems of one shard that are told. */
const SHOWN = 20

/**
 * Joins the finished shards of one run into `out`, which then equals the run in one piece. Pictures are hard-linked where
 * the file system allows, else copied; tars and Parquet files are hard-linked. Cut short, it is done again. Returns how many there are. Throws a conflict error, before anything is written, that
 * names every shard that is missing, doubled, unfinished or of another run, and what is missing or damaged in one.
 */
export async function merge(
  folders: readonly string[],
  out: string,
  options: { overwrite: boolean; notice: (text: string) => void },
): Promise<number> {
  refuseObjects('merge', [...folders, out])
  await requirePaths('folder', folders, 'a finished shard')
  for (const root of folders) await refuseOwnInputs(out, { root, files: [RUN_RECORD], what: 'a shard to be joined' })
  const { parts, list, used } = await readParts(folders)
  const { record, folder } = parts[0]!
  const { versions, options: runOptions, inputs, model, device } = record
  const identity: Identity = { versions, options: runOptions, inputs, used, model, device, shard: '1/1' }
  const classes = await readClasses(folder)
  await checkParts(parts, classes)
  const facts = { ...relocated(record, folder, out), outputs: { start: 0, end: total(parts).planned } }
  const output = await openOutput(out, classes, identity, {
    ...options,
    retryFailed: false,
    first: 0,
    inputs: { list, entryOf: async () => undefined },
    facts,
    isJoined: true,
  })
  try {
    const form = shardFormOf(record.options.layout)
    for (const part of parts) {
      await linkFiles(part, out, form === null)
      if (form !== null) await linkShards(part, out, form)
    }
    for (const table of TABLES) await join(parts, table, out, table === LABELS ? labelsHeader(classes) : '')
    const counts = total(parts)
    await output.finish({ counts, pictures: await countReadings(out), shards: parts.length })
    return counts.written
  } finally {
    await output.close()
  }
}

/** The shards in their order, and what they are made of together. Throws a conflict error unless they are those of one run. */
async function readParts(folders: readonly string[]) {
  const problems: string[] = []
  const parts: Part[] = []
  for (const folder of folders) {
    await refuseLinks(folder)
    const record = await readRecord(folder)
    if (record === null) problems.push(`${folder}: found no run.json, expected a finished shard`)
    else if (!record.complete) problems.push(`${folder}: found an unfinished shard, expected a finished one`)
    else parts.push({ folder, record, ...parseShard(record.shard, {}) })
  }
  const first = parts[0]
  for (const part of parts.slice(1)) {
    for (const { name, old, new: value } of differences(shared(first!.record), shared(part.record))) {
      problems.push(`${part.folder}: ${name} is ${JSON.stringify(value)}, in ${first!.folder} ${JSON.stringify(old)}`)
    }
  }
  const count = first?.count ?? 0
  for (let index = 1; index <= count; index++) {
    const found = parts.filter((part) => part.index === index && part.count === count)
    if (found.length === 0) problems.push(`shard ${index}/${count}: not among the folders`)
    if (found.length > 1)
      problems.push(
        `shard ${index}/${count}: found ${found.length} times (${found.map((part) => part.folder).join(', ')})`,
      )
  }
  for (const part of parts.filter((part) => part.count !== count)) {
    problems.push(`${part.folder}: is shard ${part.index}/${part.count}, expected one of ${count}`)
  }
  parts.sort((a, b) => a.index - b.index)
  const lists: { folder: string; list: string }[] = []
  for (const { folder, record } of parts) lists.push({ folder, list: (await listOf(folder, record)) ?? '' })
  const joined = joinLists(lists, problems)
  if (problems.length > 0) throw new AugmentError('conflict', problems.join('\n'))
  return { parts, ...joined }
}

/** What the shards of one run have in common. */
function shared(record: RunRecord): Record<string, unknown> {
  return Object.fromEntries(
    IDENTITY.filter((key) => key !== 'shard' && key !== 'used').map((key) => [key, record[key]]),
  )
}

/** Throws a conflict error that names what is wrong in each shard, or between them: rows, pictures, sources. */
async function checkParts(parts: readonly Part[], classes: readonly string[]): Promise<void> {
  const { planned } = total(parts)
  const sameSources = sourceCheck()
  const lines: string[] = []
  for (const { folder, record, index, count } of parts) {
    const between: string[] = []
    const visit = (row: ProvenanceRow) => between.push(...sameSources(row))
    const check = { visit, range: shardRange(planned, { index, count }, unitOf(record.options.layout)) }
    const problems = [...(await checkRun(folder, record, classes, check)).problems, ...between]
    // They are linked as they are, with the labels in them.
    if (problems.length === 0 && shardFormOf(record.options.layout) !== null)
      problems.push(...(await checkWrittenForms(folder, classes, record)))
    lines.push(...problems.slice(0, SHOWN).map((problem) => path.join(folder, problem)))
    if (problems.length > SHOWN) lines.push(`${folder}: ... and ${problems.length - SHOWN} more`)
  }
  if (lines.length === 0) return
  throw new AugmentError('conflict', lines.join('\n'), {
    hint: 'sage-augment verify <shard> --repair keeps the undamaged rows of a shard; its command then makes the rest',
  })
}

/** Finds a source that one shard saw with other content than another. */
function sourceCheck(): (row: ProvenanceRow) => string[] {
  const hashes = new Map<string, string>()
  return ({ index, sources }) =>
    sources.flatMap(({ file, sha256 }) => {
      const short = sha256.slice(0, 16)
      const before = hashes.get(file) ?? short
      hashes.set(file, before)
      if (before === short) return []
      return [`${PROVENANCE}: output ${index} was made from another content of ${file} than an earlier one`]
    })
}

function total(parts: readonly Part[]): Counts {
  const sum = { planned: 0, written: 0, skipped: 0 }
  for (const { record } of parts) {
    sum.planned += record.counts?.planned ?? 0
    sum.written += record.counts?.written ?? 0
    sum.skipped += record.counts?.skipped ?? 0
  }
  return sum
}

/** Paths of the inputs in a shard's record, seen from the folder of the whole. */
function relocated(record: RunRecord, from: string, to: string): Record<string, string> {
  const moved = (file: string) =>
    path.relative(path.resolve(to), path.resolve(from, file)).split(path.sep).join('/') || '.'
  const named = (['images', 'labels', 'classes'] as const).map((name) => [name, record[name]] as const)
  return Object.fromEntries(named.flatMap(([name, file]) => (file === undefined ? [] : [[name, moved(file)]])))
}

/** Links the shards of a part under the numbers that they have in the whole. Throws AugmentError where it cannot. */
async function linkShards({ folder, record }: Part, out: string, form: ShardForm): Promise<void> {
  const { start = 0 } = record.outputs ?? {}
  const [from, to] = [path.join(folder, form.folder), path.join(out, form.folder)]
  await folderMaker()(to)
  for (const n of shardFiles(folder, form).numbers()) {
    const shard = path.join(from, shardName(n, form))
    const place = path.join(to, shardName(n + shardOf(start, 0), form))
    if (await isSame(shard, place)) continue
    await rm(place, { force: true })
    await link(shard, place).catch((cause: NodeJS.ErrnoException) => {
      throw new AugmentError('failed', `${place}: cannot be a link to ${shard} (${reasonOf(cause)})`, {
        hint: 'choose an --out beside the shards, on a file system with hard links: shards are not copied',
        cause,
      })
    })
  }
  await syncFolder(to)
}

/** Whether two names are those of one file. */
async function isSame(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([lstat(a), lstat(b).catch(() => null)])
  return one.ino === other?.ino && one.dev === other.dev
}

/** Links the masks of a part and, with `pictures`, its pictures. */
async function linkFiles({ folder, record }: Part, out: string, pictures: boolean): Promise<void> {
  const limit = pLimit(16)
  const makeFolder = folderMaker()
  const place = async (file: string) => {
    const [from, to] = [path.join(folder, file), path.join(out, file)]
    if (await isSame(from, to)) return
    await rm(to, { force: true })
    await link(from, to).catch(() => copyFile(from, to))
  }
  let pending: Promise<void>[] = []
  for await (const { row } of tableRows(path.join(folder, PROVENANCE), provenanceRow)) {
    const masked = record.options.writeMasks === true && row.method !== 'original'
    for (const file of [...(pictures ? [row.file_name] : []), ...(masked ? [maskOf(row.file_name)] : [])]) {
      await makeFolder(path.join(out, path.dirname(file)))
      pending.push(limit(place, file))
    }
    // Bounded: a plan may have millions of rows.
    if (pending.length >= 4096) {
      await Promise.all(pending)
      pending = []
    }
  }
  await Promise.all(pending)
}

/** Concatenates a table of all parts below one header. Only failures.jsonl may be missing, in a part and in the whole. */
async function join(parts: readonly Part[], table: string, out: string, header: string): Promise<void> {
  const files = parts.map(({ folder }) => path.join(folder, table))
  const present = table === FAILURES ? files.filter((file) => existsSync(file)) : files
  if (table === FAILURES && present.length === 0) return
  const temporary = path.join(out, SCRATCH, table)
  const handle = await open(temporary, 'w')
  try {
    await handle.appendFile(header)
    for (const file of present) {
      const start = Buffer.byteLength(header)
      for await (const chunk of createReadStream(file, { start })) await handle.appendFile(chunk as Buffer)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, path.join(out, table))
}
