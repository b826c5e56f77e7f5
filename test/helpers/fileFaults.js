/**
 * Preloaded with `node --import`: calls of node:fs/promises fail as FAULT says, a JSON object `{ call, path, code, after }`:
 * the first `after` calls on paths that match go well, all others fail with `code`. A `write` writes half of its bytes first,
 * as on a full disk; the code `SIGKILL` ends the process instead.
 */
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

const { call, path, code, after } = JSON.parse(process.env.FAULT)
const pattern = new RegExp(path)
let calls = 0

/** The error of the operating system, once it is due for this path. */
function fault(file) {
  if (!pattern.test(file) || calls++ < after) return null
  if (code === 'SIGKILL') process.kill(process.pid, 'SIGKILL')
  return Object.assign(new Error(`${code}: injected, ${call}`), { code, errno: -1, syscall: call })
}

if (['open', 'rename', 'rm', 'truncate'].includes(call)) {
  const real = fs[call]
  fs[call] = async (file, ...more) => {
    const error = fault(file)
    if (error !== null) throw Object.assign(error, { path: file })
    return real(file, ...more)
  }
} else {
  const { open } = fs
  const methods = { write: ['writeFile', 'appendFile'], read: ['readFile'], sync: ['sync', 'datasync'] }[call]
  fs.open = async (file, ...more) => {
    const handle = await open(file, ...more)
    for (const name of methods) {
      const real = handle[name].bind(handle)
      handle[name] = async (...args) => {
        const error = fault(file)
        if (error === null) return real(...args)
        if (call === 'write') await real(args[0].slice(0, args[0].length >> 1))
        throw error
      }
    }
    return handle
  }
}
syncBuiltinESMExports()
