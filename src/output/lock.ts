/**
 * One writer at a time. A lock is a folder with one file in it, its owner's, with a name that is never used twice.
 *
 * - It is taken by renaming a folder that is already complete: this fails while there is a lock with a file in it.
 * - It ends when that one file is deleted, by its owner or by who finds it stale. Nobody can delete a newer lock by mistake, as
 *   he could if all locks had one name: between his look and his deletion another may have taken the stale one over.
 *
 * An owner in the same space of process ids is looked up there. Of any other (another machine, another container) only its
 * file can be seen, which it writes anew every few seconds: an owner that is silent for long is taken for dead. A process that
 * was only asleep finds out by `check` before it writes again.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { AugmentError } from '../core/errors.js'
import { describeSelf, nameOf, type Owner, ownerText, parseOwner, stateOf } from './owner.js'

export interface Lock {
  /** Throws a conflict error if another has taken the lock over. */
  check(): Promise<void>
  release(): Promise<void>
}

/** How often an owner shows that it lives, and for how long it may be silent, in milliseconds. */
const PACE = { beat: 5000, silence: 60_000 }

/** A lock that was found: its file, what stands in it, and when that was written by the clock of the file system. */
interface Found {
  readonly file: string
  readonly text: string
  readonly owner: Owner | null
  readonly written: number
}

/** So long a look at the lock counts: nobody takes it over within a thousand times of it. */
const FRESH_MS = 50

/** Attempts that find neither a lock nor a way to take it. */
const ATTEMPTS = 100

/**
 * Takes the lock `place`, whose folder is there. A stale one is taken over; that, and a wait for a sign of life, is said
 * through `notice`. Throws a conflict error when somebody else holds it.
 */
export async function takeLock(place: string, notice: (text: string) => void, pace = PACE): Promise<Lock> {
  const self = describeSelf()
  let candidate = await prepare(place, self)
  try {
    for (let attempts = 0; ; ) {
      if (await install(candidate, place)) break
      const found = await look(place)
      if (found === null) {
        // Another's folder is in the way for a moment, or it swept ours away.
        if (++attempts === ATTEMPTS) await rename(candidate.folder, place)
        await wait(Math.random() * 10)
        if (!(await exists(candidate.file))) candidate = await prepare(place, self)
        continue
      }
      if (!(await isStale(found, place, candidate, self, notice, pace))) continue
      if ((await unlink(found.file).catch(ifGone)) === null) continue
      notice(`${place}: took over the lock of ${nameOf(found.owner)}, which no longer runs`)
    }
  } catch (error) {
    await rm(candidate.folder, { recursive: true, force: true })
    // Where the last look at it failed, it may be ours already.
    await free(path.join(place, candidate.id), place).catch(() => undefined)
    throw error
  }
  await sweep(place, self, pace)
  return hold(path.join(place, candidate.id), place, pace)
}

/** A lock that has not got its name yet. */
interface Candidate {
  readonly id: string
  readonly folder: string
  readonly file: string
}

async function prepare(place: string, self: Owner): Promise<Candidate> {
  const id = randomUUID()
  const folder = `${place}.${id}`
  const candidate = { id, folder, file: path.join(folder, id) }
  await show(candidate, self)
  return candidate
}

/** Writes the owner into its candidate, which another may have swept away while there was nothing in it. */
async function show({ folder, file }: Candidate, self: Owner): Promise<void> {
  for (let attempts = 1; ; attempts++) {
    await mkdir(folder, { recursive: true })
    const error = await writeFile(file, ownerText(self, 0)).then(
      () => null,
      (error: NodeJS.ErrnoException) => error,
    )
    if (error === null) return
    if (error.code !== 'ENOENT' || attempts === ATTEMPTS) throw error
  }
}

/** Whether the lock is ours now: no error tells it for sure, since over a network an answer may be lost. */
async function install({ folder, id }: Candidate, place: string): Promise<boolean> {
  for (const _ of [1, 2]) {
    const error = await rename(folder, place).then(
      () => null,
      (error: NodeJS.ErrnoException) => error,
    )
    if (await exists(path.join(place, id))) return true
    if (error !== null && !['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES', 'ENOTDIR', 'ENOENT'].includes(error.code ?? '')) {
      throw error
    }
    // Windows renames onto no folder, not even an empty one. One with a file in it stays.
    if (
      !(await rmdir(place).then(
        () => true,
        () => false,
      ))
    )
      return false
  }
  return false
}

async function look(place: string): Promise<Found | null> {
  try {
    // NFS keeps a deleted file as .nfs... until the last reader has closed it.
    const name = (await readdir(place)).find((entry) => !entry.startsWith('.'))
    return name === undefined ? null : await read(path.join(place, name))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // And Windows keeps it as one that nobody may open.
    if (process.platform === 'win32' && ['EPERM', 'EBUSY', 'EACCES'].includes(code ?? '')) return null
    // A file of this name is the lock of version 0.1.
    if (code === 'ENOTDIR') return read(place).catch(ifGone)
    return ifGone(error)
  }
}

