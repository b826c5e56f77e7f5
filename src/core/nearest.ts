/** The one of `words` that a person most likely meant by `typed`, ignoring case; null if none is near. */
export function nearest(typed: string, words: Iterable<string>): string | null {
  let [best, fewest] = [null as string | null, Math.floor(typed.length / 4) + 1]
  for (const word of words) {
    const edits = editDistance(typed.toLowerCase(), word.toLowerCase())
    if (edits < fewest) [best, fewest] = [word, edits]
  }
  return best
}

/** `, did you mean x?` or nothing. */
export function didYouMean(typed: unknown, words: Iterable<string>): string {
  const word = typeof typed === 'string' ? nearest(typed, words) : null
  return word === null ? '' : `; did you mean ${word}?`
}

/** Insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1))
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwap) next[j] = Math.min(next[j]!, before[j - 2]! + 1)
    }
    ;[before, row] = [row, next]
  }
  return row[b.length]!
}
