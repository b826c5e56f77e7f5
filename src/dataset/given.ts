/** What a user gives as pictures: a folder, a file that holds many, or a pattern of such files. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { containerKind } from '../containers/container.js'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import { absolute as absolutePath, isObject } from '../objects/place.js'
import { objectFacts } from '../objects/reading.js'

/** Files with pictures in them, relative to the folder `root`. */
export interface GivenFiles {
  readonly root: string
  readonly files: readonly string[]
}

/** The most files that a pattern may mean; more is a mistake. */
const MOST_FILES = 1_000_000

/** The files that are given in place of a folder; undefined for a folder, and for what is neither. */
export async function givenFiles(place: string): Promise<GivenFiles | undefined> {
  const found = await kindOf(place)
  if (found === 'file' && containerKind(place) !== undefined) {
    const absolute = absolutePath(place)
    return { root: path.dirname(absolute), files: [path.basename(absolute)] }
  }
  if (found !== undefined || !/\{[^{}]*\}/.test(place)) return undefined
  const absolute = absolutePath(place)
  const folder = absolute.slice(0, absolute.indexOf('{'))
  const root = folder.endsWith('/') || folder.endsWith(path.sep) ? absolutePath(folder) : path.dirname(folder)
  const files = expanded(absolute).map((file) => path.relative(root, file).split(path.sep).join('/'))
  const missing: string[] = []
  for (const file of files) {
    if ((await kindOf(path.join(root, file))) !== 'file') missing.push(file)
  }
  if (missing.length > 0) {
    const what = `found ${counted(missing.length, 'file')} missing of ${files.length}, such as ${missing[0]}`
    throw new AugmentError('usage', `${place}: ${what}, expected all of them`)
  }
  return { root, files }
}

async function kindOf(place: string): Promise<'file' | 'folder' | undefined> {
  // What an object is called says what it may be; a prefix is no object.
  if (isObject(place)) {
    return containerKind(place) !== undefined && (await objectFacts(place, { fresh: true })) ? 'file' : undefined
  }
  const found = await stat(place).catch(() => undefined)
  return found && (found.isFile() ? 'file' : 'folder')
}

/** The names that a pattern means: `{0000..0999}` counts with as many digits, `{a,b}` is one or the other. */
export function expanded(pattern: string): string[] {
  const [whole, inner] = /\{([^{}]*)\}/.exec(pattern) ?? []
  if (whole === undefined) return [pattern]
  const [, first, last] = /^(\d+)\.\.(\d+)$/.exec(inner!) ?? []
  const choices = first === undefined ? inner!.split(',') : numbers(first, last!)
  const names = choices.flatMap((choice) => expanded(pattern.replace(whole, () => choice)))
  if (names.length > MOST_FILES) {
    throw new AugmentError('usage', `${pattern}: found ${names.length} files, expected at most ${MOST_FILES}`)
  }
  return names
}

function numbers(first: string, last: string): string[] {
  const [low, high] = [Number(first), Number(last)]
  if (high < low || high - low >= MOST_FILES) {
    throw new AugmentError('usage', `{${first}..${last}}: expected two numbers, the smaller one first`)
  }
  return Array.from({ length: high - low + 1 }, (_, i) => String(low + i).padStart(first.length, '0'))
}
