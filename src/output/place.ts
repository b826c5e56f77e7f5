/** Whether a folder can be written to, before anything slow is done for it. */
import { existsSync } from 'node:fs'
import { mkdtemp, rmdir } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { reasonOf } from '../core/systemError.js'
import { MAPS_RECORD } from './layout.js'
import { refuseForeign } from './outputFolder.js'

/** The folder, or the nearest one above it that exists. */
export function nearestFolder(folder: string): string {
  const absolute = path.resolve(folder)
  return existsSync(absolute) ? absolute : nearestFolder(path.dirname(absolute))
}

/**
 * Throws a conflict error where `folder` holds something else than a run, and AugmentError `failed` where it cannot be made or
 * written to: found out by making a folder in the nearest one that exists, and removing it.
 */
export async function checkPlace(folder: string): Promise<void> {
  await refuseForeign(folder, MAPS_RECORD)
  const near = nearestFolder(folder)
  try {
    await rmdir(await mkdtemp(path.join(near, '.sage-augment-')))
  } catch (cause) {
    const isStrange = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const [first] = path.relative(near, path.resolve(folder)).split(path.sep)
    const message = isStrange
      ? `${path.join(near, first!)}: cannot be made, expected a file system that takes folders`
      : `${folder}: ${reasonOf(cause)} (${near}), expected a folder that can be made and written to`
    throw new AugmentError('failed', message, { hint: 'choose another folder with --out', cause })
  }
}
