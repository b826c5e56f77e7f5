import { randomUUID } from 'node:crypto'
import { closeSync, fsync, openSync, renameSync, writeSync } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { AugmentError } from '../core/errors.js'
import { AtOnce } from '../files/atOnce.js'

/** Tells apart the files that processes write at one time: they may share their last name, and even the process id. */
const WRITER = randomUUID()
let writes = 0

/**
 * Writes `bytes` to `file` so that the final name never holds a partial file: temporary file in `scratch` (same file
 * system), fsync, rename. On failure the temporary file is removed and the error passed on.
 */
export async function writeAtomic(
  file: string,
  bytes: Uint8Array | string | AsyncIterable<Uint8Array>,
  scratch: string,
): Promise<void> {
  const temporary = path.join(scratch, `${path.basename(file)}.${WRITER}.${writes++}`)
  try {
    const isSmall = bytes instanceof Uint8Array && bytes.length <= MOST_BYTES
    const written = isSmall ? writing.run(() => writeNow(temporary, bytes)) : undefined
    if (written === undefined) await writeInThreads(temporary, bytes)
    else await sync(written).finally(() => closeSync(written))
    if (written === undefined) await rename(temporary, file)
    else renameSync(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw placed(error, file)
  }
}

const writing = new AtOnce()

/** Larger files are written by other threads. */
const MOST_BYTES = 2 ** 16

/** To wait for the disk is for another thread in any case. */
const sync = promisify((descriptor: number, done: (error: Error | null) => void) => fsync(descriptor, done))

/** Writes a small file and returns its descriptor. */
function writeNow(file: string, bytes: Uint8Array): number {
  const descriptor = openSync(file, 'w')
  try {
    for (let from = 0; from < bytes.length; ) from += writeSync(descriptor, bytes, from)
    return descriptor
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

async function writeInThreads(file: string, bytes: Uint8Array | string | AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(file, 'w')
  try {
    if (typeof bytes === 'string' || bytes instanceof Uint8Array) await handle.writeFile(bytes)
    else for await (const piece of gathered(bytes)) await handle.writeFile(piece)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Bytes that are written at once. */
const PIECE = 2 ** 18

/** The same bytes in pieces large enough for one write each. */
async function* gathered(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let [some, bytes] = [[] as Uint8Array[], 0]
  for await (const chunk of chunks) {
    some.push(chunk)
    bytes += chunk.length
    if (bytes < PIECE) continue
    yield Buffer.concat(some)
    ;[some, bytes] = [[], 0]
  }
  yield Buffer.concat(some)
}

/** Gives an error of the operating system the path that it lacks when it comes from an open file. */
export function placed(error: unknown, file: string): unknown {
  if (error instanceof Error && 'errno' in error) return Object.assign(error, { path: file })
  return error
}

/** Makes the names in a folder durable; a no-op where folders cannot be synced (Windows). */
export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(folder, 'r')
    await handle.sync()
  } catch (error) {
    if (!['EISDIR', 'EPERM', 'EACCES', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    await handle?.close()
  }
}

/**
 * Makes a folder and those above it. The recursion of `mkdir` itself never ends below /proc, where a folder is there and yet
 * takes none: this throws a failure.
 */
export async function makeFolder(folder: string): Promise<void> {
  const above = path.dirname(folder)
  try {
    await mkdirUnlessThere(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === folder) throw error
    await makeFolder(above)
    await mkdirUnlessThere(folder).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw cause
      const message = `${folder}: cannot be made, expected a file system that takes folders`
      throw new AugmentError('failed', message, { hint: 'choose another folder', cause })
    })
  }
}

async function mkdirUnlessThere(folder: string): Promise<void> {
  await mkdir(folder).catch(async (error: unknown) => {
    if (!(await stat(folder).catch(() => null))?.isDirectory()) throw error
  })
}

/** Makes folders of a run, each once. Throws a conflict error where a link stands for one. */
export function folderMaker(): (folder: string) => Promise<void> {
  const made = new Map<string, Promise<unknown>>()
  const make = async (folder: string) => {
    await makeFolder(folder)
    if (!(await lstat(folder)).isSymbolicLink()) return
    throw new AugmentError('conflict', `${folder}: found a link, expected a folder of the run`, {
      hint: 'put the folder itself there, or choose another --out',
    })
  }
  return async (folder) => {
    if (!made.has(folder)) made.set(folder, make(folder))
    await made.get(folder)
  }
}
