/** Which pictures there are and what they show. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { insideOf } from '../containers/container.js'
import { absolute } from '../objects/place.js'
import { readClasses } from './classFile.js'
import { readClassFolders } from './classFolders.js'
import { containersIn, readContainers } from './contained.js'
import { givenFiles } from './given.js'
import { Classes, checkNames, classNames, UNNAMED_WEIGHTS, unknownClass } from './labels.js'
import { locateRows } from './locateRows.js'
import { besideNotices, oneClassNotices, twiceNotices } from './notices.js'
import type { Contained } from './opening.js'
import { isOfRun, isRun, shardsOf } from './ownOutput.js'
import { describeGap } from './pictures.js'
import { Problems } from './problems.js'
import { readTable } from './readTable.js'
import { Folder, isImageName } from './scan.js'
import { refuseSeveral, severalNotices } from './several.js'
import { byFile, type Source, type Sources } from './source.js'
import { type SplitChoice, splitFolder } from './splits.js'
import { FOUND_NAMES, type Table } from './table.js'

export type { Source, Sources } from './source.js'

/** The pictures of a folder, sorted by path in code-unit order, and their classes. */
export interface Manifest {
  /** Absolute path of the folder that files are relative to. */
  readonly root: string
  /** Absolute path, or pattern, of what was given: the folder itself, or files with pictures in them. */
  readonly given: string
  /** Class names; a class index is a place in this list. */
  readonly classes: readonly string[]
  readonly sources: Sources
  /** Whether any label is a distribution. */
  readonly soft: boolean
  /** Where the labels come from: a file's name, or "class folders". */
  readonly origin: string
  /** The same in words, with what was understood: "labels from pets.csv, column class". */
  readonly told: string
  /** Pictures found below the root that the manifest does not name. */
  readonly ignored: number
  /** The files in class folders that are left out, in words; null where there are none. */
  readonly unread: string | null
  /** What is to be known of the classes, one sentence each. */
  readonly notices: readonly string[]
  /** What folders and tables of labels in them were when they were read; null where that does not tell all that was. */
  readonly stamps: Folder['stamps']
}

export interface ManifestOptions extends SplitChoice {
  /** A CSV, JSON or JSON lines file whose names are relative to the folder of the pictures. */
  readonly labels?: string
  /** A file with one class name per line, in the order of their indices. */
  readonly classes?: string
  /** Whether to read what symbolic links below the folder point to, wherever that lies. */
  readonly followLinks?: boolean
  /** Whether a picture may show several classes, or none. */
  readonly multiLabel?: boolean
}

/**
 * Reads the labels of a folder of pictures: from `options.labels`, else from a manifest found in the folder, else one
 * class per folder; or of files that hold many pictures, one, a pattern of some, or a folder of them, as an output in shards
 * has one. Throws AugmentError `usage` that lists every problem with its line.
 */
export async function readManifest(place: string, options: ManifestOptions = {}): Promise<Manifest> {
  const shards = options.labels === undefined ? await shardsOf(place) : undefined
  if (shards !== undefined) return readManifest(shards, options)
  const fixed = options.classes === undefined ? undefined : await readClasses(options.classes)
  const given = await givenFiles(place)
  const reading = { place, options, fixed }
  const folder = given === undefined ? await Folder.scan(place, options) : null
  const manifest =
    folder === null ? await fromContainers(given!.root, given!.files, reading) : await fromFolder(folder, reading)
  const isMade = await isOfRun(place)
  const again = isMade ? [`${place}: these pictures are mixes of sage-augment, and are mixed again`] : []
  const gap = fixed ? undefined : describeGap(manifest.classes)
  const notices = [...manifest.notices, ...(gap ? [gap] : []), ...oneClassNotices(manifest), ...again]
  // What a file is whose name does not say so, or one in a container, no folder tells.
  const isPlain = manifest.unread === null && !isMade && !some(manifest.sources, ({ file }) => !isPlainName(file))
  return { ...manifest, notices, given: absolute(place), stamps: isPlain ? (folder?.stamps ?? null) : null }
}

function isPlainName(file: string): boolean {
  return isImageName(file) && insideOf(file) === undefined
}

