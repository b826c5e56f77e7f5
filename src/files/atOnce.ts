/**
 * System calls made at once where that is quick. A call in another thread costs a hop of .1 ms and more, on a disk nearby ten times
 * what the call itself takes; on a slow one it keeps everything else from waiting.
 */

/** Above this mean the calls go to threads. In milliseconds, for all calls that one file takes. */
const QUICK_MS = 0.5

/** A single file counts for so much at most. In milliseconds. */
const MOST_MS = 2

/** So many files later it is tried again. */
const LATER = 200

/** How quick one kind of calls has been of late. */
export class AtOnce {
  #mean = 0
  #skip = 0

  /** What `calls` give; undefined, and nothing done, where such calls have been slow. */
  run<T>(calls: () => T): T | undefined {
    if (this.#skip > 0) {
      this.#skip--
      return undefined
    }
    const began = performance.now()
    try {
      return calls()
    } finally {
      // On a busy machine a call may wait long for its turn, whatever the disk.
      const took = Math.min(performance.now() - began, MOST_MS)
      this.#mean += (took - this.#mean) / 16
      if (this.#mean > QUICK_MS) [this.#mean, this.#skip] = [0, LATER]
    }
  }
}
