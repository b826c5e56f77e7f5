interface Waiting<Item, Result> {
  readonly item: Item
  resolve(result: Result): void
  reject(error: unknown): void
}

/**
 * Gathers single requests into batches for `run`. A batch goes out when it is full or when nothing else is running, and `most`
 * may run at a time: two for one thread, so that one is ready when the other ends. Results do not depend on the batch an item
 * is in.
 */
export function batcher<Item, Result>(
  size: number,
  run: (items: Item[]) => Promise<Result[]>,
  most = 2,
): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = []
  let running = 0

  async function send(): Promise<void> {
    const batch = waiting.splice(0, size)
    running++
    try {
      const results = await run(batch.map(({ item }) => item))
      batch.forEach(({ resolve }, i) => {
        resolve(results[i]!)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    running--
    flush()
  }

  function flush(): void {
    while (waiting.length > 0 && (running === 0 || (running < most && waiting.length >= size))) void send()
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      // Requests of the same turn go together.
      setImmediate(flush)
    })
}