/** With what a folder or files are read. */
interface Place {
  /** As the user wrote it, for messages. */
  readonly place: string
  readonly options: ManifestOptions
  readonly fixed: Classes | undefined
}

type Read = Omit<Manifest, 'given' | 'stamps'>

async function fromFolder(folder: Folder, { place, options, fixed }: Place): Promise<Read> {
  const labels = options.labels ?? (await findLabels(folder))
  if (labels !== undefined) {
    const origin = options.labels ?? path.basename(labels)
    const manifest = await fromTable(folder, labels, origin, options, fixed ?? (await classesOfRun(labels)))
    return { ...manifest, notices: [...manifest.notices, ...twiceNotices(folder, manifest)] }
  }
  const [pictures, others]: [string[], string[]] = [[], []]
  let listed = 0
  for (const file of folder.files) {
    const isPicture = isImageName(file)
    if (isPicture) listed++
    if (!isPicture) others.push(file)
    else if (file.includes('/')) pictures.push(file)
  }
  const split = splitFolder(pictures, fixed, options, place)
  if (split !== undefined) {
    const { base, notice } = split
    const inner = { place: path.join(place, base), options: { ...options, split: undefined }, fixed }
    return prefixed(await fromFolder(folder.below(base), inner), folder.root, `${base}/`, notice)
  }
  const containers = [...containersIn(others).values()].flat()
  if (pictures.length === 0 && containers.length > 0) {
    return fromContainers(folder.root, folder.files, { place, options, fixed })
  }
  const { classes, sources, named, unread, notices } = await readClassFolders(folder, place, fixed, options)
  const manifest = manifestOf(folder, classes, sources, 'class folders')
  return {
    ...manifest,
    ignored: listed - named,
    unread,
    notices: [...notices, ...besideNotices(containers), ...twiceNotices(folder, manifest)],
  }
}

/** A manifest whose names go on below `root`, behind `prefix`. */
function prefixed(manifest: Read, root: string, prefix: string, notice: string | undefined): Read {
  const sources = Array.from(manifest.sources, ({ file, label }) => ({ file: `${prefix}${file}`, label }))
  return { ...manifest, root, sources, notices: [...(notice === undefined ? [] : [notice]), ...manifest.notices] }
}

async function fromContainers(root: string, files: Iterable<string>, { place, options, fixed }: Place): Promise<Read> {
  const found = await readContainers(root, files, place, options)
  if (!('archive' in found)) return fromRows(root, found, place, fixed, options)
  const { file, archive } = found
  const { folder, prefix } = unwrapped(Folder.of(`${path.join(root, file)}#`, archive.names))
  const choice = found.isSplit ? { ...options, split: undefined } : options
  const inner = await fromFolder(folder, { place, options: choice, fixed })
  const manifest = prefixed(inner, root, `${file}#${prefix}`, undefined)
  return { ...manifest, told: `${inner.told} in ${file}`, notices: [...found.notices, ...manifest.notices] }
}

/** The folder without the one around all that it holds, as archives often have it. */
function unwrapped(whole: Folder): { readonly folder: Folder; readonly prefix: string } {
  const [first] = whole.files
  const base = first?.includes('/') ? first.slice(0, first.indexOf('/')) : undefined
  if (base === undefined || ![...whole.files].every((file) => file.startsWith(`${base}/`)))
    return { folder: whole, prefix: '' }
  const folder = whole.below(base)
  const isWrapping = [...folder.folders].length > 1 || FOUND_NAMES.some((name) => folder.files.has(name))
  return isWrapping ? { folder, prefix: `${base}/` } : { folder: whole, prefix: '' }
}

