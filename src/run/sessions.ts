/** How a CPU's threads are shared out to sessions of one model, each of which takes pictures of its own. */

/** All sessions together take about so much memory. */
const SESSION_BYTES = 256 * 2 ** 20

/** Pictures that a session has at a time, at most. */
export const SESSION_BATCH = 8

/**
 * Sessions for so many threads, of a model of so many bytes that takes `pictureBytes` for each picture: one a thread, fewer of
 * large models. A session of one thread loses nothing to waiting: with two of them a map costs 5.2 ms of CPU at 32 x 32, with
 * one of two threads 5.9.
 */
export function sessionsFor(threads: number, bytes: number, pictureBytes: number): number {
  // Weights may be written as float16 or in 8 bits.
  const each = 4 * bytes + SESSION_BATCH * pictureBytes
  return Math.max(1, Math.min(threads, Math.floor(SESSION_BYTES / each)))
}
