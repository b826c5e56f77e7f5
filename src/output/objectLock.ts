/**
 * One writer at a time in an object store: an object that is only written where there is none (If-None-Match), and taken over only
 * as it was seen (If-Match). Its owner writes it anew now and then; one that is silent for long is taken for dead.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { AugmentError } from '../core/errors.js'
import { readObject } from '../objects/reading.js'
import { putObject, removeObject } from '../objects/writing.js'
import type { Lock } from './lock.js'
import { describeSelf, nameOf, ownerText, parseOwner, stateOf } from './owner.js'

/** How often an owner shows that it lives, for how long it may be silent, and how often another looks, in milliseconds. */
const PACE = { beat: 15_000, silence: 60_000, look: 3000 }

/**
 * Takes the lock `place`. A stale one is taken over; that, and a wait for a sign of life, is said through `notice`. Throws a conflict
 * error when somebody else holds it. A server that knows no conditions cannot tell two that begin within the same moment.
 */
export async function takeObjectLock(place: string, notice: (text: string) => void, pace = PACE): Promise<Lock> {
  const self = describeSelf()
  const mine = { id: randomUUID(), beats: 0 }
  const text = () => `${ownerText(self, mine.beats)}${mine.id}\n`
  const look = () => readObject(place).then(({ bytes, tag }) => ({ text: bytes.toString('utf8'), tag }), ifGone)
  const isMine = async () => (await look())?.text.includes(mine.id) === true
  for (let told = false; ; ) {
    const before = await look()
    if (before === null) {
      // A server that knows no conditions lets the last one win.
      if ((await putObject(place, text(), { IfNoneMatch: '*' })) && (await isMine())) break
      continue
    }
    const owner = parseOwner(before.text)
    const state = owner === null ? 'unseen' : stateOf(owner, self)
    if (state === 'alive') throw inUse(place, nameOf(owner), pace.silence)
    if (state !== 'dead') {
      if (!told)
        notice(`${place}: in use by ${nameOf(owner)}; waiting up to ${pace.silence / 1000} s for a sign of life`)
      told = true
      await waitForSign(place, before.text, look, nameOf(owner), pace)
    }
    if (!(await putObject(place, text(), { IfMatch: before.tag })) || !(await isMine())) continue
    notice(`${place}: took over the lock of ${nameOf(owner)}, which no longer runs`)
    break
  }
  return hold(place, text, isMine, mine, pace)
}

function ifGone(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
  throw error
}

/** Throws a conflict error where the owner writes its lock anew. */
async function waitForSign(
  place: string,
  before: string,
  look: () => Promise<{ readonly text: string } | null>,
  name: string,
  { silence, look: pause }: typeof PACE,
): Promise<void> {
  for (const began = performance.now(); performance.now() - began < silence; ) {
    await wait(pause)
    const now = await look()
    if (now === null) return
    if (now.text !== before) throw inUse(place, name, silence)
  }
}

function inUse(place: string, name: string, silence: number): AugmentError {
  return new AugmentError('conflict', `${place}: in use by ${name}`, {
    hint: `wait for it to end; if it has died, the lock is free ${silence / 1000} s after its last sign of life`,
  })
}

function hold(
  place: string,
  text: () => string,
  isMine: () => Promise<boolean>,
  mine: { beats: number },
  { beat }: typeof PACE,
): Lock {
  let beating: Promise<unknown> | null = null
  const timer = setInterval(() => {
    beating ??= (async () => {
      mine.beats++
      if (await isMine()) await putObject(place, text())
    })()
      .catch(() => undefined)
      .finally(() => {
        beating = null
      })
  }, beat).unref()
  return {
    async check() {
      if (await isMine()) return
      throw new AugmentError('conflict', `${place}: found the lock of another process, expected our own`, {
        hint: 'this process was silent for too long; repeat the command when the other has ended',
      })
    },
    async release() {
      clearInterval(timer)
      await beating
      if (await isMine().catch(() => false)) await removeObject(place)
    },
  }
}