function ifGone(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
  throw error
}

async function read(file: string): Promise<Found> {
  // Opened, not only asked for: a network file system looks at the server again only then.
  const text = await readFile(file, 'utf8')
  return { file, text, owner: parseOwner(text), written: (await stat(file)).mtimeMs }
}

/** Throws a conflict error if the owner lives; false if its lock, or our candidate, is no longer there. */
async function isStale(
  found: Found,
  place: string,
  candidate: Candidate,
  self: Owner,
  notice: (text: string) => void,
  { silence }: typeof PACE,
): Promise<boolean> {
  const { owner } = found
  const state = owner === null ? 'unseen' : stateOf(owner, self)
  if (state === 'dead') return true
  if (state === 'alive') throw inUse(place, owner, silence)
  const began = performance.now()
  let told = false
  for (let now = found; ; ) {
    if (now.text !== found.text) throw inUse(place, owner, silence)
    // The file system's own clock, which may not be this machine's.
    await show(candidate, self)
    const clock = await stat(candidate.file).catch(ifGone)
    if (clock === null) return false
    const age = clock.mtimeMs - now.written
    if (Math.max(age, performance.now() - began) > silence) return true
    if (state === 'listed') throw inUse(place, owner, silence)
    const most = Math.ceil((silence - Math.max(0, age)) / 1000)
    if (!told)
      notice(
        `${place}: in use by ${nameOf(owner)}, which cannot be seen from here; waiting up to ${most} s for a sign of life`,
      )
    told = true
    await wait(Math.min(500, silence / 20))
    const next = await look(place)
    if (next?.file !== found.file) return false
    now = next
  }
}

function inUse(place: string, owner: Owner | null, silence: number): AugmentError {
  return new AugmentError('conflict', `${place}: in use by ${nameOf(owner)}`, {
    hint: `wait for it to end; if it has died, the lock is free ${silence / 1000} s after its last sign of life`,
  })
}

function hold(file: string, place: string, { beat }: typeof PACE): Lock {
  let [beats, beating] = [0, null as Promise<void> | null]
  const timer = setInterval(() => {
    beating ??= beatOnce(file, ++beats)
      .catch(() => undefined)
      .finally(() => {
        beating = null
      })
  }, beat).unref()
  /** When the lock was last known to be ours. */
  let known = 0
  /** The look at it that is under way, which serves all who ask meanwhile. */
  let looking: Promise<boolean> | null = null
  async function isThere(): Promise<boolean> {
    const began = Date.now()
    const found = await exists(file)
    if (found) known = began
    return found
  }
  return {
    async check() {
      const now = Date.now()
      if (now - known < FRESH_MS && now >= known) return
      looking ??= isThere().finally(() => {
        looking = null
      })
      if (await looking) return
      throw new AugmentError('conflict', `${place}: found the lock of another process, expected our own`, {
        hint: 'this process was silent for too long; repeat the command when the other has ended',
      })
    },
    async release() {
      clearInterval(timer)
      await beating
      await free(file, place)
    },
  }
}

async function free(file: string, place: string): Promise<void> {
  await unlink(file).catch(ifGone)
  await rmdir(place).catch(() => undefined)
}

/** Writes the lock of an owner anew, but never makes one. */
async function beatOnce(file: string, beats: number): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    const text = await handle.readFile('utf8')
    await handle.write(`${beats}\n`, text.indexOf('\n') + 1)
  } finally {
    await handle.close()
  }
}

/** Opens it: a network file system remembers for a while what is there. */
async function exists(file: string): Promise<boolean> {
  try {
    await (await open(file, 'r')).close()
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw error
  }
}

/** Removes what processes that died on the way to their lock have left. */
async function sweep(place: string, self: Owner, { silence }: typeof PACE): Promise<void> {
  const { mtimeMs: now } = await stat(place)
  const [home, start] = [path.dirname(place), `${path.basename(place)}.`]
  for (const name of await readdir(home)) {
    if (!name.startsWith(start) || name.length !== start.length + ID_LENGTH) continue
    const folder = path.join(home, name)
    const file = path.join(folder, name.slice(start.length))
    // Whoever waits with it writes it again and again.
    const { mtimeMs: written } = await stat(file).catch(() => stat(folder).catch(() => ({ mtimeMs: now })))
    const owner = parseOwner(await readFile(file, 'utf8').catch(() => ''))
    // Who lives and has written nothing yet, or is about to write anew, does so again.
    const dead = owner === null || stateOf(owner, self) === 'dead'
    if (!dead && now - written <= silence) continue
    // Its process may live and write into it while it goes.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined)
  }
}

/** Of a UUID. */
const ID_LENGTH = 36
