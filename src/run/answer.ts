import { parentPort } from 'node:worker_threads'
import { AugmentError } from '../core/errors.js'
import type { Answer } from './pool.js'

/** In a worker thread: answers every request of the pool through `handle`, which also names the buffers to move. */
export function answerRequests<Request, Reply>(
  handle: (
    request: Request,
  ) => Promise<{ reply: Reply; transfer: ArrayBuffer[] }> | { reply: Reply; transfer: ArrayBuffer[] },
): void {
  const port = parentPort!
  port.on('message', async ({ id, request }: { id: number; request: Request }) => {
    try {
      const { reply, transfer } = await handle(request)
      port.postMessage({ id, reply } satisfies Answer<Reply>, transfer)
    } catch (error) {
      const known = error instanceof AugmentError
      const failure = {
        code: known ? error.code : null,
        message: error instanceof Error ? error.message : String(error),
        hint: known ? error.hint : undefined,
      }
      port.postMessage({ id, failure } satisfies Answer<Reply>)
    }
  })
}
