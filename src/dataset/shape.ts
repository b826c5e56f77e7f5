/** Folders that look like something else than one class each. */
import path from 'node:path'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import type { FileNames } from './fileNames.js'
import { isRun } from './ownOutput.js'
import { quoted } from './problems.js'
import { SPLIT_WORDS } from './splitWords.js'

const SPLIT = new RegExp(`^${SPLIT_WORDS}$`, 'i')
/** As in train2017, seg_test or Training: a word between other characters than letters. */
const SPLIT_WITHIN = new RegExp(`(^|[-_.0-9])${SPLIT_WORDS}([-_.0-9]|$)`, 'i')
const TRAINING = /(^|[-_.0-9])train(ing)?([-_.0-9]|$)/i

/** As in 00012, shard_3 or part-07. */
const NUMBERED = /^((shard|part|batch|chunk|images?|img|data|dir|folder)[-_ ]?)?\d+$/i
/** Pictures as this program and img2dataset name them. */
const NUMBERED_PICTURE = /^\d{5}\/\d{9}\.\w+$/

const NAMES_SUCH = 'if these are the classes, name them with --classes'

/** What lies in a folder of class folders. */
interface Shape {
  /** The folder as the user wrote it. */
  readonly place: string
  /** All files, by posix path. */
  readonly all: FileNames
  /** Those of them that are pictures below a class folder. */
  readonly pictures: readonly string[]
  /** The class folders. */
  readonly names: readonly string[]
}

/** Throws AugmentError `usage` where the folders are parts of a data set or of a store, and no classes. */
export async function refuseNoClasses(shape: Shape): Promise<void> {
  const { place, names, pictures } = shape
  if (await isRun(place)) {
    throw new AugmentError('usage', `${place}: found an output of sage-augment without its labels, expected labels.csv`)
  }
  const splits = names.filter((name) => SPLIT_WITHIN.test(name))
  const others = splits.filter((name) => !TRAINING.test(name))
  if (names.every((name) => SPLIT.test(name)) || (others.length > 0 && others.length < splits.length)) {
    throw splitsFound(shape, splits.length > 0 ? splits : names)
  }
  const above = path.dirname(path.resolve(place))
  if (pictures.every((file) => NUMBERED_PICTURE.test(file)) && (await isRun(above))) {
    throw new AugmentError(
      'usage',
      `${place}: found the pictures of an output of sage-augment, expected one folder per class`,
      {
        hint: `${above} has their labels: give that folder`,
      },
    )
  }
  const shards = shardSigns(shape)
  if (shards !== undefined) {
    const found = `found the numbered folders ${listed(names)} with ${shards}`
    throw new AugmentError('usage', `${place}: ${found}, expected one folder per class`, {
      hint: `these are shards, not classes: make a table of file_name and label from those files, for --labels; ${NAMES_SUCH}`,
    })
  }
  const [only] = names
  const inner = names.length === 1 ? parting(pictures, only!) : undefined
  if (inner === undefined) return
  const below = foldersIn(pictures, inner)
  throw new AugmentError('usage', `${place}: found one folder ${quoted(only!)}, expected one per class`, {
    hint: `${path.join(place, trainingFolder(inner, below))} may be the one to augment; ${NAMES_SUCH}`,
  })
}

/** What is to be known of class folders that are taken as such, one sentence each. */
export function shapeNotices({ all, pictures }: Omit<Shape, 'names'>): string[] {
  const notices: string[] = []
  const beside = sidecars(all, pictures)
  if (beside.length > 0)
    notices.push(`${counted(beside.length, 'file')} next to the pictures, such as ${quoted(beside[0]!)}: not read`)
  const below = [...foldersByClass(pictures).values()].map((folders) => [...folders].sort())
  const splits = [...new Set(below.flat())].filter((name) => SPLIT_WITHIN.test(name))
  if (splits.length > 1) {
    notices.push(`the classes have the folders ${listed(splits)}: the pictures in all of them are used`)
  } else if (
    below.length > 1 &&
    below[0]!.length > 1 &&
    below.every((folders) => folders.join('/') === below[0]!.join('/'))
  ) {
    notices.push(`every class has the same folders (${listed(below[0]!)}): are those the classes?`)
  }
  return notices
}

