/** Labels of several classes where one class a picture was expected. */
import { counted } from '../core/counted.js'
import { severalOf, type WrittenLabel } from './labels.js'
import { type Problems, quoted } from './problems.js'

const KEEP = '--multi-label keeps several classes of a picture, for binary cross-entropy'

/** Throws one problem for all rows of zeros and ones with several ones, or none: one a row would say the same each time. */
export function refuseSeveral(
  labels: readonly WrittenLabel[],
  placeOf: (row: number) => string,
  problems: Problems,
): void {
  if (!labels.every((label) => weightsOf(label)?.every((weight) => weight === 1))) return
  const other = [...labels.keys()].filter((row) => weightsOf(labels[row]!)!.length !== 1)
  const [first] = other
  if (first === undefined) return
  const more = other.length > 1 ? `, and ${counted(other.length - 1, 'more row')} like it` : ''
  const found = counted(weightsOf(labels[first]!)!.length, 'class', 'classes')
  problems.add(placeOf(first), `found ${found}${more}, expected one class a row`)
  problems.hint(KEEP)
  problems.throwIfAny()
}

/** The weights other than 0; undefined for a class by its name or index. */
function weightsOf(label: WrittenLabel): Float64Array | undefined {
  if (typeof label !== 'object') return undefined
  return 'names' in label ? label.weights.weights : label.weights
}

/** Notice of a class whose name lists others, as `cat|dog`, and which is taken as a class of its own. */
export function severalNotices(classes: readonly string[]): string[] {
  const known = new Set(classes)
  const found = classes.find((name) => name.includes('|') && severalOf(name).names.some((part) => known.has(part)))
  return found === undefined ? [] : [`${quoted(found)} is taken as a class of its own; ${KEEP}`]
}
