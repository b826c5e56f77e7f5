import type { Sources } from '../dataset/source.js'

/** Which source a file is, found without an entry for each: sources are sorted, as a manifest has them, or else noted by name. */
export function placesOf(sources: Sources<{ readonly file: string }>): (file: string) => number | undefined {
  let find: ((file: string) => number | undefined) | undefined
  return (file) => {
    find ??= isSorted(sources) ? (name) => search(sources, name) : noted(sources)
    return find(file)
  }
}

function isSorted(sources: Sources<{ readonly file: string }>): boolean {
  let before: string | undefined
  for (const { file } of sources) {
    if (before !== undefined && !(before < file)) return false
    before = file
  }
  return true
}

function search(sources: Sources<{ readonly file: string }>, name: string): number | undefined {
  let [low, high] = [0, sources.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sources.at(middle)!.file < name) low = middle + 1
    else high = middle
  }
  return sources.at(low)?.file === name ? low : undefined
}

function noted(sources: Sources<{ readonly file: string }>): (file: string) => number | undefined {
  const places = new Map(Array.from(sources, ({ file }, i) => [file, i]))
  return (file) => places.get(file)
}
