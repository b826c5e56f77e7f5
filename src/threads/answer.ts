import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { AugmentError } from '../core/errors.js'
import type { Answer } from './pool.js'

export { isMainThread, workerData }

interface Answered<Reply> {
  readonly reply: Reply
  /** Buffers that move to the asker instead of being copied. */
  readonly transfer: ArrayBuffer[]
}

type Message<Request> = { readonly id: number; readonly request: Request } | null

/** In a worker thread: answers every request of the pool, in order, until the pool is closed; then calls `release`. */
export function answerRequests<Request, Reply>(
  handle: (request: Request) => Promise<Answered<Reply>> | Answered<Reply>,
  release: () => Promise<void> = async () => {},
): void {
  const port = parentPort!
  let turn: Promise<void> = Promise.resolve()
  port.on('message', (message: Message<Request>) => {
    turn = turn.then(async () => {
      if (message !== null) return answer(message.id, message.request)
      await release()
      port.close()
    })
  })

  async function answer(id: number, request: Request): Promise<void> {
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
  }
}
