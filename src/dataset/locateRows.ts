import type { Classes } from './labels.js'
import { type Problems, quoted } from './problems.js'
import { type Folder, isImageName } from './scan.js'
import { byFile, type Source } from './source.js'
import type { Table } from './table.js'

/** The pictures of a table's rows, sorted, and how many of them the scan lists; what is wrong with a row goes to the problems. */
export async function locateRows(
  table: Table,
  folder: Folder,
  classes: Classes,
  { problems, several }: { readonly problems: Problems; readonly several: boolean },
): Promise<{ readonly sources: Source[]; readonly named: number }> {
  const found: Source[] = []
  const positions: number[] = []
  let named = 0
  for (const { position, file: name, label: written } of table.rows) {
    const fail = (problem: string) => problems.add(table.placeOf(position), problem)
    const label = several ? classes.readSeveral(written, fail) : classes.read(written, fail)
    const located = folder.files.has(name) ? { file: name, listed: true } : await folder.locate(name)
    if ('problem' in located) {
      fail(located.problem)
      if (located.hint !== undefined) problems.hint(located.hint)
      continue
    }
    found.push({ file: located.file, label: label ?? 0 })
    positions.push(position)
    if (located.listed && isImageName(located.file)) named++
  }
  const sources = isSorted(found) ? found : inOrder(found, (i) => table.placeOf(positions[i]!), problems)
  problems.throwIfAny()
  return { sources, named }
}

/** Whether all are in order of their files, none of which is there twice. */
function isSorted(sources: readonly Source[]): boolean {
  for (let i = 1; i < sources.length; i++) if (!(sources[i - 1]!.file < sources[i]!.file)) return false
  return true
}

/** Sources sorted; a file that is there twice goes to the problems, `placeOf` saying where each stands. */
function inOrder(sources: readonly Source[], placeOf: (i: number) => string, problems: Problems): Source[] {
  // Of two rows for one file the later one comes second.
  const order = Array.from(sources.keys()).sort((i, j) => byFile(sources[i]!, sources[j]!) || i - j)
  for (let place = 1; place < order.length; place++) {
    const [first, second] = [order[place - 1]!, order[place]!]
    const { file } = sources[second]!
    if (sources[first]!.file === file)
      problems.add(placeOf(second), `file ${quoted(file)} is already at ${placeOf(first)}`)
  }
  return order.map((i) => sources[i]!)
}
