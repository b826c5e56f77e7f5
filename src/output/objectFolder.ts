/**
 * The folder of a run in an object store. Shards are written there as they are made; the tables lie in a temporary folder of this
 * machine, and follow with each full shard and as a whole at the end. run.json comes last.
 */
import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { absolute } from '../objects/place.js'
import { listObjects } from '../objects/reading.js'
import { dropParts, removeObject, uploadObject } from '../objects/writing.js'
import { type ClosedShards, numbersOf } from './closedShards.js'
import { CLASSES, INPUTS, LOCK, OURS, RUN_RECORD, STATE } from './layout.js'
import type { Lock } from './lock.js'
import { type Mirror, ObjectJournal } from './objectJournal.js'
import { takeObjectLock } from './objectLock.js'
import { lostRecord, type OutputFolder, type OutputOptions, openOutput } from './outputFolder.js'
import type { Identity } from './record.js'
import { type ShardForm, shardName } from './shardForm.js'
import { shardFormOf } from './shardForms.js'

/** As `openOutput`, for a place such as s3://bucket/aug, and a layout in shards. */
export async function openObjectOutput(
  place: string,
  classes: readonly string[],
  identity: Identity,
  // A longer or shorter run would need the shards of the other.
  { isOurs: _, ...options }: OutputOptions,
): Promise<OutputFolder> {
  const url = absolute(place)
  await refuseForeignObjects(url)
  const lock = await takeObjectLock(`${url}/${LOCK}`, options.notice)
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sage-augment-'))
  const told = placesIn({ url, folder })
  const release = async () => {
    await lock.release()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    if (options.overwrite) await removeRun(url)
    await dropParts(url)
    const names = await namesBelow(url)
    const form = shardFormOf((identity.options as { layout?: unknown }).layout)!
    const closed = shardObjects({ url, folder }, form, names, lock)
    // Its objects would be replaced by those of whatever is asked for.
    if (!options.overwrite && !names.includes(RUN_RECORD) && closed.numbers().length > 0) throw lostRecord(folder)
    const journal = await ObjectJournal.restore({ url, folder }, names, closed.numbers())
    const output = await openOutput(folder, classes, identity, {
      ...options,
      overwrite: false,
      shards: { closed, keep: (n) => journal.keep(n) },
    })
    if (!names.includes(RUN_RECORD)) await upload({ url, folder }, [INPUTS, CLASSES, RUN_RECORD])
    let isDone = output.finished !== null
    return {
      ...output,
      async finish(facts) {
        await output.finish(facts).catch(told)
        await lock.check()
        await upload({ url, folder }, await visible(folder))
        await upload({ url, folder }, [RUN_RECORD])
        await journal.drop()
        isDone = true
      },
      async close() {
        try {
          await output.close()
          if (!isDone) await journal.keepOpen()
        } finally {
          await release()
        }
      },
    }
  } catch (error) {
    await release()
    return told(error)
  }
}

/** Throws an error with the place of the run where it names its temporary folder. */
function placesIn({ url, folder }: Mirror): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof AugmentError)) throw error
    const seen = (text: string) => text.replaceAll(folder, url)
    const hint = error.hint === undefined ? {} : { hint: seen(error.hint) }
    throw new AugmentError(error.code, seen(error.message), { ...hint, cause: error.cause })
  }
}

/** Throws a conflict error unless there is nothing below a place, or a run of ours. */
export async function refuseForeignObjects(url: string): Promise<void> {
  let first: string | undefined
  for await (const { name } of listObjects(url, 10)) {
    // Code units sort it before all that has a letter first.
    if (name.startsWith(`${STATE}/`)) return
    first ??= name
  }
  if (first === undefined) return
  const message = `${url}: found other objects (${first}), expected none or a run of sage-augment`
  throw new AugmentError('conflict', message, { hint: 'choose another prefix with --out' })
}

async function namesBelow(url: string): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of listObjects(url)) names.push(name)
  return names
}

async function removeRun(url: string): Promise<void> {
  const ours = [RUN_RECORD, INPUTS, `${STATE}/`, ...OURS]
  const isOurs = (name: string) =>
    name !== LOCK && ours.some((own) => name === own || name.startsWith(own.replace(/\/?$/, '/')))
  const names = (await namesBelow(url)).filter(isOurs)
  // Without its record there is no run, whatever is left of it.
  for (const name of [RUN_RECORD, ...names.filter((name) => name !== RUN_RECORD)]) await removeObject(`${url}/${name}`)
}

/** The finished files of a run that a loader sees, but for its record. */
async function visible(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .filter((name) => !name.startsWith(`${STATE}/`) && name !== RUN_RECORD)
}

async function upload({ url, folder }: Mirror, names: readonly string[]): Promise<void> {
  for (const name of names) await uploadObject(`${url}/${name}`, createReadStream(path.join(folder, name)))
}

function shardObjects({ url }: Mirror, form: ShardForm, names: readonly string[], lock: Lock): ClosedShards {
  const home = `${form.folder}/`
  const found = names.filter((name) => name.startsWith(home)).map((name) => name.slice(home.length))
  const numbers = new Set(numbersOf(found, form.ending))
  const place = (n: number) => `${url}/${home}${shardName(n, form)}`
  return {
    numbers: () => [...numbers].sort((a, b) => a - b),
    async write(n, bytes) {
      await lock.check()
      await uploadObject(place(n), bytes)
      numbers.add(n)
    },
    async remove(n) {
      await removeObject(place(n))
      numbers.delete(n)
    },
    // biome-ignore lint/correctness/useYield: there is none to give
    async *decode(n) {
      throw new Error(`${place(n)}: not read`)
    },
  }
}
