import { expect, test } from 'vitest'
import { Pool } from '../../src/threads/pool.js'

/** A thread that answers every request after so many milliseconds of it with its own number. */
const SCRIPT = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, threadId } from 'node:worker_threads'
    const clock = new Int32Array(new SharedArrayBuffer(4))
    parentPort.on('message', (message) => {
      if (message === null) return parentPort.close()
      Atomics.wait(clock, 0, 0, message.request)
      parentPort.postMessage({ id: message.id, reply: { threadId, request: message.request } })
    })`)}`,
)

async function threadsFor(requests: readonly number[], size: number): Promise<number> {
  const pool = new Pool<number, { threadId: number; request: number }>(SCRIPT, size, null)
  const replies = await Promise.all(requests.map((request) => pool.call(request)))
  await pool.close()
  expect(replies.map(({ request }) => request)).toEqual(requests)
  return new Set(replies.map(({ threadId }) => threadId)).size
}

test('work that is soon done gets no more threads than it needs, however many there may be', async () => {
  // One, but for a machine so busy that a message takes longer than the work.
  expect(await threadsFor(Array(20).fill(0), 48)).toBeLessThan(5)
})

test('work that takes long gets more threads, never more than there may be', async () => {
  const threads = await threadsFor(Array(24).fill(120), 3)
  expect(threads).toBe(3)
})

/** Threads that answered while never more than `most` of so many requests of `ms` milliseconds were asked at a time. */
async function threadsAsked(most: number, size: number, requests: number, ms: number): Promise<number> {
  const pool = new Pool<number, { threadId: number }>(SCRIPT, size, null)
  const threads = new Set<number>()
  let left = requests
  async function ask(): Promise<void> {
    while (left-- > 0) threads.add((await pool.call(ms)).threadId)
  }
  await Promise.all(Array.from({ length: most }, ask))
  await pool.close()
  return threads.size
}

test('threads that never have a break get help, though little waits at a time', async () => {
  expect(await threadsAsked(3, 2, 200, 20)).toBe(2)
  // As many as there may be, not half of them with two requests each.
  expect(await threadsAsked(7, 6, 700, 20)).toBe(6)
})

test('a thread with one request at a time gets no help', async () => {
  expect(await threadsAsked(1, 3, 100, 10)).toBe(1)
})

test('two requests that take very long do not wait for each other', async () => {
  expect(await threadsFor([2000, 2000], 2)).toBe(2)
})

test('a pool that is closed answers what it has been asked, and nothing after', async () => {
  const pool = new Pool<number, { request: number }>(SCRIPT, 1, null)
  const replies = Promise.all([1, 2, 3, 4, 5].map((request) => pool.call(request)))
  await pool.close()
  expect((await replies).map(({ request }) => request)).toEqual([1, 2, 3, 4, 5])
  await expect(pool.call(6)).rejects.toThrow('the pool is closed')
})

test('a thread that ends fails all that is open, and what waits', async () => {
  const broken = new URL(`data:text/javascript,${encodeURIComponent('process.exit(7)')}`)
  const pool = new Pool<number, unknown>(broken, 2, null)
  const results = await Promise.allSettled([1, 2, 3, 4].map((request) => pool.call(request)))
  for (const result of results) {
    expect(result).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('exit code 7') } })
  }
  await pool.close()
})

test('what waits can be withdrawn; what a thread works on is answered', async () => {
  const pool = new Pool<number, { request: number }>(SCRIPT, 1, null)
  const first = pool.call(300)
  const others = [pool.call(1), pool.call(2)]
  pool.withdraw()
  for (const { status } of await Promise.allSettled(others)) expect(status).toBe('rejected')
  expect((await first).request).toBe(300)
  await pool.close()
})
