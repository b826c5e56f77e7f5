/** Labelled pictures in files that hold many. */
import path from 'node:path'
import type { Archive } from '../containers/archive.js'
import { arrayOf, type ContainerKind, containerKind, openContainer } from '../containers/container.js'
import { ContainerError } from '../containers/containerError.js'
import { AugmentError } from '../core/errors.js'
import { isObject } from '../objects/place.js'
import { arrayRows, filesOf, isArrayName, membersOf } from './arrayRows.js'
import { givenFiles } from './given.js'
import { type Contained, opening, placeIn } from './opening.js'
import { parquetRows } from './parquetRows.js'
import { Problems } from './problems.js'
import { isImageName } from './scan.js'
import { type SplitChoice, splitIn, takeSplit } from './splits.js'
import { webdatasetRows } from './webdatasetRows.js'

/** An archive whose members are files as in a folder. */
export interface Tree {
  /** The archive's file, relative to the root. */
  readonly file: string
  readonly archive: Archive
  readonly notices: readonly string[]
}

/** Whether the split has been taken by the names of the containers. */
interface Split {
  readonly isSplit?: boolean
}

/** Containers of one kind, as far as their names say it; tables beside tars are not theirs. */
export function containersIn(files: Iterable<string>): ReadonlyMap<ContainerKind, readonly string[]> {
  const kinds = new Map<ContainerKind, string[]>()
  for (const file of [...files].filter((name) => containerKind(name) !== undefined).sort()) {
    const kind = containerKind(file)!
    kinds.set(kind, [...(kinds.get(kind) ?? []), file])
  }
  const tars = new Set([...(kinds.get('tar') ?? []), ...(kinds.get('tar.gz') ?? [])].map(stemOf))
  const tables = kinds.get('parquet')?.filter((file) => !tars.has(stemOf(file)))
  if (tables?.length === 0) kinds.delete('parquet')
  else if (tables !== undefined) kinds.set('parquet', tables)
  return kinds
}

function stemOf(file: string): string {
  return file.replace(/\.(tar|parquet|tgz|tar\.gz)$/i, '')
}

/**
 * Reads the labels of the containers among `files`: rows, or a tree where an archive holds files as a folder does. Throws
 * AugmentError `usage` for containers of several kinds, for what is wrong with one, and where it is not clear what is meant.
 */
export async function readContainers(
  root: string,
  files: Iterable<string>,
  place: string,
  options: SplitChoice,
): Promise<(Contained | Tree) & Split> {
  const kinds = containersIn(files)
  if (kinds.size > 1) {
    const found = [...kinds.values()].map(([first]) => first!).join(', ')
    throw new AugmentError(
      'usage',
      `${place}: found files of several kinds with pictures in them (${found}), expected one`,
      {
        hint: 'give the file itself, or move the others away',
      },
    )
  }
  const [[kind, all]] = [...kinds] as [[ContainerKind, readonly string[]]]
  const names = all.map(splitIn)
  // A single file is what is meant, whatever it is called; the splits may be in it.
  const isNamed =
    names.some((name) => name !== undefined) && all.length > (options.split === undefined || kind === 'npz' ? 1 : 0)
  if (kind === 'cifar' || kind === 'idx') {
    if (isObject(root))
      throw new AugmentError('usage', `${place}: found arrays in an object store, expected Parquet, tars or pictures`)
    return arrayRows(await filesOf(root, all), place, all.length === 1 && options.split === undefined ? whole : options)
  }
  if (!isNamed) return rowsOf(kind, root, all, place, options)
  const { taken, notice } = takeSplit(names, options, place)
  const chosen = all.filter((_, i) => taken.has(names[i]))
  const found = await rowsOf(kind, root, chosen, place, whole)
  return { ...found, isSplit: true, notices: [...(notice === undefined ? [] : [notice]), ...found.notices] }
}

/** Where the split has been taken. */
const whole: SplitChoice = { split: 'all' }

async function rowsOf(
  kind: ContainerKind,
  root: string,
  files: readonly string[],
  place: string,
  options: SplitChoice,
): Promise<Contained | Tree> {
  const problems = new Problems()
  if (kind === 'parquet') {
    const found = await parquetRows(root, files, problems, options)
    problems.throwIfAny()
    return found
  }
  if (kind === 'tar' || kind === 'tar.gz') {
    const found = await webdatasetRows(root, files, problems)
    problems.throwIfAny()
    if (found !== undefined) {
      if (options.split !== undefined) takeSplit([], options, place)
      return found
    }
  }
  const [file, ...others] = files
  if (others.length > 0) {
    const what = kind.startsWith('tar') ? 'tars without labels (.cls, .json or .txt)' : `${kind} files`
    throw new AugmentError('usage', `${place}: found ${files.length} ${what}, expected one`, {
      hint: 'give one of them, as one folder of class folders',
    })
  }
  const archive = await opening(placeIn(place, file!), async () => {
    const container = await openContainer(path.join(root, file!))
    if (container.kind !== 'archive') throw new ContainerError('found no archive, expected one')
    return container.archive
  })
  const isNpz = kind === 'npz'
  if (!isNpz && !archive.names.some(isArrayName)) return { file: file!, archive, notices: [] }
  return arrayRows(membersOf(file!, archive), placeIn(place, file!), options)
}

/** The pictures in the containers that are given, whatever their labels; undefined where a folder of pictures is. */
export async function picturesInContainers(
  place: string,
  choice: SplitChoice,
): Promise<{ readonly root: string; readonly files: readonly string[] } | undefined> {
  const given = await givenFiles(place)
  if (given === undefined) return undefined
  const { root, files } = given
  const pictures: string[] = []
  for (const file of files) {
    for (const key of await opening(file, () => keysIn(path.join(root, file)))) pictures.push(`${file}#${key}`)
  }
  const isNamed = files.length > 1 && files.some((file) => splitIn(file) !== undefined)
  const splitOf = (name: string) =>
    splitIn(name.slice(isNamed ? 0 : name.indexOf('#') + 1, isNamed ? name.indexOf('#') : undefined))
  const { taken } = takeSplit(pictures.map(splitOf), choice, place)
  const chosen = pictures.filter((name) => taken.has(splitOf(name)))
  if (chosen.length === 0) throw new AugmentError('usage', `${place}: found no pictures, expected some`)
  return { root, files: chosen.sort() }
}

/** What the pictures of a container are called in it. */
async function keysIn(file: string): Promise<string[]> {
  const container = await openContainer(file)
  if (container.kind !== 'archive') {
    const count = container.kind === 'array' ? container.array.count : container.file.rows
    return Array.from({ length: count }, (_, row) => String(row))
  }
  const { archive } = container
  const keys = archive.names.filter(isImageName)
  for (const name of archive.names.filter(isArrayName)) {
    const { count } = (await arrayOf(archive, name))!
    for (let row = 0; row < count; row++) keys.push(`${name.replace(/\.npy$/, '')}/${row}`)
  }
  return keys
}
