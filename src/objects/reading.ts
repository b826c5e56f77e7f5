/** Objects read as files are: what they are, all of their bytes or some, and which there are. */
import { setTimeout as wait } from 'node:timers/promises'
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { isMissing, objectError, statusOf, store } from './client.js'
import { type ObjectPlace, objectUrl, parseObject } from './place.js'

/** What is known of an object, or of a file. Times in milliseconds. */
export interface Facts {
  readonly size: number
  readonly mtimeMs: number
  readonly ctimeMs: number
}

/** A body may break off, which the SDK does not try again. */
const ATTEMPTS = 5

/** Objects that were listed: a run asks for each, and one request tells of a thousand. */
const listed = new Map<string, Facts>()

/** Forgets what was known of an object that has been written or removed. */
export function forget(url: string): void {
  listed.delete(url)
}

/** What an object is, or with `fresh` is now; undefined where there is none. */
export async function objectFacts(place: string, { fresh = false } = {}): Promise<Facts | undefined> {
  const at = parseObject(place)
  const url = objectUrl(at)
  const known = fresh ? undefined : listed.get(url)
  if (known !== undefined || at.key === '') return known
  const { sdk, client } = await store()
  try {
    const head = await client.send(new sdk.HeadObjectCommand({ Bucket: at.bucket, Key: at.key }))
    const facts = factsOf(head.ContentLength, head.LastModified)
    listed.set(url, facts)
    return facts
  } catch (error) {
    if (isMissing(error)) return undefined
    throw objectError(error, url)
  }
}

interface Whole {
  readonly bytes: Buffer
  readonly stats: Facts
  /** Another one for every content. */
  readonly tag: string
}

/** All bytes of an object. Throws an error with code ENOENT where there is none, as for a file. */
export async function readObject(place: string): Promise<Whole> {
  return request(parseObject(place), {})
}

/** The bytes from `at`; fewer than `length` only where they end. */
export async function readObjectRange(place: string, at: number, length: number): Promise<Buffer> {
  if (length <= 0) return Buffer.alloc(0)
  return (await request(parseObject(place), { Range: `bytes=${at}-${at + length - 1}` })).bytes
}

async function request(at: ObjectPlace, range: { readonly Range?: string }): Promise<Whole> {
  const url = objectUrl(at)
  const { sdk, client } = await store()
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await client.send(new sdk.GetObjectCommand({ Bucket: at.bucket, Key: at.key, ...range }))
      return await wholeBody(answer)
    } catch (error) {
      if (isMissing(error)) throw Object.assign(new Error(`${url}: no such object`), { code: 'ENOENT', path: url })
      // Nothing lies where the range begins.
      if (statusOf(error) === 416) return { bytes: Buffer.alloc(0), stats: factsOf(0, undefined), tag: '' }
      if (!(error instanceof BrokenOff) || attempt === ATTEMPTS) throw objectError(error, url)
      await wait(100 * 2 ** attempt)
    }
  }
}

/** A body that ended before its length. */
class BrokenOff extends Error {
  readonly code = 'ECONNRESET'
}

async function wholeBody({
  Body: body,
  ContentLength: length,
  LastModified: time,
  ETag: tag = '',
}: GetObjectCommandOutput) {
  const bytes = await body!.transformToByteArray().catch(() => null)
  if (bytes === null || (length !== undefined && bytes.length !== length)) throw new BrokenOff('the body broke off')
  return {
    bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
    stats: factsOf(bytes.length, time),
    tag,
  }
}

/** The time in whole seconds: only a listing tells more. */
function factsOf(size: number | undefined, time: Date | undefined): Facts {
  const mtimeMs = 1000 * Math.floor((time?.getTime() ?? 0) / 1000)
  return { size: size ?? 0, mtimeMs, ctimeMs: mtimeMs }
}

/** The keys below a place, relative to it, in code-unit order of UTF-8. Throws a usage error for a bucket that is not there. */
export async function* listObjects(place: string, most = 1000): AsyncGenerator<{ readonly name: string } & Facts> {
  const at = parseObject(place)
  const prefix = at.key === '' ? '' : `${at.key}/`
  const { sdk, client } = await store()
  try {
    const pages = sdk.paginateListObjectsV2({ client, pageSize: most }, { Bucket: at.bucket, Prefix: prefix })
    for await (const { Contents: contents = [] } of pages) {
      for (const { Key: key, Size: size, LastModified: time } of contents) {
        const name = key!.slice(prefix.length)
        const facts = factsOf(size, time)
        listed.set(objectUrl({ bucket: at.bucket, key: key! }), facts)
        yield { name, ...facts }
      }
    }
  } catch (error) {
    throw objectError(error, `s3://${at.bucket}`)
  }
}

/** Whether any object lies below a place, as in a folder. */
export async function hasObjects(place: string): Promise<boolean> {
  for await (const _ of listObjects(place, 1)) return true
  return false
}
