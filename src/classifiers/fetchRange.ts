import { open } from 'node:fs/promises'
import { type Dispatcher, fetch, type Response } from 'undici'

/** A failure after which another attempt may succeed. */
export class Transient extends Error {}

const TRANSIENT_CODES = new Set([
  ...['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT'],
  ...['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'],
])

/**
 * Appends to `file` what it lacks of the `total` bytes behind `url`, following redirects; starts over where the server
 * knows no ranges. Throws Transient for a lost connection or a busy server (what has come stays in the file), Error for an
 * answer that cannot be the file.
 */
export async function fetchRange(
  url: URL,
  file: string,
  total: number,
  { dispatcher, progress }: { dispatcher: Dispatcher; progress: (done: number) => void },
): Promise<void> {
  const handle = await open(file, 'a')
  try {
    const { size } = await handle.stat()
    const response = await request(url, size, dispatcher)
    let done = startOf(response, size)
    if (done === 0) await handle.truncate()
    const length = response.headers.get('content-length')
    if (length !== null && done + Number(length) !== total) throw new Error(`offers ${done + Number(length)} bytes`)
    for await (const chunk of chunksOf(response)) {
      done += chunk.length
      if (done > total) throw new Error('sends more bytes')
      await handle.appendFile(chunk)
      progress(done)
    }
    if (done < total) throw new Transient(`connection closed after ${done} of ${total} bytes`)
  } finally {
    await handle.close()
  }
}

async function request(url: URL, from: number, dispatcher: Dispatcher): Promise<Response> {
  // A compressed answer would have ranges of its own.
  const headers = { 'accept-encoding': 'identity', ...(from > 0 && { range: `bytes=${from}-` }) }
  const response = await fetch(url, { headers, dispatcher }).catch(rethrow)
  if (response.ok) return response
  await response.body?.cancel()
  const message = `HTTP status ${response.status}`
  throw [408, 425, 429, 500, 502, 503, 504].includes(response.status) ? new Transient(message) : new Error(message)
}

/** Which byte of the file the answer begins with. */
function startOf(response: Response, asked: number): number {
  if (response.status !== 206) return 0
  const range = response.headers.get('content-range') ?? 'none'
  if (!range.startsWith(`bytes ${asked}-`)) throw new Error(`answers with the range ${range}`)
  return asked
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  const chunks = (response.body ?? new ReadableStream<Uint8Array>())[Symbol.asyncIterator]()
  for (;;) {
    const { value, done } = await chunks.next().catch(rethrow)
    if (done) return
    yield value as Uint8Array
  }
}

/** fetch hides what happened in the cause. */
function rethrow(error: unknown): never {
  const cause = ((error as Error).cause ?? error) as NodeJS.ErrnoException
  throw TRANSIENT_CODES.has(cause.code ?? '') ? new Transient(cause.message) : cause
}
