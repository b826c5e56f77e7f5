/** What is to be known of the pictures of a manifest, one sentence each. */
import { counted } from '../core/counted.js'
import { quoted } from './problems.js'
import type { Folder } from './scan.js'
import type { Sources } from './source.js'

interface Pictures {
  readonly sources: Sources
}

/** Pictures among the sources that links name more than once. */
export function twiceNotices({ twice }: Folder, { sources }: Pick<Pictures, 'sources'>): string[] {
  if (twice.size === 0) return []
  // Of the names of one picture only those that are used.
  const firsts = new Map<string, string>()
  const files: [file: string, first: string][] = []
  const targets = new Set(twice.values())
  for (const { file } of sources) {
    const target = twice.get(file) ?? (targets.has(file) ? file : undefined)
    if (target === undefined) continue
    const first = firsts.get(target)
    if (first === undefined) firsts.set(target, file)
    else files.push([file, first])
  }
  if (files.length === 0) return []
  const shown = files.slice(0, 5).map(([file, first]) => `${quoted(file)} is also ${quoted(first)}`)
  const more = files.length > 5 ? ', ...' : ''
  return [`links make ${counted(files.length, 'picture')} appear twice: ${shown.join(', ')}${more}`]
}

/** A single class among them. */
export function oneClassNotices({ sources, classes }: Pictures & { readonly classes: readonly string[] }): string[] {
  const label = sources.at(0)?.label
  if (typeof label !== 'number') return []
  for (const source of sources) if (source.label !== label) return []
  return [`all pictures are of one class, ${quoted(classes[label]!)}, so every mix has that label`]
}

/** Files with pictures in them that lie beside class folders. */
export function besideNotices(containers: readonly string[]): string[] {
  const [first] = containers
  const more = containers.length > 1 ? ` and ${counted(containers.length - 1, 'more file')}` : ''
  const verb = containers.length > 1 ? 'hold pictures, too, and are' : 'holds pictures, too, and is'
  return first === undefined ? [] : [`${first}${more} ${verb} not read, as there are class folders`]
}
