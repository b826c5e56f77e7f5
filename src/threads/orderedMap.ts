/**
 * Maps the integers from `start` to `end - 1` through `work`, at most `window()` of them begun and not yet yielded, and
 * yields the results in order: bounded memory, no lock-step. Stops beginning new work once `signal` is aborted, yields
 * what was begun, then ends. An error of `work` is thrown after everything begun has settled.
 */
export async function* orderedMap<T>(
  start: number,
  end: number,
  window: () => number,
  work: (index: number) => Promise<T>,
  signal?: AbortSignal,
): AsyncGenerator<T> {
  const begun: Promise<T>[] = []
  let next = start
  try {
    for (;;) {
      while (next < end && begun.length < Math.max(1, window()) && !signal?.aborted) {
        const result = work(next++)
        // Its turn to be awaited may come after another's error; it must not count as unhandled until then.
        result.catch(() => undefined)
        begun.push(result)
      }
      const first = begun.shift()
      if (first === undefined) return
      yield await first
    }
  } finally {
    await Promise.allSettled(begun)
  }
}
