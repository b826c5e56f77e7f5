/** All `choices` ** `places` tuples of 0 ... choices - 1, one after the other in the same array. */
export function* tuples(places: number, choices: number): Generator<Uint8Array> {
  const tuple = new Uint8Array(places)
  for (;;) {
    yield tuple
    let place = 0
    while (place < places && ++tuple[place]! === choices) tuple[place++] = 0
    if (place === places) return
  }
}

/** All orders of 0 ... n - 1. */
export function* permutations(n: number): Generator<number[]> {
  if (n === 0) yield []
  else for (const shorter of permutations(n - 1)) for (let at = 0; at < n; at++) yield shorter.toSpliced(at, 0, n - 1)
}
