import type { Label } from '../core/softLabel.js'
import type { FileId, FileNames } from './fileNames.js'
import type { Classes } from './labels.js'
import { type Problems, quoted } from './problems.js'
import { type Folder, isImageName } from './scan.js'
import { ListedSources, type Sources } from './source.js'
import type { Table } from './table.js'

/** The pictures of a table's rows, sorted, and how many others the scan lists; what is wrong with a row goes to the problems. */
export async function locateRows(
  { rows, placeOf }: Table,
  folder: Folder,
  classes: Classes,
  { problems, several }: { readonly problems: Problems; readonly several: boolean },
): Promise<{ readonly sources: Sources; readonly ignored: number }> {
  const found: Found = { files: [], labels: [], positions: [] }
  let position = 0
  const fail = (problem: string) => problems.add(placeOf(position), problem)
  for (let row = 0; row < rows.files.length; row++) {
    const [name, written] = [rows.files[row]!, rows.labels[row]!]
    position = rows.positions[row]!
    const label = several ? classes.readSeveral(written, fail) : classes.read(written, fail)
    const file = typeof name === 'number' ? name : await fileOf(name, folder, fail, problems)
    if (file === undefined) continue
    found.files.push(file)
    found.labels.push(label ?? 0)
    found.positions.push(position)
  }
  const { files, labels } = inOrder(found, folder.files, placeOf, problems)
  problems.throwIfAny()
  return { sources: new ListedSources(folder.files, files, labels), ignored: picturesBut(files, folder.files) }
}

/** How many pictures are not among the files. */
function picturesBut(files: readonly FileId[], names: FileNames): number {
  const isUsed = new Uint8Array(names.size)
  for (const file of files) if (typeof file === 'number') isUsed[file] = 1
  let count = 0
  for (let place = 0; place < names.size; place++) if (isUsed[place] === 0 && isImageName(names.nameOf(place))) count++
  return count
}

/** The file that a name means; undefined where it goes to the problems. */
async function fileOf(
  name: string,
  folder: Folder,
  fail: (problem: string) => void,
  problems: Problems,
): Promise<FileId | undefined> {
  const located = await folder.locate(name)
  if ('problem' in located) {
    fail(located.problem)
    if (located.hint !== undefined) problems.hint(located.hint)
    return undefined
  }
  return located.listed ? folder.files.placeOf(located.file) : located.file
}

interface Found {
  readonly files: FileId[]
  readonly labels: Label[]
  readonly positions: number[]
}

/** What was found, sorted by file; a file that is there twice goes to the problems. */
function inOrder(found: Found, names: FileNames, placeOf: Table['placeOf'], problems: Problems): Found {
  const { files, labels, positions } = found
  if (isRising(files)) return found
  const compare = (i: number, j: number) => order(files[i]!, files[j]!, names)
  // Of two rows for one file the later one comes second.
  const sorted = [...files.keys()].sort((i, j) => compare(i, j) || i - j)
  for (let k = 1; k < sorted.length; k++) {
    const [first, second] = [sorted[k - 1]!, sorted[k]!]
    if (compare(first, second) !== 0) continue
    const file = quoted(names.nameOf(files[first]!))
    problems.add(placeOf(positions[second]!), `file ${file} is already at ${placeOf(positions[first]!)}`)
  }
  return {
    files: sorted.map((i) => files[i]!),
    labels: sorted.map((i) => labels[i]!),
    positions: sorted.map((i) => positions[i]!),
  }
}

/** Whether all files are listed ones in the order of their names, none of which is there twice. */
function isRising(files: readonly FileId[]): boolean {
  for (let i = 0; i < files.length; i++)
    if (typeof files[i] !== 'number' || (i > 0 && !(files[i - 1]! < files[i]!))) return false
  return true
}

/** Order of the names of two files, the listed ones of which are sorted. */
function order(a: FileId, b: FileId, names: FileNames): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [left, right] = [names.nameOf(a), names.nameOf(b)]
  return left < right ? -1 : left > right ? 1 : 0
}
