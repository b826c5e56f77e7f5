/** What a run is made of must not lie where its output goes. */
import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { absolute, isObject } from '../objects/place.js'
import { OURS, RUN_RECORD } from './layout.js'

/**
 * Throws a conflict error where one of `files`, paths relative to `root`, lies among the `names` that are removed from `folder`
 * when a run begins there; `what` they are. Links in `files` themselves are not followed.
 */
export async function refuseOwnInputs(
  folder: string,
  { root, files, what }: { readonly root: string; readonly files: Iterable<string>; readonly what: string },
  names: readonly string[] = [RUN_RECORD, ...OURS],
): Promise<void> {
  const [out, from] = await Promise.all([real(folder), real(root)])
  if (out === null || from === null || !(isInside(out, from) || isInside(from, out))) return
  for (const file of files) {
    const name = path.relative(out, path.join(from, file)).split(path.sep).join('/')
    if (!names.some((own) => name === own || name.startsWith(`${own}/`))) continue
    throw new AugmentError('conflict', `${folder}: found ${what} in it (${name}), expected another folder`, {
      hint: 'choose another --out: what a run left there is removed when another one begins',
    })
  }
}

/** Without links; null where there is nothing. */
async function real(place: string): Promise<string | null> {
  return isObject(place) ? absolute(place) : realpath(place).catch(() => null)
}

function isInside(folder: string, place: string): boolean {
  const way = path.relative(folder, place)
  return !path.isAbsolute(way) && way.split(path.sep)[0] !== '..'
}
