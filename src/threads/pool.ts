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

interface Waiting<Request, Reply> extends Pending<Reply> {
  readonly request: Request
  readonly transfer: ArrayBuffer[]
}

interface Thread<Reply> {
  readonly worker: Worker
  readonly open: Map<number, Pending<Reply>>
  readonly ended: Promise<unknown>
  /** Whether it has answered once. */
  settled: boolean
  /** When it last answered, or got something to do, in milliseconds; at first, when it will surely have started. */
  since: number
}

/** What is answered within so many milliseconds is sent ahead: a thread then has the next request while it works on one. */
const SHORT_MS = 50

/** To start another thread costs about as much: the others must need longer for what waits. In milliseconds. */
const START_MS = 100

/**
 * Where no more is asked at a time than a few threads can hold, what waits does not tell how much there is to do: then another
 * starts once all have been busy, with more than one request for each, for so long without a break. In milliseconds.
 */
const BUSY_MS = 300

/** So long a start takes on a busy machine. */
const SLOW_START_MS = 1000

/**
 * Up to `size` worker threads of one script that answer requests. The first starts at once, each other one when the work needs
 * it: when those that run would need longer for all that waits than it takes to start one, or have long had no break.
 */
export class Pool<Request, Reply> {
  private readonly threads: Thread<Reply>[] = []
  private readonly waiting: Waiting<Request, Reply>[] = []
  private nextId = 0
  private closed: Error | undefined
  /** Mean time that an answer takes, in milliseconds, the last ones counting most; 0 before the first. */
  private pace = 0
  /** Since when there has always been more than one request for each thread. */
  private busySince = performance.now()
  private timer: NodeJS.Timeout | undefined

  /** `transfer` moves buffers of the data instead of copying them, to a pool of one thread. */
  constructor(
    private readonly script: URL,
    private size: number,
    private workerData: unknown,
    transfer: ArrayBuffer[] = [],
  ) {
    this.start(transfer)
  }

  /** Lets the pool have more threads, which get other data. */
  grow(size: number, workerData: unknown): void {
    this.size = size
    this.workerData = workerData
  }

  /** Sends a request and waits for its answer; `transfer` moves buffers instead of copying them. */
  call(request: Request, transfer: ArrayBuffer[] = []): Promise<Reply> {
    if (this.closed !== undefined) return Promise.reject(this.closed)
    return new Promise((resolve, reject) => {
      if (this.asked() <= this.threads.length) this.busySince = performance.now()
      this.waiting.push({ request, transfer, resolve, reject })
      this.send()
    })
  }

  /** Refuses what no thread has got yet. */
  withdraw(): void {
    for (const { reject } of this.waiting.splice(0)) reject(new Error('withdrawn'))
  }

  /**
   * Lets the threads answer what they have and end by themselves: tearing one down while native code runs in it would take
   * the process along.
   */
  async close(): Promise<void> {
    this.closed ??= new Error('the pool is closed')
    clearTimeout(this.timer)
    while (this.waiting.length > 0) this.post(this.freest())
    for (const { worker } of this.threads) worker.postMessage(null)
    await Promise.all(this.threads.map(({ ended }) => ended))
  }

  private start(transfer: ArrayBuffer[] = []): void {
    const worker = new Worker(this.script, { workerData: this.workerData, transferList: transfer })
    const ended = new Promise<void>((resolve) => {
      worker.on('exit', (code) => {
        this.fail(new Error(`exit code ${code}`))
        resolve()
      })
    })
    const since = performance.now() + SLOW_START_MS
    const thread: Thread<Reply> = { worker, open: new Map(), ended, settled: false, since }
    worker.on('message', (answer: Answer<Reply>) => this.take(answer, thread))
    worker.on('error', (error) => this.fail(error))
    this.threads.push(thread)
    if (this.threads.length === this.size) this.workerData = null
  }

  /** How many requests have no answer yet. */
  private asked(): number {
    return this.threads.reduce((sum, { open }) => sum + open.size, this.waiting.length)
  }

  private freest(): Thread<Reply> {
    return this.threads.reduce((least, other) => (other.open.size < least.open.size ? other : least))
  }

  /** Gives a thread the request that has waited longest. */
  private post(thread: Thread<Reply>): void {
    const { request, transfer, ...pending } = this.waiting.shift()!
    if (thread.open.size === 0 && thread.settled) thread.since = performance.now()
    const id = this.nextId++
    thread.open.set(id, pending)
    thread.worker.postMessage({ id, request }, transfer)
  }

  private send(): void {
    // A long one might wait behind another for as long as that takes.
    const depth = this.pace > 0 && this.pace < SHORT_MS ? 2 : 1
    for (let thread = this.freest(); this.waiting.length > 0 && thread.open.size < depth; thread = this.freest())
      this.post(thread)
    if (this.threads.length === this.size || this.asked() <= this.threads.length) return
    if (this.needsThread()) {
      this.start()
      this.busySince = performance.now()
      this.send()
      return
    }
    // Nothing is heard of threads that take long.
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.send(), START_MS)
    this.timer.unref()
  }

  private needsThread(): boolean {
    const now = performance.now()
    const starting = this.threads.filter(({ settled, since }) => !settled && now < since).length
    // At most twice as many at a time: it is not known yet what those that start will do.
    if (2 * starting >= this.threads.length) return false
    if (now - this.busySince > BUSY_MS) return true
    const longest = this.threads.reduce((most, { since }) => Math.max(most, now - since), 0)
    const pace = longest > START_MS ? Math.max(longest, this.pace) : this.pace
    return (this.waiting.length * pace) / this.threads.length > START_MS
  }

  private take(answer: Answer<Reply>, thread: Thread<Reply>): void {
    const now = performance.now()
    if (thread.settled) this.pace += (now - thread.since - this.pace) / (this.pace === 0 ? 1 : 8)
    thread.settled = true
    thread.since = now
    const pending = thread.open.get(answer.id)
    thread.open.delete(answer.id)
    if ('reply' in answer) pending?.resolve(answer.reply)
    else pending?.reject(revive(answer.failure))
    if (this.closed === undefined) this.send()
  }

  /** A thread has ended: after close as it should, else everything open fails. */
  private fail(cause: Error): void {
    this.closed ??= new AugmentError('failed', `worker thread: stopped unexpectedly (${cause.message})`, {
      hint: 'repeat the command to go on; if it happens again, try a smaller --batch or fewer --jobs',
      cause,
    })
    clearTimeout(this.timer)
    for (const { reject } of this.waiting.splice(0)) reject(this.closed)
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
