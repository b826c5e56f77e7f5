/**
 * A process that takes and releases locks as its parent tells it: `{ place, at, pace? }` takes one when the clock shows `at`,
 * so that several try in the same millisecond, and answers whether it has it; `{ release: true }` gives it up.
 */
import { takeLock } from '../../dist/output/lock.js'

let lock
process.on('message', async ({ place, at = 0, pace, release }) => {
  if (release) {
    await lock?.release()
    lock = undefined
    return process.send({ taken: false })
  }
  while (Date.now() < at);
  try {
    lock = await takeLock(place, () => {}, pace)
    process.send({ taken: true })
  } catch ({ code, message }) {
    process.send({ taken: false, code, message })
  }
})
