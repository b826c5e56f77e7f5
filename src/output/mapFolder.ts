import { rm } from 'node:fs/promises'
import path from 'node:path'
import { folderMaker, makeFolder, writeAtomic } from './atomic.js'
import { FAILURES, LOCK, MAPS_RECORD, RUN_RECORD, refuseLinks, SCRATCH, STATE } from './layout.js'
import { takeLock } from './lock.js'
import { refuseForeign } from './outputFolder.js'

/** What is removed when new maps are made. */
export const MAP_FILES = ['overlays', 'maps', FAILURES] as const

/** A folder of saliency maps that this process alone writes to. */
export interface MapFolder {
  /** Writes a file durably, by its path in the folder, making what folders it needs. */
  write(file: string, bytes: Uint8Array | string): Promise<void>
  /** Writes the record, saliency.json, as the last thing of all. */
  finish(record: Readonly<Record<string, unknown>>): Promise<void>
  close(): Promise<void>
}

/**
 * Opens a new or empty folder, or one of an earlier `saliency`, whose maps are removed: they can be made again. Throws a
 * conflict error for anything else.
 */
export async function openMapFolder(folder: string, notice: (text: string) => void): Promise<MapFolder> {
  const scratch = path.join(folder, SCRATCH)
  await refuseForeign(folder, RUN_RECORD)
  await makeFolder(path.join(folder, STATE))
  await refuseLinks(folder, [...MAP_FILES, MAPS_RECORD])
  const lock = await takeLock(path.join(folder, LOCK), notice)
  await makeFolder(scratch)
  const makeFolderOnce = folderMaker()
  async function write(file: string, bytes: Uint8Array | string): Promise<void> {
    const target = path.join(folder, file)
    await lock.check()
    await makeFolderOnce(path.dirname(target))
    await writeAtomic(target, bytes, scratch)
  }
  const record = (facts: object) => write(MAPS_RECORD, `${JSON.stringify(facts, null, 2)}\n`)
  try {
    await record({ complete: false })
    for (const name of MAP_FILES) await rm(path.join(folder, name), { recursive: true, force: true })
  } catch (error) {
    await lock.release()
    throw error
  }
  return {
    write,
    finish: (facts) => record({ complete: true, ...facts }),
    async close() {
      await lock.check().then(
        () => rm(scratch, { recursive: true, force: true }),
        () => undefined,
      )
      await lock.release()
    },
  }
}

/**
 * A picture's path as a path below an output folder of any system: what some file system does not take is %-escaped, so
 * that different pictures keep different names.
 */
export function portablePath(file: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must go
  const unsafe = /[\x00-\x1f\x7f<>:"|?*\\%]|[. ](?=\/|$)/g
  return file.replace(unsafe, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