/** The rows of containers, their labels read. */
async function fromRows(
  root: string,
  { rows, classes: own, told, notices, areFiles, unread = null }: Contained,
  place: string,
  fixed: Classes | undefined,
  options: ManifestOptions,
): Promise<Read> {
  const problems = new Problems()
  const classes =
    fixed ??
    own ??
    new Classes(
      classNames(
        rows.map(({ label }) => label),
        options.multiLabel,
      ),
    )
  if (rows.length === 0) problems.add(place, 'found no rows, expected one per picture')
  checkNames(classes.names, () => place, problems)
  const unnamed = !fixed && !own && rows.some(({ label }) => typeof label === 'object' && !('names' in label))
  if (unnamed) problems.add(place, UNNAMED_WEIGHTS)
  problems.throwIfAny()
  const labels = rows.map(({ label }) => label)
  if (!options.multiLabel) refuseSeveral(labels, (row) => rows[row]!.file, problems)
  const folder = areFiles ? await Folder.scan(root, options) : undefined
  const sources: Source[] = []
  for (const { file: name, label: written } of rows) {
    const fail = (problem: string) => problems.add(name, problem)
    const label = options.multiLabel ? classes.readSeveral(written, fail) : classes.read(written, fail)
    const found = folder === undefined ? { file: name } : await folder.locate(name)
    if ('problem' in found) problems.add(place, found.problem)
    else sources.push({ file: found.file, label: label ?? 0 })
  }
  problems.throwIfAny()
  const soft = sources.some(({ label }) => typeof label !== 'number')
  const facts = { classes: classes.names, soft, origin: path.basename(place), ignored: 0, unread }
  return { root, sources: sources.sort(byFile), ...facts, told, notices }
}

/** The classes of an output of ours, whose tables are read as they were written, whatever the classes are called. */
async function classesOfRun(table: string): Promise<Classes | undefined> {
  const folder = path.dirname(table)
  const classes = path.join(folder, 'classes.txt')
  return (await isRun(folder)) && (await stat(classes).catch(() => undefined)) ? readClasses(classes) : undefined
}

async function findLabels({ root, files }: Folder): Promise<string | undefined> {
  for (const name of FOUND_NAMES) {
    const file = path.join(root, name)
    if (files.has(name) || (await stat(file).catch(() => undefined))?.isFile()) return file
  }
  return undefined
}

async function fromTable(
  folder: Folder,
  file: string,
  origin: string,
  options: ManifestOptions,
  fixed: Classes | undefined,
): Promise<Read> {
  const problems = new Problems()
  const several = options.multiLabel === true
  const table = await readTable(file, origin, fixed, problems, options, folder.files)
  const { labels: written, positions } = table.rows
  if (written.length === 0 && problems.count === 0) problems.add(origin, 'found no rows, expected one per picture')
  const classes = fixed ?? new Classes(table.columns ?? classNames(written, several))
  if (!several) refuseSeveral(written, (row) => table.placeOf(positions[row]!), problems)
  checkClasses(table, classes, fixed, origin, problems)
  const { sources, ignored: beside } = await locateRows(table, folder, classes, { problems, several })
  const manifest = manifestOf(folder, classes, sources, origin)
  const kind = several ? 'multi-' : table.columns === undefined ? '' : manifest.soft ? 'soft ' : 'one-hot '
  const told = `${kind}labels from ${origin}${table.meaning ? `, ${table.meaning}` : ''}`
  const ignored = Math.max(0, beside - (table.others ?? 0))
  const notices = [...(table.notices ?? []), ...(several ? [] : severalNotices(classes.names))]
  return { ...manifest, told, ignored, notices }
}

/** Throws where the classes as such are wrong, since every row would repeat it. */
function checkClasses(table: Table, classes: Classes, fixed: Classes | undefined, origin: string, problems: Problems) {
  const before = problems.count
  checkNames(classes.names, () => origin, problems)
  const unwritable = problems.count > before
  const unknown = table.columns?.filter((name) => classes.indexOf(name) === undefined) ?? []
  const unnamed = !fixed && table.rows.labels.some((label) => typeof label === 'object' && !('names' in label))
  for (const name of unknown) problems.add(table.placeOf(1), unknownClass(name, classes))
  if (unnamed) problems.add(origin, UNNAMED_WEIGHTS)
  if (unwritable || unknown.length > 0 || unnamed) problems.throwIfAny()
}

function manifestOf(folder: Folder, classes: Classes, sources: Sources, origin: string): Omit<Read, 'ignored'> {
  const soft = some(sources, ({ label }) => typeof label !== 'number')
  const told = `labels from ${origin}`
  return { root: folder.root, classes: classes.names, sources, soft, origin, told, unread: null, notices: [] }
}

function some(sources: Sources, holds: (source: Source) => boolean): boolean {
  for (const source of sources) if (holds(source)) return true
  return false
}
