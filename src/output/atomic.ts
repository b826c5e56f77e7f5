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
  const temporary = temporaryName(file, scratch)
  try {
    const descriptor = writeQuickly(temporary, bytes)
    if (descriptor !== undefined) return await settle({ file, temporary, descriptor })
    await writeInThreads(temporary, bytes)
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw placed(error, file)
  }
}

function temporaryName(file: string, scratch: string): string {
  return path.join(scratch, `${path.basename(file)}.${WRITER}.${writes++}`)
}

/** A small file that is written, but not yet durable. */
interface Written {
  readonly file: string
  readonly temporary: string
  readonly descriptor: number
}

/** Makes a file durable, then gives it its name. */
async function settle({ file, temporary, descriptor }: Written): Promise<void> {
  await sync(descriptor).finally(() => closeSync(descriptor))
  renameSync(temporary, file)
}

/** So many files wait, being open: more save little, and some systems allow no more than 256 in all. */
const MOST_WAITING = 32

/** Small files that become durable together, as one fsync writes what others wait for, too. */
export class WrittenTogether {
  readonly #scratch: string
  readonly #waiting: Written[] = []
  #settled: Promise<void> = Promise.resolve()

  constructor(scratch: string) {
    this.#scratch = scratch
  }

  /** Writes a file as `writeAtomic` does; a small one has its name only after the next `settle`. */
  async write(file: string, bytes: Uint8Array): Promise<void> {
    if (this.#waiting.length >= MOST_WAITING) await this.settle()
    const temporary = temporaryName(file, this.#scratch)
    let descriptor: number | undefined
    try {
      descriptor = writeQuickly(temporary, bytes)
    } catch (error) {
      await rm(temporary, { force: true })
      throw placed(error, file)
    }
    if (descriptor === undefined) await writeAtomic(file, bytes, this.#scratch)
    else this.#waiting.push({ file, temporary, descriptor })
  }

  /**
   * Makes durable what has been written, also what an earlier call is still at. Throws the first failure, after all have been tried,
   * and from then on.
   */
  settle(): Promise<void> {
    this.#settled = settleAll(this.#settled, this.#waiting.splice(0))
    return this.#settled
  }

  /** Closes what is not durable yet; no more is written. */
  close(): void {
    for (const { descriptor } of this.#waiting.splice(0)) closeSync(descriptor)
  }
}

async function settleAll(before: Promise<void>, written: readonly Written[]): Promise<void> {
  const settled = await Promise.allSettled(written.map(settle))
  await before
  for (const [i, result] of settled.entries()) {
    if (result.status === 'fulfilled') continue
    await rm(written[i]!.temporary, { force: true })
    throw placed(result.reason, written[i]!.file)
  }
}

/** Writes a small file where that is quick, and returns its descriptor; else undefined. */
function writeQuickly(file: string, bytes: Uint8Array | string | AsyncIterable<Uint8Array>): number | undefined {
  if (!(bytes instanceof Uint8Array) || bytes.length > MOST_BYTES) return undefined
  return writing.run(() => writeNow(file, bytes))
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
