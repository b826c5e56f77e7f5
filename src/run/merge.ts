import { createReadStream, existsSync } from 'node:fs'
import { copyFile, link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import pLimit from 'p-limit'
import { AugmentError } from '../core/errors.js'
import { differences, IDENTITY, type Identity, openOutput, type RunRecord, readRecord } from '../output/outputFolder.js'
import { requirePaths } from './paths.js'

interface Part {
  readonly folder: string
  readonly record: RunRecord
  readonly index: number
  readonly count: number
}

/**
 * Joins the finished shards of one run into `out`, which then equals the run in one piece. Pictures are hard-linked where
 * the file system allows, else copied. Returns how many there are. Throws a conflict error that names every shard that is
 * missing, doubled, unfinished or of another run.
 */
export async function merge(
  folders: readonly string[],
  out: string,
  options: { overwrite: boolean; notice: (text: string) => void },
): Promise<number> {
  await requirePaths('folder', folders, 'a finished shard')
  const parts = await readParts(folders)
  const { record, folder } = parts[0]!
  const { versions, options: runOptions, inputs, model, device } = record
  const identity: Identity = { versions, options: runOptions, inputs, model, device, shard: '1/1' }
  const classes = (await readFile(path.join(folder, 'classes.txt'), 'utf8')).split('\n').slice(0, -1)
  const facts = relocated(record, folder, out)
  const list = await readFile(path.join(folder, '.sage', 'inputs.tsv'), 'utf8').catch(() => '')
  const output = await openOutput(out, classes, identity, {
    ...options,
    retryFailed: false,
    first: 0,
    inputs: list,
    facts,
  })
  try {
    const counts = { planned: 0, written: 0, skipped: 0 }
    for (const part of parts) {
      await linkPictures(part, out)
      for (const [key, value] of Object.entries(part.record.counts as typeof counts)) {
        counts[key as keyof typeof counts] += value
      }
    }
    for (const table of ['failures.jsonl', 'labels.csv', 'metadata.jsonl', 'provenance.jsonl']) {
      await join(parts, table, out)
    }
    await output.finish({ counts, shards: parts.length })
    return counts.written
  } finally {
    await output.close()
  }
}

async function readParts(folders: readonly string[]): Promise<Part[]> {
  const problems: string[] = []
  const parts: Part[] = []
  for (const folder of folders) {
    const record = await readRecord(folder)
    if (record === null) problems.push(`${folder}: found no run.json, expected a finished shard`)
    else if (!record.complete) problems.push(`${folder}: found an unfinished shard, expected a finished one`)
    else {
      const [index, count] = String(record.shard).split('/').map(Number) as [number, number]
      parts.push({ folder, record, index, count })
    }
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
  if (problems.length > 0) throw new AugmentError('conflict', problems.join('\n'))
  return parts.sort((a, b) => a.index - b.index)
}

/** What the shards of one run have in common. */
function shared(record: RunRecord): Record<string, unknown> {
  return Object.fromEntries(IDENTITY.filter((key) => key !== 'shard').map((key) => [key, record[key]]))
}

/** Paths of the inputs in a shard's record, seen from the folder of the whole. */
function relocated(record: RunRecord, from: string, to: string): Record<string, string> {
  const names = ['images', 'labels', 'classes'].filter((name) => typeof record[name] === 'string')
  const moved = (file: string) =>
    path.relative(path.resolve(to), path.resolve(from, file)).split(path.sep).join('/') || '.'
  return Object.fromEntries(names.map((name) => [name, moved(record[name] as string)]))
}

async function linkPictures({ folder, record }: Part, out: string): Promise<void> {
  const limit = pLimit(16)
  const withMasks = (record.options as { writeMasks?: boolean }).writeMasks === true
  const made = new Set<string>()
  const place = async (file: string) => {
    const [from, to] = [path.join(folder, file), path.join(out, file)]
    await rm(to, { force: true })
    await link(from, to).catch(() => copyFile(from, to))
  }
  let pending: Promise<void>[] = []
  for await (const line of createInterface({ input: createReadStream(path.join(folder, 'provenance.jsonl')) })) {
    const { file_name: file, method } = JSON.parse(line) as { file_name: string; method: string }
    const files = [file]
    if (withMasks && method !== 'original') files.push(file.replace(/^images/, 'masks').replace(/\.\w+$/, '.npy'))
    for (const name of files) {
      const home = path.join(out, path.dirname(name))
      if (!made.has(home)) await mkdir(home, { recursive: true })
      made.add(home)
      pending.push(limit(place, name))
    }
    // Bounded: a plan may have millions of rows.
    if (pending.length >= 4096) {
      await Promise.all(pending)
      pending = []
    }
  }
  await Promise.all(pending)
}

/** Concatenates a table of all parts, keeping the header of labels.csv once. */
async function join(parts: readonly Part[], table: string, out: string): Promise<void> {
  const temporary = path.join(out, '.sage', 'tmp', table)
  const handle = await open(temporary, 'w')
  let size = 0
  try {
    for (const [position, { folder }] of parts.entries()) {
      const file = path.join(folder, table)
      if (table === 'failures.jsonl' && !existsSync(file)) continue
      const start = position > 0 && table === 'labels.csv' ? await headerLength(file) : 0
      for await (const chunk of createReadStream(file, { start })) {
        await handle.appendFile(chunk as Buffer)
        size += (chunk as Buffer).length
      }
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  if (size > 0) await rename(temporary, path.join(out, table))
}

async function headerLength(file: string): Promise<number> {
  for await (const line of createInterface({ input: createReadStream(file) })) return Buffer.byteLength(line) + 1
  return 0
}
