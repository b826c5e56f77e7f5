/** How a CPU's threads are shared out to sessions of one model, each of which takes pictures of its own. */

/** All sessions together hold so many bytes of the model. */
const MODEL_BYTES = 96 * 2 ** 20

/**
 * Sessions for so many threads and a model of so many bytes: one a thread, fewer of large models. A session of one thread loses
 * nothing to waiting: with two sessions of one thread a map costs 5.2 ms of CPU at 32 x 32, with one of two threads 5.9; of
 * `general` at 224 x 224 it is 10.9 and 14.1.
 */
export function sessionsFor(threads: number, bytes: number): number {
  return Math.max(1, Math.min(threads, Math.floor(MODEL_BYTES / bytes)))
}
