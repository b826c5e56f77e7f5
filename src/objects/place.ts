/** Places in an object store as a user writes them: `s3://bucket/prefix`. */
import path from 'node:path'
import { AugmentError } from '../core/errors.js'

export interface ObjectPlace {
  readonly bucket: string
  /** Without a slash at either end; empty for the whole bucket. */
  readonly key: string
}

/** Joined to a name by `path.join`, two slashes become one. */
const START = /^s3:\/\/?/

export function isObject(place: string): boolean {
  return START.test(place)
}

/** Bucket and key. Throws a usage error for what names no bucket; it repeats nothing, since a secret may stand there. */
export function parseObject(place: string): ObjectPlace {
  const [bucket = '', ...keys] = place.replace(START, '').split('/')
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/.test(bucket)) {
    throw new AugmentError('usage', 's3://: found no name of a bucket behind it, expected s3://bucket/prefix', {
      hint: 'credentials and endpoint come from the environment or ~/.aws, never from the path',
    })
  }
  return { bucket, key: keys.filter((part) => part !== '' && part !== '.').join('/') }
}

/** As a user writes it. */
export function objectUrl({ bucket, key }: ObjectPlace): string {
  return key === '' ? `s3://${bucket}` : `s3://${bucket}/${key}`
}

/** The absolute path of a file or folder; a place in an object store as it is. */
export function absolute(place: string): string {
  return isObject(place) ? objectUrl(parseObject(place)) : path.resolve(place)
}
