/** What onnxruntime (on CPU and CUDA) and V8 say when there is no memory left. */
const EXHAUSTED = /failed to allocate|bad_alloc|out of memory|allocation failed|smaller than requested bytes/i

/** Whether an error says that there is no memory left. */
export function isExhaustion(error: unknown): boolean {
  return error instanceof Error && EXHAUSTED.test(error.message)
}

/**
 * `run` for batches of any size: where memory has no room for one it is halved until it fits, and so are those that follow.
 * Throws what `run` throws for a single item. For results that do not depend on the batch.
 */
export function withinMemory<Item, Result>(
  run: (items: readonly Item[]) => Promise<Result[]>,
): (items: readonly Item[]) => Promise<Result[]> {
  let most = Number.POSITIVE_INFINITY

  async function attempt(items: readonly Item[]): Promise<Result[]> {
    try {
      return await run(items)
    } catch (error) {
      if (items.length === 1 || !isExhaustion(error)) throw error
      most = Math.min(most, Math.ceil(items.length / 2))
      return inParts(items)
    }
  }

  async function inParts(items: readonly Item[]): Promise<Result[]> {
    if (items.length <= most) return attempt(items)
    const first = await attempt(items.slice(0, most))
    return [...first, ...(await inParts(items.slice(first.length)))]
  }

  return inParts
}