/** Folders such as train and test are parts of a data set; as classes they would give labels without meaning. */
function splitsFound({ place, names, pictures }: Shape, splits: readonly string[]): AugmentError {
  const only = splits.length === names.length ? 'only the folders' : 'the folders'
  const training = splits.filter((name) => TRAINING.test(name))
  const hint =
    training.length === 1
      ? `${path.join(place, parting(pictures, training[0]!) ?? training[0]!)} may be the one to augment`
      : 'name the folder of the training pictures'
  const message = `${place}: found ${only} ${splits.join(', ')}, expected one folder per class`
  return new AugmentError('usage', message, { hint: `${hint}; ${NAMES_SUCH}` })
}

/** What says that numbered folders are the shards of a store; undefined where nothing does. */
function shardSigns({ all, pictures, names }: Shape): string | undefined {
  if (!names.every((name) => NUMBERED.test(name))) return undefined
  if (all.has('dataset.json')) return 'a dataset.json beside them'
  const table = names.map((name) =>
    ['.parquet', '_stats.json', '.tar'].map((end) => name + end).find((file) => all.has(file)),
  )
  if (table.every((file) => file !== undefined)) return `${table[0]} beside them`
  const beside = sidecars(all, pictures)
  if (beside.length >= pictures.length / 2) return `${beside[0]} and others like it beside the pictures`
  const tenThousandEach = (file: string) =>
    NUMBERED_PICTURE.test(file) && Math.floor(Number(file.slice(6, 15)) / 10_000) === Number(file.slice(0, 5))
  return pictures.every(tenThousandEach) ? 'ten thousand numbers each' : undefined
}

/** Files of text or labels that are called like pictures beside them. */
function sidecars(all: FileNames, pictures: readonly string[]): string[] {
  const besides = new Map<string, string>()
  for (const file of all) if (/\.(json|txt|cls)$/.test(file)) besides.set(stemOf(file), file)
  if (besides.size === 0) return []
  return pictures.map((file) => besides.get(stemOf(file))).filter((file) => file !== undefined)
}

function stemOf(file: string): string {
  return file.slice(0, file.lastIndexOf('.'))
}

/** The folder at or below `folder` in which all its pictures part into several; undefined where they lie in one. */
function parting(pictures: readonly string[], folder: string): string | undefined {
  const own = pictures.filter((file) => file.startsWith(`${folder}/`))
  if (own.some((file) => !file.slice(folder.length + 1).includes('/'))) return undefined
  const below = foldersIn(own, folder)
  return below.length === 1 ? parting(own, `${folder}/${below[0]}`) : folder
}

/** The folder itself, or where it parts into splits the one for training. */
function trainingFolder(folder: string, below: readonly string[]): string {
  const training = below.filter((name) => TRAINING.test(name))
  return training.length === 1 && below.every((name) => SPLIT_WITHIN.test(name)) ? `${folder}/${training[0]}` : folder
}

/** The folders in a folder that pictures are below, sorted. */
function foldersIn(pictures: readonly string[], folder: string): string[] {
  const names = new Set<string>()
  for (const file of pictures) {
    if (!file.startsWith(`${folder}/`)) continue
    const rest = file.slice(folder.length + 1)
    const end = rest.indexOf('/')
    if (end > 0) names.add(rest.slice(0, end))
  }
  return [...names].sort()
}

/** The folders in each class folder that pictures are below. */
function foldersByClass(pictures: readonly string[]): Map<string, Set<string>> {
  const folders = new Map<string, Set<string>>()
  for (const file of pictures) {
    const end = file.indexOf('/')
    const name = file.slice(0, end)
    const known = folders.get(name) ?? new Set()
    if (known.size === 0) folders.set(name, known)
    const inner = file.indexOf('/', end + 1)
    known.add(inner < 0 ? '.' : file.slice(end + 1, inner))
  }
  return folders
}

function listed(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')}, ...` : names.join(', ')
}
