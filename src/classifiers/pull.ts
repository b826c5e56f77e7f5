/** Downloads a model of the zoo: the only place that uses the network. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { EnvHttpProxyAgent } from 'undici'
import { AugmentError } from '../core/errors.js'
import { makeFolder, syncFolder } from '../output/atomic.js'
import { takeLock } from '../output/lock.js'
import { cachedFile } from './cache.js'
import { fetchRange, Transient } from './fetchRange.js'
import { ZOO_ROOT, type ZooModel } from './registry.js'

export interface PullOptions {
  /** Root of the zoo or of a mirror with the same paths. */
  readonly mirror?: string
  /** A silent server is given up after so many milliseconds; 30,000 by default. */
  readonly patience?: number
  /** Bytes that are there, of all. */
  readonly progress: (done: number, total: number) => void
  /** One line for people. */
  readonly notice: (text: string) => void
}

/** Attempts in a row that bring nothing before a download is given up. */
const ATTEMPTS = 5

/**
 * Brings a model into the user's cache folder unless it is there, and returns its file, which appears only when it is
 * complete and has the right SHA-256. What an earlier attempt has left is continued. HTTP_PROXY, HTTPS_PROXY and NO_PROXY
 * are obeyed. Throws AugmentError 'failed' if the server does not give that model.
 */
export async function pull(model: ZooModel, options: PullOptions): Promise<string> {
  const file = cachedFile(model)
  if ((await sha256Of(file)) === model.sha256) return file
  const part = `${file}.part`
  await makeFolder(path.dirname(file))
  const lock = await takeLock(`${file}.lock`, options.notice)
  try {
    const resumed = (await sizeOf(part)) > 0
    await download(model, part, options)
    if (resumed && (await sha256Of(part)) !== model.sha256) {
      options.notice(`${part}: an earlier attempt left something else, starting over`)
      await rm(part)
      await download(model, part, options)
    }
    await place(model, part, file)
  } finally {
    await lock.release()
  }
  return file
}

/** Fetches what `part` lacks, trying again where the connection was lost. */
async function download(model: ZooModel, part: string, options: PullOptions): Promise<void> {
  const url = new URL(model.path, `${(options.mirror ?? ZOO_ROOT).replace(/\/*$/, '')}/`)
  const patience = options.patience ?? 30_000
  const dispatcher = new EnvHttpProxyAgent({ headersTimeout: patience, bodyTimeout: patience })
  try {
    for (let failures = 0; ; ) {
      const before = await sizeOf(part)
      if (before === model.bytes) return
      try {
        await fetchRange(url, part, model.bytes, {
          dispatcher,
          progress: (done) => options.progress(done, model.bytes),
        })
      } catch (error) {
        if (!(error instanceof Transient)) throw unavailable(model, url, error)
        failures = (await sizeOf(part)) > before ? 0 : failures + 1
        if (failures === ATTEMPTS) throw unavailable(model, url, error)
        options.notice(`${url.host}: ${error.message}, trying again`)
        await wait(Math.min(250 * 2 ** failures, patience))
      }
    }
  } finally {
    await dispatcher.destroy()
  }
}

/** Gives a complete part its final name, durably; removes one that is not the model. */
async function place({ name, sha256 }: ZooModel, part: string, file: string): Promise<void> {
  const found = await sha256Of(part)
  if (found !== sha256) {
    await rm(part)
    throw new AugmentError('failed', `${name}: found a file of SHA-256 ${found}, expected ${sha256}`, {
      hint: 'the server sent another file; try another --mirror',
    })
  }
  const handle = await open(part, 'r+')
  await handle.sync().finally(() => handle.close())
  await rename(part, file)
  await syncFolder(path.dirname(file))
}

function unavailable({ name, bytes }: ZooModel, url: URL, cause: unknown): unknown {
  if ((cause as NodeJS.ErrnoException).code === 'ENOSPC' || cause instanceof AugmentError) return cause
  return new AugmentError('failed', `${url}: ${(cause as Error).message}, expected the ${bytes} bytes of ${name}`, {
    hint: `repeat the command to continue, or see sage-augment models show ${name} to place the file by hand`,
    cause,
  })
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  )
}

/** Undefined where there is no such file. */
async function sha256Of(file: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
  return hash.digest('hex')
}
