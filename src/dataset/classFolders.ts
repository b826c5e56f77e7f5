/** Labels from one folder per class. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { IMAGE_EXTENSIONS } from '../codec/format.js'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import { Classes, checkNames, sortedClasses, unknownClass } from './labels.js'
import { describeUnread, emptiedClasses, emptyFolders, findPictures, isBeside } from './pictures.js'
import { Problems, quoted } from './problems.js'
import { FOLLOW_LINKS, type Folder, isImageName } from './scan.js'
import { refuseNoClasses, shapeNotices } from './shape.js'
import { ListedSources, type Sources } from './source.js'
import { type SplitChoice, splitsInClasses } from './splits.js'
import { FOUND_NAMES } from './table.js'
import { classesIn, classOf } from './topFolders.js'

interface ClassFolders {
  readonly classes: Classes
  readonly sources: Sources
  /** How many of them are listed under the name of a picture. */
  readonly named: number
  /** The files that are left out, in words; null where there are none. */
  readonly unread: string | null
  readonly notices: readonly string[]
}

/**
 * Reads the folders in a folder as classes. Throws AugmentError `usage` for what cannot be read, and where they look like
 * anything else than classes, unless those are `fixed`.
 */
export async function readClassFolders(
  folder: Folder,
  place: string,
  fixed: Classes | undefined,
  choice: SplitChoice,
): Promise<ClassFolders> {
  const problems = new Problems()
  const found = await findPictures(
    folder.root,
    [...folder.files].filter((file) => file.includes('/')),
  )
  const linked = await linkedPictures(folder, place, problems)
  const all = linked.length === 0 ? found.pictures : [...found.pictures, ...linked].sort()
  const split = splitsInClasses(all, choice, place)
  const files = split?.kept ?? all
  const names = classesIn(files)
  const classes = fixed ?? new Classes(sortedClasses(names))
  for (const name of names) {
    if (classes.indexOf(name) === undefined) problems.add(path.join(place, name), unknownClass(name, classes))
  }
  checkNames(classes.names, (name) => path.join(place, name), problems)
  for (const { name, problem } of emptiedClasses({ ...found, pictures: all })) {
    problems.add(path.join(place, name), problem)
    problems.hint('convert these files to PNG, or move the folder away if it is not a class')
  }
  problems.throwIfAny()
  if (files.length === 0) throw await noLabels(folder, place)
  const shape = { place, all: folder.files, pictures: files, names: [...names] }
  if (!fixed) await refuseNoClasses(shape)
  return {
    classes,
    sources: new ListedSources(folder.files, files, labelsOf(files, classes)),
    named: found.named,
    unread: found.unread.length === 0 ? null : describeUnread(place, found.unread),
    notices: [
      ...(split?.notice === undefined ? [] : [split.notice]),
      ...joinedNotices(names),
      ...(fixed ? [] : [...emptyNotices(emptyFolders(folder, files)), ...shapeNotices(shape)]),
    ],
  }
}

/** The class of each file; most lie in the folder that the one before does. */
function labelsOf(files: readonly string[], classes: Classes): number[] {
  let [start, label] = ['/', -1]
  return files.map((file) => {
    if (file.startsWith(start)) return label
    const name = classOf(file)
    start = `${name}/`
    label = classes.indexOf(name)!
    return label
  })
}

/** The pictures that links in the folder name; those that lead out of it go to the problems. */
async function linkedPictures(folder: Folder, place: string, problems: Problems): Promise<string[]> {
  const files: string[] = []
  async function check(link: string, fail: (problem: string, hint?: string) => void): Promise<boolean> {
    const located = await folder.locate(link)
    if ('problem' in located) fail(located.problem, located.hint)
    return !('problem' in located)
  }
  for (const link of folder.links) {
    const fail = (problem: string, hint?: string) => {
      problems.add(path.join(place, link), problem)
      if (hint !== undefined) problems.hint(hint)
    }
    if (!isImageName(link)) {
      const target = await stat(path.join(folder.root, link)).catch(() => undefined)
      if (target?.isDirectory()) fail('found a symbolic link to a folder, expected the folder itself', FOLLOW_LINKS)
      // It may have been a class, or a picture.
      else if (target === undefined && !isBeside(link)) await check(link, fail)
    } else if (link.includes('/')) {
      if (await check(link, fail)) files.push(link)
    }
  }
  return files
}

/** Folders whose names look the same, as those that were copied from macOS and from Linux, are one class. */
function joinedNotices(names: Iterable<string>): string[] {
  const alike = new Map<string, string[]>()
  for (const name of names) {
    const normal = name.normalize('NFC')
    alike.set(normal, [...(alike.get(normal) ?? []), name])
  }
  const joined = [...alike.values()].filter((group) => group.length > 1)
  if (joined.length === 0) return []
  const shown = joined.slice(0, 5).map((group) => group.map(escaped).sort().join(' and '))
  const more = joined.length > 5 ? ', ...' : ''
  return [`folders that differ only in Unicode normal form are one class: ${shown.join(', ')}${more}`]
}

/** A quoted name in ASCII. */
function escaped(name: string): string {
  return quoted(name).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function emptyNotices(empty: readonly string[]): string[] {
  if (empty.length === 0) return []
  const shown = `${empty.slice(0, 10).map(quoted).join(', ')}${empty.length > 10 ? ', ...' : ''}`
  const classes = `${counted(empty.length, 'folder')} without a picture ${empty.length === 1 ? 'is not a class' : 'are not classes'}: ${shown}`
  return [`${classes}; the classes after them have lower indices (classes.txt)`]
}

async function noLabels(folder: Folder, place: string): Promise<AugmentError> {
  const { pictures: all, unread } = await findPictures(folder.root, folder.files)
  const pictures = all.length
  if (pictures === 0) {
    const nothing = `${place}: found no pictures, expected some in it or in folders below it`
    return new AugmentError('usage', unread.length === 0 ? nothing : describeUnread(place, unread), {
      hint: `pictures are files named *.${IMAGE_EXTENSIONS.join(', *.')}, or with the content of one`,
    })
  }
  const found = `found ${counted(pictures, 'picture')} without labels`
  return new AugmentError('usage', `${place}: ${found}, expected ${FOUND_NAMES.join(', ')} or one folder per class`, {
    hint: '--labels <file> reads the labels from another place',
  })
}
