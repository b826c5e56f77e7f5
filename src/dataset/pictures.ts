/** Which files are pictures: by name, and where the name does not say it by content. */
import path from 'node:path'
import pLimit from 'p-limit'
import { describeBytes, EXPECTED_FORMATS, HEAD_BYTES, sniffFormat } from '../codec/format.js'
import { readHead } from '../containers/pictureFile.js'
import { counted } from '../core/counted.js'
import { reasonOf } from '../core/systemError.js'
import type { Folder } from './scan.js'
import { isImageName } from './scan.js'
import { classesIn, classOf } from './topFolders.js'

/** Files of one kind in a folder, with one ending, that are left out. */
export interface Unread {
  /** Posix path relative to the root. */
  readonly folder: string
  /** As in ".heic"; empty for names without one. */
  readonly ending: string
  /** What they look like: "a HEIC", "a camera raw file", "an empty file". */
  readonly what: string
  readonly count: number
}

export interface FoundPictures {
  /** How many of the pictures have the name of one. */
  readonly named: number
  readonly pictures: readonly string[]
  readonly unread: readonly Unread[]
}

/** Endings of what lies beside pictures and is never missed: text, tables, code, and what systems leave behind. */
const BESIDE =
  /(^|\/)(thumbs\.db|desktop\.ini|license|readme|makefile|_success)$|\.(txt|text|json|jsonl|ndjson|csv|tsv|xml|ya?ml|toml|ini|cfg|conf|md|rst|html?|css|js|py|ipynb|sh|log|lock|db|md5|sha\d*|url|lnk)$/i

/** Whether a file lies beside pictures, by its name. */
export function isBeside(file: string): boolean {
  return BESIDE.test(file)
}

/** Raw files of cameras are TIFFs by their first bytes, and what a TIFF reader finds in them is a thumbnail. */
const CAMERA_RAW =
  /\.(dng|nef|nrw|cr2|cr3|crw|arw|srf|sr2|orf|rw2|raw|pef|srw|raf|3fr|iiq|erf|kdc|dcr|mrw|mos|x3f|rwl)$/i

/** Endings of pictures that are not read, whatever is in the file. */
const OTHER_PICTURE_NAME =
  /\.(heic|heif|hif|jxl|jp2|j2k|jpf|jpx|jxr|wdp|hdp|dcm|dicom|psd|psb|tga|exr|hdr|fits|ico|cur|svgz?|eps|qoi|pcx|pam|pfm|x[bp]m|apng|jng|mpo)$/i

/** Files that are looked into at once. */
const AT_ONCE = 32

/**
 * The pictures among `files`, which are sorted. A name that ends like a picture's is believed, its content is checked when it
 * is decoded; a name that ends otherwise is decided by the first bytes of the file, unless it ends like what lies beside pictures.
 */
export async function findPictures(root: string, files: Iterable<string>): Promise<FoundPictures> {
  const pictures: string[] = []
  let [named, isSorted] = [0, true]
  const unread = new Map<string, { -readonly [K in keyof Unread]: Unread[K] }>()
  const limit = pLimit(AT_ONCE)
  let pending: Promise<void>[] = []
  async function decide(file: string): Promise<void> {
    const what = CAMERA_RAW.test(file) ? 'a camera raw file' : await otherThanPicture(path.join(root, file))
    if (what === null) pictures.push(file)
    // Text is a note, unless its name says that a picture was meant: what an unfinished download leaves behind.
    else if (what !== 'text' || OTHER_PICTURE_NAME.test(file)) {
      const [folder, ending] = [path.posix.dirname(file), path.posix.extname(file).toLowerCase()]
      const key = `${folder}/${ending} ${what}`
      const before = unread.get(key)
      if (before === undefined) unread.set(key, { folder, ending, what, count: 1 })
      else before.count++
    }
  }
  for (const file of files) {
    if (isImageName(file)) {
      named++
      pictures.push(file)
    } else if (!isBeside(file)) {
      isSorted = false
      pending.push(limit(decide, file))
    }
    // Bounded: a folder may hold millions.
    if (pending.length >= 4096) {
      await Promise.all(pending)
      pending = []
    }
  }
  await Promise.all(pending)
  const order = [...unread].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, files]) => files)
  return { named, pictures: isSorted ? pictures : pictures.sort(), unread: order }
}

/** What a file is that is no picture which is read; null for a picture. */
async function otherThanPicture(file: string): Promise<string | null> {
  try {
    const head = await readHead(file, file, HEAD_BYTES)
    return sniffFormat(head) === undefined ? describeBytes(head) : null
  } catch (error) {
    return `a file that cannot be read (${reasonOf(error)})`
  }
}

/** So many folders and endings are named in one line. */
const SHOWN = 20

/** "signs: found 14 files that are no picture which is read: 4 in exit (.heic, a HEIC), ..." */
export function describeUnread(place: string, unread: readonly Unread[]): string {
  const total = unread.reduce((sum, { count }) => sum + count, 0)
  const named = unread.slice(0, SHOWN).map(({ folder, ...files }) => `${describeFiles(files)} in ${folder}`)
  const more = unread.length > SHOWN ? [`and in ${unread.length - SHOWN} more places`] : []
  const found = `found ${counted(total, 'file')} that ${total === 1 ? 'is' : 'are'} left out`
  return `${place}: ${found}, expected ${EXPECTED_FORMATS}: ${[...named, ...more].join(', ')}`
}

/** `4 .heic (a HEIC)`. */
function describeFiles({ ending, what, count }: Omit<Unread, 'folder'>): string {
  return `${count} ${ending === '' ? 'without an ending' : ending} (${what})`
}

/** The folder of a class and everything below it, in words; each class of `unread` that has no picture at all. */
export function emptiedClasses(
  found: Pick<FoundPictures, 'pictures' | 'unread'>,
): { readonly name: string; readonly problem: string }[] {
  const used = classesIn(found.pictures)
  const lost = new Map<string, string[]>()
  for (const { folder, ...files } of found.unread) {
    const name = classOf(`${folder}/`)
    if (!used.has(name)) lost.set(name, [...(lost.get(name) ?? []), describeFiles(files)])
  }
  return [...lost].map(([name, files]) => ({
    name,
    problem: `found no picture but ${files.slice(0, 5).join(', ')}, expected ${EXPECTED_FORMATS}`,
  }))
}

/** Folders in the root without any picture below them: empty, or with other files only. */
export function emptyFolders(folder: Folder, pictures: readonly string[]): string[] {
  const used = classesIn(pictures)
  return [...folder.folders].filter((name) => !name.includes('/') && name !== '.' && !used.has(name)).sort()
}

/** A class whose name is a number that is not its index, as where an integer is left out; undefined where there is none. */
export function describeGap(names: readonly string[]): string | undefined {
  if (!names.every((name) => /^\d+$/.test(name))) return undefined
  const index = names.findIndex((name, i) => Number(name) !== i)
  if (index < 0) return undefined
  const missing = names.includes(String(index)) ? '' : `there is no class ${index}: `
  return `class names are numbers, but ${missing}class ${names[index]} has index ${index} (classes.txt), and so on; --classes sets the indices`
}
