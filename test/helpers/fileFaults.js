/**
 * Faults of the file system: calls of node:fs/promises, and those that are made at once, fail as `{ call, path, code, after }` says. The first `after` calls on
 * paths that match go well, all others fail with `code`. A `write` writes half of its bytes first, as on a full disk; the
 * code `SIGKILL` ends the process instead, and is for a process of its own, in which this file is preloaded with
 * `node --import` and reads the fault as JSON from FAULT.
 */
import now from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/**
 * Makes calls fail from now on; returns what ends that.
 * @param {{ call: string, path: string, code: string, after: number }} fault
 * @returns {() => void}
 */
export function injectFault({ call, path, code, after }) {
  const originals = { ...fs }
  const pattern = new RegExp(path)
  let calls = 0

  /** The error of the operating system, once it is due for this path. */
  function due(file) {
    if (!pattern.test(file) || calls++ < after) return null
    if (code === 'SIGKILL') process.kill(process.pid, 'SIGKILL')
    return Object.assign(new Error(`${code}: injected, ${call}`), { code, errno: -1, syscall: call })
  }

  const mendNow = failNow(call, due)
  if (['open', 'rename', 'rm', 'truncate'].includes(call)) {
    fs[call] = async (file, ...more) => {
      const error = due(file)
      if (error !== null) throw Object.assign(error, { path: file })
      return originals[call](file, ...more)
    }
  } else {
    const methods = { write: ['writeFile', 'appendFile'], read: ['readFile'], sync: ['sync', 'datasync'] }[call]
    fs.open = async (file, ...more) => {
      const handle = await originals.open(file, ...more)
      for (const name of methods) {
        const real = handle[name].bind(handle)
        handle[name] = async (...args) => {
          const error = due(file)
          if (error === null) return real(...args)
          if (call === 'write') await real(args[0].slice(0, args[0].length >> 1))
          throw error
        }
      }
      return handle
    }
  }
  syncBuiltinESMExports()
  return () => {
    Object.assign(fs, originals)
    mendNow()
    syncBuiltinESMExports()
  }
}

/**
 * The same for the calls of node:fs that are made at once; returns what ends that.
 * @param {string} call
 * @param {(file: string) => Error | null} due
 */
function failNow(call, due) {
  const { openSync, renameSync, readSync, writeSync, fsync } = now
  const originals = { openSync, renameSync, readSync, writeSync, fsync }
  const paths = new Map()
  now.openSync = (file, ...more) => {
    const error = call === 'open' ? due(file) : null
    if (error !== null) throw Object.assign(error, { path: file })
    const descriptor = originals.openSync(file, ...more)
    paths.set(descriptor, file)
    return descriptor
  }
  const dueIn = (descriptor) => (paths.has(descriptor) ? due(paths.get(descriptor)) : null)
  if (call === 'rename') {
    now.renameSync = (from, to) => {
      const error = due(from)
      if (error !== null) throw Object.assign(error, { path: from })
      originals.renameSync(from, to)
    }
  }
  if (call === 'read' || call === 'write') {
    now[`${call}Sync`] = (descriptor, bytes, ...more) => {
      const error = dueIn(descriptor)
      if (error === null) return originals[`${call}Sync`](descriptor, bytes, ...more)
      if (call === 'write') originals.writeSync(descriptor, bytes, 0, bytes.length >> 1)
      throw error
    }
  }
  if (call === 'sync') {
    now.fsync = (descriptor, done) => {
      const error = dueIn(descriptor)
      if (error === null) originals.fsync(descriptor, done)
      else done(error)
    }
  }
  return () => Object.assign(now, originals)
}

if (process.env.FAULT !== undefined) injectFault(JSON.parse(process.env.FAULT))
