/** Splits of a data set: what says them, and which one is taken. */
import { AugmentError } from '../core/errors.js'
import { SPLIT_WORDS } from './splitWords.js'
import { classesIn } from './topFolders.js'

const SPLIT = new RegExp(`^${SPLIT_WORDS}$`, 'i')
/** As in train2017, seg_test or Training: a word between other characters than letters. */
const SPLIT_WITHIN = new RegExp(`(^|[-_.0-9])${SPLIT_WORDS}([-_.0-9]|$)`, 'i')

/** Which split is wanted. */
export interface SplitChoice {
  /** As the user names it; `all` takes every one. */
  readonly split?: string | undefined
  /** Whether it is to judge by, where nothing is named: then it is never the one for training. */
  readonly forValidation?: boolean | undefined
}

/** Whether a name is that of a split and nothing else. */
function isSplit(name: string): boolean {
  return SPLIT.test(name)
}

/** The split that the parts of a path name, the last of them first; undefined for none. */
export function splitIn(file: string): string | undefined {
  for (const part of file.split('/').reverse()) {
    const found = SPLIT_WITHIN.exec(part)?.[2]
    if (found !== undefined) return found.toLowerCase()
    if (/(^|[-_.])t10k([-_.]|$)/i.test(part)) return 'test'
  }
  return undefined
}

/** The split that the cell of a column names: its text, or what a truth value means under a name such as is_train. */
export function splitOfCell(column: string, cell: string): string {
  if (!/^(true|false)$/i.test(cell)) return cell
  const word = column.toLowerCase().replace(/^is_/, '')
  if (!isSplit(word)) return cell
  if (/^true$/i.test(cell)) return word
  return kindOf(word) === 'train' ? `not ${word}` : 'train'
}

/** One name for the words that mean the same. */
function kindOf(split: string): string {
  if (split.startsWith('not ')) return split
  const word = SPLIT_WITHIN.exec(split)?.[2]?.toLowerCase() ?? split.toLowerCase()
  if (word.startsWith('train')) return 'train'
  if (word.startsWith('test')) return 'test'
  return /^(val|dev)/.test(word) ? 'val' : word
}

/** The names that are taken of `names`, undefined standing for what is in no split, and what there is to say of it. */
export interface Taken {
  readonly taken: ReadonlySet<string | undefined>
  readonly notice: string | undefined
}

/**
 * Takes the wanted split; where none is named the only one for training, or all where there are no splits. Throws AugmentError
 * `usage` where that is not clear.
 */
export function takeSplit(
  names: Iterable<string | undefined>,
  { split, forValidation = false }: SplitChoice,
  place: string,
  otherwise = '',
): Taken {
  const all = new Set(names)
  const named = [...all].filter((name) => name !== undefined).sort()
  if (split?.toLowerCase() === 'all') return { taken: all, notice: undefined }
  if (split !== undefined) return { taken: new Set([wanted(split, named, place)]), notice: undefined }
  if (named.length === 0) return { taken: all, notice: undefined }
  const found = ownSplit(named, forValidation)
  if (found.length !== 1) {
    const purpose = forValidation ? 'to judge by' : 'to learn from'
    throw new AugmentError('usage', `${place}: found the splits ${named.join(', ')}, expected one ${purpose}`, {
      hint: `name it with ${forValidation ? '--val-split' : '--split'}${otherwise}`,
    })
  }
  const others = [...named.filter((name) => name !== found[0]), ...(all.has(undefined) ? ['what is in no split'] : [])]
  const notice = `split ${found[0]}; not used: ${others.join(', ')} (--split names another, or all)`
  return { taken: new Set(found), notice: others.length === 0 ? undefined : notice }
}

function wanted(split: string, named: readonly string[], place: string): string {
  const same = named.filter((name) => name.toLowerCase() === split.toLowerCase())
  const found = same.length > 0 ? same : named.filter((name) => kindOf(name) === kindOf(split))
  if (found.length === 1) return found[0]!
  const there = named.length === 0 ? 'no splits' : `the splits ${named.join(', ')}`
  throw new AugmentError('usage', `--split ${split}: found ${there} in ${place}`)
}

/** The splits that may be meant where none is named. */
function ownSplit(named: readonly string[], forValidation: boolean): string[] {
  const of = (kind: string) => named.filter((name) => kindOf(name) === kind)
  if (!forValidation) return of('train')
  return of('val').length > 0 ? of('val') : of('test')
}

/** The folder of the split that is taken of a tree like `train/cat/1.jpg`; undefined where the tree is of no such kind. */
export function splitFolder(
  pictures: readonly string[],
  fixed: { indexOf(name: string): number | undefined } | undefined,
  choice: SplitChoice,
  place: string,
): { readonly base: string; readonly notice: string | undefined } | undefined {
  const folders = [...classesIn(pictures)]
  const areSplits =
    folders.every(isSplit) || (folders.length > 1 && folders.every((name) => splitIn(name) !== undefined))
  if (pictures.length === 0 || !areSplits || folders.some((name) => fixed?.indexOf(name) !== undefined))
    return undefined
  if (folders.length === 1 && choice.split === undefined) return undefined
  const { taken, notice } = takeSplit(folders, choice, place, '; if these are the classes, name them with --classes')
  if (taken.size > 1) {
    throw new AugmentError(
      'usage',
      `--split all: found the folders ${folders.join(', ')} in ${place}, expected one split`,
    )
  }
  return { base: [...taken][0]!, notice }
}

/** The files of the taken split where all lie in trees like `cat/train/1.jpg`; undefined where they do not. */
export function splitsInClasses(
  pictures: readonly string[],
  choice: SplitChoice,
  place: string,
): { readonly kept: readonly string[]; readonly notice: string | undefined } | undefined {
  const splitOf = (file: string) => {
    const start = file.indexOf('/') + 1
    const end = file.indexOf('/', start)
    const second = end < 0 ? '' : file.slice(start, end)
    return isSplit(second) ? second : undefined
  }
  const isTree = pictures.every((file) => splitOf(file) !== undefined)
  const splits = new Set(isTree ? pictures.map(splitOf) : [])
  // One folder around a tree of splits is no class.
  if (!isTree || classesIn(pictures).size < 2 || (splits.size < 2 && choice.split === undefined)) {
    if (choice.split !== undefined) takeSplit([], choice, place)
    return undefined
  }
  const { taken, notice } = takeSplit(splits, choice, place)
  return { kept: pictures.filter((file) => taken.has(splitOf(file))), notice }
}
