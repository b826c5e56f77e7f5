/** Checks of paths on the command line, before any work is done. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'

/** Throws a usage error that names every one of `paths` where there is no file or folder; `expected` says what belongs there. */
export async function requirePaths(kind: 'file' | 'folder', paths: readonly string[], expected: string): Promise<void> {
  const problems: string[] = []
  let hint: { hint?: string } = {}
  for (const place of paths) {
    try {
      if ((await stat(place)).isDirectory() === (kind === 'folder')) continue
      problems.push(`${place}: found a ${kind === 'folder' ? 'file' : 'folder'}, expected ${expected}`)
    } catch (cause) {
      problems.push(`${place}: ${reasonOf(cause)}, expected ${expected}`)
      hint = hintFor(cause)
    }
  }
  if (problems.length > 0) throw new AugmentError('usage', problems.join('\n'), hint)
}

/** Throws a usage error unless a file could be at `file`: its folder is there, no folder has its name, and it is none of `inputs`. */
export async function requirePlace(file: string, inputs: readonly (string | undefined)[] = []): Promise<void> {
  await requirePaths('folder', [path.dirname(file)], `a folder for ${path.basename(file)}`)
  const present = await stat(file).catch(() => null)
  if (present?.isDirectory()) throw new AugmentError('usage', `${file}: found a folder, expected the name of a file`)
  for (const input of present === null ? [] : inputs) {
    const read = input === undefined ? null : await stat(input).catch(() => null)
    if (read === null || read.ino !== present!.ino || read.dev !== present!.dev) continue
    throw new AugmentError('usage', `--out: found ${file}, which this command reads, expected another file`)
  }
}
