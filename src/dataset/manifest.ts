/** Which pictures there are and what they show. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { IMAGE_EXTENSIONS } from '../codec/format.js'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import type { Label } from '../core/softLabel.js'
import { Classes, checkNames, classNames, sortedClasses, UNNAMED_WEIGHTS, unknownClass } from './labels.js'
import { describeGap, describeUnread, emptiedClasses, emptyFolders, findPictures } from './pictures.js'
import { Problems, quoted } from './problems.js'
import { readTable } from './readTable.js'
import { Folder, isImageName } from './scan.js'
import { SPLIT_WORDS } from './splitWords.js'
import type { Table } from './table.js'
import { linesOf, readText } from './text.js'

/** A picture and its label. */
export interface Source {
  /** Posix path relative to the manifest's root. */
  readonly file: string
  /** A class index, or a distribution over the classes if it is not one-hot. */
  readonly label: Label
}

/** The pictures of a folder, sorted by path in code-unit order, and their classes. */
export interface Manifest {
  /** Absolute path of the folder that files are relative to. */
  readonly root: string
  /** Class names; a class index is a place in this list. */
  readonly classes: readonly string[]
  readonly sources: readonly Source[]
  /** Whether any label is a distribution. */
  readonly soft: boolean
  /** Where the labels come from: a file's name, or "class folders". */
  readonly origin: string
  /** The same in words, with what was understood: "labels from pets.csv, column class". */
  readonly told: string
  /** Pictures found below the root that the manifest does not name. */
  readonly ignored: number
  /** The files in class folders that are no picture which is read, in words; null where there are none. */
  readonly unread: string | null
  /** What is to be known of the classes, a sentence each. */
  readonly notices: readonly string[]
}

export interface ManifestOptions {
  /** A CSV, JSON or JSON lines file whose names are relative to the folder of the pictures. */
  readonly labels?: string
  /** A file with one class name a line, in the order of their indices. */
  readonly classes?: string
}

const SPLIT = new RegExp(`^${SPLIT_WORDS}$`, 'i')

const FOUND_NAMES = ['labels.csv', 'metadata.csv', 'metadata.jsonl', 'labels.json'] as const

/**
 * Reads the labels of a folder of pictures: from `options.labels`, else from a manifest found in the folder, else one
 * class per folder. Throws AugmentError `usage` that lists every problem of the manifest with its line.
 */
export async function readManifest(imagesFolder: string, options: ManifestOptions = {}): Promise<Manifest> {
  const fixed = options.classes === undefined ? undefined : await readClasses(options.classes)
  const folder = await Folder.scan(imagesFolder)
  const labels = options.labels ?? (await findLabels(imagesFolder))
  return labels === undefined
    ? fromClassFolders(folder, imagesFolder, fixed)
    : fromTable(folder, labels, options.labels ?? path.basename(labels), fixed)
}

async function findLabels(folder: string): Promise<string | undefined> {
  for (const name of FOUND_NAMES) {
    const file = path.join(folder, name)
    const found = await stat(file).catch(() => undefined)
    if (found?.isFile()) return file
  }
  return undefined
}

/** Class names from a file with one a line. Throws AugmentError `usage` for empty lines between them and repetitions. */
export async function readClasses(file: string): Promise<Classes> {
  const problems = new Problems()
  const names: string[] = []
  const seen = new Set<string>()
  let before = 0
  for (const { line, content } of linesOf(await readText(file))) {
    const name = content.normalize('NFC')
    if (line !== before + 1) problems.add(`${file}:${before + 1}`, 'found an empty line, expected a class name')
    before = line
    if (seen.has(name)) problems.add(`${file}:${line}`, `class ${quoted(name)} appears twice`)
    seen.add(name)
    names.push(name)
  }
  if (names.length === 0) problems.add(file, 'found no lines, expected one class name a line')
  problems.throwIfAny()
  return new Classes(names)
}

async function fromTable(folder: Folder, file: string, origin: string, fixed?: Classes): Promise<Manifest> {
  const problems = new Problems()
  const table = await readTable(file, origin, fixed, problems)
  if (table.rows.length === 0 && problems.count === 0) problems.add(origin, 'found no rows, expected one a picture')
  const classes = fixed ?? new Classes(table.columns ?? classNames(table.rows.map((row) => row.label)))
  checkClasses(table, classes, fixed, origin, problems)
  let named = 0
  const located: { readonly file: string; readonly position: number; readonly label: Label }[] = []
  for (const { position, file: name, label: written } of table.rows) {
    const fail = (problem: string) => problems.add(table.placeOf(position), problem)
    const label = classes.read(written, fail)
    const found = folder.files.has(name) ? { file: name, listed: true } : await folder.locate(name)
    if ('problem' in found) {
      fail(found.problem)
      continue
    }
    located.push({ file: found.file, position, label: label ?? 0 })
    if (found.listed && isImageName(found.file)) named++
  }
  // Stable, so that of two rows for one file the later one comes second.
  located.sort(byFile)
  for (let i = 1; i < located.length; i++) {
    const [first, second] = [located[i - 1]!, located[i]!]
    if (first.file !== second.file) continue
    problems.add(
      table.placeOf(second.position),
      `file ${quoted(second.file)} is already at ${table.placeOf(first.position)}`,
    )
  }
  problems.throwIfAny()
  const sources = located.map(({ file, label }) => ({ file, label }))
  const manifest = manifestOf(folder, classes, sources, origin, named)
  const kind = table.columns === undefined ? '' : manifest.soft ? 'soft ' : 'one-hot '
  const told = `${kind}labels from ${origin}${table.meaning ? `, ${table.meaning}` : ''}`
  return { ...manifest, told, notices: fixed ? [] : noticesOf([], classes.names) }
}

