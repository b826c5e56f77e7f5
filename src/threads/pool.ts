import { Worker } from 'node:worker_threads'
import { AugmentError, type ErrorCode } from '../core/errors.js'

/** What a worker thread answers to request `id`. */
export type Answer<Reply> =
  | { readonly id: number; readonly reply: Reply }
  | { readonly id: number; readonly failure: { code: ErrorCode | null; message: string; hint: string | undefined } }

interface Pending<Reply> {
  resolve(reply: Reply): void
  reject(error: Error): void
}

interface Thread<Reply> {
  readonly worker: Worker
  readonly open: Map<number, Pending<Reply>>
  readonly ended: Promise<unknown>
}

/** Worker threads of one script that answer requests, each request going to the thread with the fewest open ones. */
export class Pool<Request, Reply> {
  private readonly threads: Thread<Reply>[] = []
  private nextId = 0
  private closed: Error | undefined

  /** `transfer` moves buffers of the data instead of copying them, to a pool of one thread. */
  constructor(script: URL, size: number, workerData: unknown, transfer: ArrayBuffer[] = []) {
    for (let i = 0; i < size; i++) {
      const worker = new Worker(script, { workerData, transferList: transfer })
      const open = new Map<number, Pending<Reply>>()
      worker.on('message', (answer: Answer<Reply>) => {
        const pending = open.get(answer.id)
        open.delete(answer.id)
        if ('reply' in answer) pending?.resolve(answer.reply)
        else pending?.reject(revive(answer.failure))
      })
      worker.on('error', (error) => this.fail(error))
      const ended = new Promise<void>((resolve) => {
        worker.on('exit', (code) => {
          this.fail(new Error(`exit code ${code}`))
          resolve()
        })
      })
      this.threads.push({ worker, open, ended })
    }
  }

  /** Sends a request and waits for its answer; `transfer` moves buffers instead of copying them. */
  call(request: Request, transfer: ArrayBuffer[] = []): Promise<Reply> {
    if (this.closed !== undefined) return Promise.reject(this.closed)
    const thread = this.threads.reduce((least, other) => (other.open.size < least.open.size ? other : least))
    const id = this.nextId++
    return new Promise((resolve, reject) => {
      thread.open.set(id, { resolve, reject })
      thread.worker.postMessage({ id, request }, transfer)
    })
  }

  /**
   * Lets the threads answer what they have and end by themselves: tearing one down while native code runs in it would take
   * the process along.
   */
  async close(): Promise<void> {
    this.closed ??= new Error('the pool is closed')
    for (const { worker } of this.threads) worker.postMessage(null)
    await Promise.all(this.threads.map(({ ended }) => ended))
  }

  /** A thread has ended: after close as it should, else everything open fails. */
  private fail(cause: Error): void {
    this.closed ??= new AugmentError('failed', `worker thread: stopped unexpectedly (${cause.message})`, {
      hint: 'repeat the command to go on; if it happens again, try a smaller --batch or fewer --jobs',
      cause,
    })
    for (const { open } of this.threads) {
      for (const pending of open.values()) pending.reject(this.closed)
      open.clear()
    }
  }
}

function revive({ code, message, hint }: { code: ErrorCode | null; message: string; hint: string | undefined }): Error {
  if (code === null) return new Error(message)
  return new AugmentError(code, message, hint === undefined ? {} : { hint })
}
