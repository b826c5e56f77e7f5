/** Objects as they are written: each appears complete or not at all. */
import { Readable } from 'node:stream'
import { isMissing, objectError, statusOf, store } from './client.js'
import { objectUrl, parseObject } from './place.js'
import { forget } from './reading.js'

/** Bytes of a part, and parts in flight: so much is in memory. A store takes 10,000 parts: 160 GiB. */
const [PART, AT_ONCE] = [2 ** 24, 2]

/** What an object has to be for a write to happen. */
export interface Condition {
  /** `*`: there must be none. */
  readonly IfNoneMatch?: '*'
  /** It must still have this tag. */
  readonly IfMatch?: string
}

/** Writes a small object and gives its tag; null where the condition does not hold. */
export async function putObject(
  place: string,
  body: Uint8Array | string,
  condition: Condition = {},
): Promise<string | null> {
  const at = parseObject(place)
  const { sdk, client } = await store()
  try {
    const put = new sdk.PutObjectCommand({ Bucket: at.bucket, Key: at.key, Body: body, ...condition })
    const { ETag: tag } = await client.send(put)
    forget(objectUrl(at))
    return tag ?? 'none'
  } catch (error) {
    // A server that knows no conditions may refuse them.
    if (statusOf(error) === 501 && Object.keys(condition).length > 0) return putObject(place, body)
    // Two at one time: one of them is told 409.
    if ([409, 412].includes(statusOf(error) ?? 0)) return null
    if (condition.IfMatch !== undefined && isMissing(error)) return null
    throw objectError(error, objectUrl(at))
  }
}

/** Writes bytes as they come, a large object in several parts. A failure leaves nothing that can be seen. */
export async function uploadObject(place: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const at = parseObject(place)
  const { client } = await store()
  const { Upload } = await import('@aws-sdk/lib-storage')
  const Body = Readable.from(chunks, { objectMode: false })
  const upload = new Upload({
    client,
    params: { Bucket: at.bucket, Key: at.key, Body },
    partSize: PART,
    queueSize: AT_ONCE,
  })
  try {
    await upload.done()
    forget(objectUrl(at))
  } catch (error) {
    // What makes the bytes may fail, too.
    if (Body.errored) throw Body.errored
    throw objectError(error, objectUrl(at))
  } finally {
    Body.destroy()
  }
}

/** Removes an object, if it is there. */
export async function removeObject(place: string): Promise<void> {
  const at = parseObject(place)
  const { sdk, client } = await store()
  try {
    await client.send(new sdk.DeleteObjectCommand({ Bucket: at.bucket, Key: at.key }))
    forget(objectUrl(at))
  } catch (error) {
    if (!isMissing(error)) throw objectError(error, objectUrl(at))
  }
}

/** Takes away the parts of objects below a place that were never completed, which nobody sees and everybody pays for. */
export async function dropParts(place: string): Promise<void> {
  const at = parseObject(place)
  const { sdk, client } = await store()
  try {
    const found = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: at.bucket, Prefix: `${at.key}/` }))
    for (const { Key, UploadId } of found.Uploads ?? [])
      await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: at.bucket, Key, UploadId }))
  } catch {
    // Not every server lists them, and not everybody may.
  }
}
