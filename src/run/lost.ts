/** Classes that a run was to show and does not. */
import path from 'node:path'
import { counted } from '../core/counted.js'
import type { Label } from '../core/softLabel.js'
import { quoted } from '../dataset/problems.js'
import { FAILURES, PROVENANCE } from '../output/layout.js'
import { readLines } from '../output/lines.js'
import { rowOn } from '../output/read.js'
import { failureRow, provenanceRow } from '../output/rows.js'
import type { Inputs } from './inputs.js'
import { placesOf } from './places.js'

/** Notice of the classes that failed outputs were of and that no output is of; null where there are none. */
export async function describeLost(
  folder: string,
  inputs: Pick<Inputs, 'sources' | 'classes'>,
): Promise<string | null> {
  const placeOf = placesOf(inputs.sources)
  const classesAt = (file: string) => {
    const place = placeOf(file)
    return classesOf(place === undefined ? undefined : inputs.sources.at(place)?.label)
  }
  const lost = new Set<number>()
  const failures = path.join(folder, FAILURES)
  for await (const line of readLines(failures)) {
    for (const file of rowOn(failureRow, line, failures).sources) for (const k of classesAt(file)) lost.add(k)
  }
  const provenance = path.join(folder, PROVENANCE)
  for await (const line of readLines(provenance)) {
    for (const { file } of rowOn(provenanceRow, line, provenance).sources) {
      for (const k of classesAt(file)) lost.delete(k)
    }
    // Usually true after a few rows.
    if (lost.size === 0) return null
  }
  if (lost.size === 0) return null
  const names = [...lost].sort((a, b) => a - b).map((k) => quoted(inputs.classes[k]!))
  const shown = [...names.slice(0, 5), ...(names.length > 5 ? ['...'] : [])].join(', ')
  const are = lost.size === 1 ? 'is' : 'are'
  return `${counted(lost.size, 'class', 'classes')} ${are} in no output, as pictures could not be used: ${shown} (${FAILURES})`
}

function classesOf(label: Label | undefined): Iterable<number> {
  if (label === undefined) return []
  return typeof label === 'number' ? [label] : label.classes
}