/** Order of UTF-16 code units. */
function byFile(a: { readonly file: string }, b: { readonly file: string }): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : 0
}

/** Throws where the classes as such are wrong, since every row would repeat it. */
function checkClasses(table: Table, classes: Classes, fixed: Classes | undefined, origin: string, problems: Problems) {
  const before = problems.count
  checkNames(classes.names, () => origin, problems)
  const unwritable = problems.count > before
  const unknown = table.columns?.filter((name) => classes.indexOf(name) === undefined) ?? []
  const unnamed = !fixed && table.rows.some(({ label }) => typeof label === 'object' && !('names' in label))
  for (const name of unknown) problems.add(table.placeOf(1), unknownClass(name, classes))
  if (unnamed) problems.add(origin, UNNAMED_WEIGHTS)
  if (unwritable || unknown.length > 0 || unnamed) problems.throwIfAny()
}

async function fromClassFolders(folder: Folder, place: string, fixed?: Classes): Promise<Manifest> {
  const problems = new Problems()
  const found = await findPictures(
    folder.root,
    [...folder.files].filter((file) => file.includes('/')),
  )
  const files = [...found.pictures]
  for (const link of folder.links) {
    const fail = (problem: string) => problems.add(path.join(place, link), problem)
    if (!isImageName(link)) {
      const target = await stat(path.join(folder.root, link)).catch(() => undefined)
      if (target?.isDirectory()) fail('found a symbolic link to a folder, expected the folder itself')
    } else if (link.includes('/')) {
      const located = await folder.locate(link)
      if ('problem' in located) fail(located.problem)
      else files.push(link)
    }
  }
  const folderOf = (file: string) => file.slice(0, file.indexOf('/'))
  const names = new Set(files.map(folderOf))
  const classes = fixed ?? new Classes(sortedClasses(names))
  for (const name of names) {
    if (classes.indexOf(name) === undefined) problems.add(path.join(place, name), unknownClass(name, classes))
  }
  checkNames(classes.names, (name) => path.join(place, name), problems)
  for (const { name, problem } of emptiedClasses({ ...found, pictures: files })) {
    problems.add(path.join(place, name), problem)
    problems.hint('convert these files to PNG, or move the folder away if it is no class')
  }
  problems.throwIfAny()
  if (files.length === 0) throw await noLabels(folder, place)
  if (!fixed && classes.names.every((name) => SPLIT.test(name))) throw splitsFound(classes.names, place)
  const sources = files.map((file) => ({ file, label: classes.indexOf(folderOf(file))! })).sort(byFile)
  const notices = fixed ? [] : noticesOf(emptyFolders(folder, files), classes.names)
  const unread = found.unread.length === 0 ? null : describeUnread(place, found.unread)
  const named = found.pictures.filter(isImageName).length
  return { ...manifestOf(folder, classes, sources, 'class folders', named), unread, notices }
}

function noticesOf(empty: readonly string[], names: readonly string[]): string[] {
  const shown = `${empty.slice(0, 10).map(quoted).join(', ')}${empty.length > 10 ? ', ...' : ''}`
  const classes = `${counted(empty.length, 'folder')} without a picture ${empty.length === 1 ? 'is no class' : 'are no classes'}: ${shown}`
  const gap = describeGap(names)
  return [
    ...(empty.length > 0 ? [`${classes}; those after them have lower indices than with them (classes.txt)`] : []),
    ...(gap === undefined ? [] : [gap]),
  ]
}

/** Folders such as train and test are parts of a data set; as classes they would give labels without meaning. */
function splitsFound(names: readonly string[], place: string): AugmentError {
  const message = `${place}: found only the folders ${names.join(', ')}, expected one folder per class`
  const hint = `${path.join(place, names.at(-1)!)} may be the one to augment; --classes names classes that are called so`
  return new AugmentError('usage', message, { hint })
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

/** `named` of the listed pictures are among the sources, the others are ignored. */
function manifestOf(
  folder: Folder,
  classes: Classes,
  sources: readonly Source[],
  origin: string,
  named: number,
): Manifest {
  let ignored = -named
  for (const file of folder.files) if (isImageName(file)) ignored++
  const soft = sources.some((source) => typeof source.label !== 'number')
  const told = `labels from ${origin}`
  return { root: folder.root, classes: classes.names, sources, soft, origin, told, ignored, unread: null, notices: [] }
}
