import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'

/** Tells apart the files that this process writes at one time: they may share their last name. */
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
  const chunks = typeof bytes === 'string' || bytes instanceof Uint8Array ? [bytes] : bytes
  const temporary = path.join(scratch, `${path.basename(file)}.${process.pid}.${writes++}`)
  try {
    const handle = await open(temporary, 'w')
    try {
      for await (const chunk of chunks) await handle.writeFile(chunk)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw placed(error, file)
  }
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

/** mkdir -p that remembers what it has made. */
export function folderMaker(): (folder: string) => Promise<void> {
  const made = new Map<string, Promise<unknown>>()
  return async (folder) => {
    if (!made.has(folder)) made.set(folder, mkdir(folder, { recursive: true }))
    await made.get(folder)
  }
}
