import { readFileSync } from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import os from 'node:os'
import { AugmentError } from '../core/errors.js'

interface Owner {
  readonly pid: number
  readonly host: string
  /** Start time of the process in clock ticks since boot, where /proc tells it: pids are reused. */
  readonly started: string | null
}

/**
 * Takes the folder's lock: one writer at a time. The lock of a process of this host that no longer runs is taken over, and
 * said through `notice`. Returns the release. Throws a conflict error when somebody else holds it.
 */
export async function takeLock(file: string, notice: (text: string) => void): Promise<() => Promise<void>> {
  const self: Owner = { pid: process.pid, host: os.hostname(), started: startTime(process.pid) }
  for (;;) {
    try {
      const handle = await open(file, 'wx')
      await handle.writeFile(JSON.stringify(self))
      await handle.close()
      return () => rm(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const owner = parseOwner(await readFile(file, 'utf8').catch(() => ''))
    if (owner !== null && (owner.host !== self.host || runs(owner))) {
      throw new AugmentError('conflict', `${file}: held by process ${owner.pid} on ${owner.host}, expected no writer`, {
        hint: 'wait for it to end; if it no longer runs on that machine, delete the lock file and repeat the command',
      })
    }
    // Renamed away rather than deleted: of two that find a stale lock, only one can move it.
    const moved = `${file}.${process.pid}.stale`
    await rename(file, moved).then(
      () => rm(moved, { force: true }),
      () => undefined,
    )
    notice(
      `${file}: took over the lock of ${owner === null ? 'an interrupted run' : `process ${owner.pid}, which no longer runs`}`,
    )
  }
}

function parseOwner(text: string): Owner | null {
  try {
    return JSON.parse(text) as Owner
  } catch {
    return null
  }
}

function runs(owner: Owner): boolean {
  if (owner.started !== null && startTime(owner.pid) !== owner.started) return false
  try {
    process.kill(owner.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Field 22 of /proc/<pid>/stat, counted after the command name, which may hold spaces. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
