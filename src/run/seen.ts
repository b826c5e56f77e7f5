/** Recognises a run that is complete already by what it had looked at, without planning it again. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { modelFolder } from '../classifiers/resolveModel.js'
import { type Stamp, stampAt, stampHash } from '../files/stamp.js'
import { isObject } from '../objects/place.js'
import { filesIn, listedClasses, listOf } from '../output/inputList.js'
import { FAILURES, REPORT } from '../output/layout.js'
import { openOutput } from '../output/outputFolder.js'
import { IDENTITY, type Identity, type RunRecord, readRecord } from '../output/record.js'
import type { Config } from './config.js'
import type { AugmentEvent } from './events.js'
import type { Inputs } from './inputs.js'
import { needsSaliency } from './mixer.js'
import { opened } from './opened.js'
import { formatShard, type Shard } from './shard.js'
import type { Stock } from './stock.js'
import { versions } from './versions.js'

/** What a run is asked for, and what its options name, as it was before anything of it was read. */
export interface Asked {
  /** SHA-256 of the options and of where they are said. */
  readonly options: string
  readonly files: ReadonlyMap<string, Stamp>
  /** Milliseconds since 1970. */
  readonly at: number
}

export type Seen = NonNullable<RunRecord['seen']>

/** Two changes of a file nearer than this may leave one time, on some file systems. In milliseconds. */
const SETTLED_MS = 2000

/** More places are not noted. */
const MOST_PLACES = 10_000

/** Looks at what the options name; null where that and the used pictures do not tell all that a run depends on. */
export function lookBeforehand(config: Config): Asked | null {
  if (config.pairs !== undefined || config.adapt || config.range === 'dataset' || config.dryRun) return null
  if (config.preview !== undefined || [config.out, config.images].some((place) => place && isObject(place))) return null
  const options = createHash('sha256')
    .update(JSON.stringify([process.cwd(), config]))
    .digest('hex')
  const files = new Map<string, Stamp>()
  const named = [config.labels, config.classes, config.classMap].filter((file) => file !== undefined)
  for (const file of [...named, ...(needsSaliency(config) ? modelFiles(config.model) : [])]) {
    if (files.size > MOST_PLACES) return null
    files.set(path.resolve(file), stampAt(file))
  }
  return { options, files, at: Date.now() }
}

/** Everything in the folder of a model: its .json, weights and descriptions may lie beside it. */
function modelFiles(nameOrFile: string): string[] {
  const folder = modelFolder(nameOrFile)
  if (!existsSync(folder)) return [folder]
  return [folder, ...readdirSync(folder).map((name) => path.join(folder, name))]
}

/** What a run has looked at, for its record; null where a change of it might be missed. */
export function seenOf(asked: Asked | null, inputs: Inputs, stock: Stock): Seen | null {
  if (asked === null || inputs.stamps === null || inputs.stamps.size > MOST_PLACES) return null
  const folders = [...inputs.stamps.keys()].sort()
  const all = [...folders.map((folder) => inputs.stamps!.get(folder)!), ...asked.files.values(), stock.stamps]
  const { text, touched } = stampOfAll(all)
  if (!(touched < asked.at - SETTLED_MS)) return null
  return { asked: asked.options, folders, files: [...asked.files.keys()], stamps: text }
}

function stampOfAll(stamps: Iterable<Stamp>): Stamp {
  const hash = stampHash()
  for (const stamp of stamps) hash.add(stamp)
  return hash.digest()
}

/** A complete run of which nothing has been touched that it depends on. */
interface Finished {
  readonly record: RunRecord
  readonly list: string
}

/** The complete run in `out` where it is the one that is asked for, as far as that can be seen; else null. */
async function findFinished(out: string, config: Config, shard: Shard, asked: Asked): Promise<Finished | null> {
  // What is wrong with the folder is told by who opens it.
  const record = await readRecord(out).catch(() => null)
  if (!record?.complete || !record.seen || record.images === undefined) return null
  const { seen, images } = record
  if (seen.asked !== asked.options || record.shard !== formatShard(shard)) return null
  if (JSON.stringify(record.versions) !== JSON.stringify(versions)) return null
  if (config.overwrite || (config.retryFailed && existsSync(path.join(out, FAILURES)))) return null
  if (config.report && !existsSync(path.join(out, REPORT))) return null
  const list = await listOf(out, record)
  if (list === null || seen.files.join('\n') !== [...asked.files.keys()].join('\n')) return null
  const root = path.resolve(out, images)
  const places = seen.folders.map((folder) => stampAt(path.join(root, folder)))
  const pictures = stampOfAll(filesIn(list).map((file) => stampAt(path.join(root, file))))
  return stampOfAll([...places, ...asked.files.values(), pictures]).text === seen.stamps ? { record, list } : null
}

/** Tells of a run that is complete already, its folder being checked as ever; false where it must be planned to know. */
export async function* finishedAlready(
  out: string,
  config: Config,
  shard: Shard,
  asked: Asked,
): AsyncGenerator<AugmentEvent, boolean> {
  const began = performance.now()
  const found = await findFinished(out, config, shard, asked)
  if (found === null) return false
  const { record, list } = found
  const { inputs, outputs, counts } = record
  const classes = await listedClasses(out, record)
  if (classes === null || outputs === undefined || counts === undefined) return false
  const identity = Object.fromEntries(IDENTITY.map((key) => [key, record[key]])) as Identity
  const how = {
    first: outputs.start,
    inputs: { list, entryOf: async () => undefined },
    ...{ overwrite: false, retryFailed: false, facts: {} },
  }
  const output = yield* opened((notice) => openOutput(out, classes, identity, { ...how, notice }))
  try {
    if (output.finished === null) return false
    const device = typeof record.device === 'string' ? record.device : null
    yield { type: 'plan', outputs: outputs.end - outputs.start, sources: inputs.sources ?? 0, classes: classes.length }
    yield { type: 'notice', message: 'complete already; nothing that it is made from has been touched since' }
    yield { type: 'start', device, model: null, done: counts.written }
    const seconds = (performance.now() - began) / 1000
    const { written, skipped, maps, uniform } = counts
    const told = { ...(maps !== undefined && { maps }), ...(uniform !== undefined && { uniform }) }
    const report = config.report ? { report: path.join(out, REPORT) } : {}
    yield { type: 'done', out, written, skipped, made: 0, seconds, device, ...told, ...report }
    return true
  } finally {
    await output.close()
  }
}
