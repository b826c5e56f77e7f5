/** Outputs of this program as inputs. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { absolute as absolutePath, isObject } from '../objects/place.js'
import { hasObjects } from '../objects/reading.js'

/** Folders of an output that hold its pictures in shards. */
const SHARDS = ['parquet', 'webdataset']

/** Whether a folder is an output of ours. */
export function isRun(folder: string): Promise<boolean> {
  return isFolder(path.join(folder, '.sage'))
}

/** Whether what is given, or the output that it is a part of, is an output of ours. */
export async function isOfRun(place: string): Promise<boolean> {
  if (await isRun(place)) return true
  const absolute = absolutePath(place)
  const folder = (await isFolder(absolute)) ? absolute : path.dirname(absolute)
  return SHARDS.includes(path.basename(folder)) && isRun(path.dirname(folder))
}

/** The folder of shards of an output of ours that has no pictures as files; undefined for any other. */
export async function shardsOf(folder: string): Promise<string | undefined> {
  if (!(await isRun(folder)) || (await isFolder(path.join(folder, 'images')))) return undefined
  for (const name of SHARDS) {
    const shards = path.join(folder, name)
    if (await isFolder(shards)) return shards
  }
  return undefined
}

async function isFolder(place: string): Promise<boolean> {
  if (isObject(place)) return hasObjects(place)
  const found = await stat(place).catch(() => undefined)
  return found?.isDirectory() === true
}
