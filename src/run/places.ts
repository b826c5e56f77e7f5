/** Which source a file is, found without an entry for each: sources are sorted, as a manifest has them, or else noted by name. */
export function placesOf(sources: readonly { readonly file: string }[]): (file: string) => number | undefined {
  let find: ((file: string) => number | undefined) | undefined
  return (file) => {
    find ??= isSorted(sources) ? (name) => search(sources, name) : noted(sources)
    return find(file)
  }
}

function isSorted(sources: readonly { readonly file: string }[]): boolean {
  for (let i = 1; i < sources.length; i++) if (!(sources[i - 1]!.file < sources[i]!.file)) return false
  return true
}

function search(sources: readonly { readonly file: string }[], name: string): number | undefined {
  let [low, high] = [0, sources.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sources[middle]!.file < name) low = middle + 1
    else high = middle
  }
  return sources[low]?.file === name ? low : undefined
}

function noted(sources: readonly { readonly file: string }[]): (file: string) => number | undefined {
  const places = new Map(sources.map(({ file }, i) => [file, i]))
  return (file) => places.get(file)
}
