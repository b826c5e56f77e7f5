import { shuffle } from '../core/random.js'
import { streamFor } from '../train/streams.js'

/** Which pictures a repetition learns from and which it is judged by, as indices, each rising. */
export interface Split {
  readonly lessons: Int32Array
  readonly exam: Int32Array
}

/**
 * Repetition `index` of repeated stratified hold-outs: the pictures of each class are shuffled and dealt out to 1 / share parts,
 * as evenly as they go; a repetition holds one part out. After all parts have had their turn the pictures are dealt anew, so that
 * every picture is held out equally often.
 */
export function holdOut(classes: Int32Array, share: number, seed: number, index: number): Split {
  const parts = partsOf(share)
  const [deal, part] = [Math.floor(index / parts), index % parts]
  const members = new Map<number, number[]>()
  classes.forEach((k, i) => {
    const own = members.get(k)
    if (own === undefined) members.set(k, [i])
    else own.push(i)
  })
  const isHeld = new Uint8Array(classes.length)
  // Each class goes on dealing where the one before it ended, so that parts differ by one picture at most.
  let next = 0
  for (const [k, own] of [...members].sort(([a], [b]) => a - b)) {
    for (const i of shuffle(streamFor('heldOut', seed, deal * 2 ** 20 + k), own)) {
      if (next % parts === part) isHeld[i] = 1
      next++
    }
  }
  const all = Int32Array.from(classes, (_, i) => i)
  return { lessons: all.filter((i) => isHeld[i] === 0), exam: all.filter((i) => isHeld[i] === 1) }
}

/** How many parts a share makes, at least 2. */
const partsOf = (share: number) => Math.max(2, Math.round(1 / share))
