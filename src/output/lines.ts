/** Text files as streams of lines: memory does not grow with the file. */
import { createReadStream } from 'node:fs'
import { AugmentError } from '../core/errors.js'

/** A line of a file. Only a line feed ends it: the separators of Unicode may stand in a name. */
export interface Line {
  /** 1-based. */
  readonly number: number
  /** Without the line feed. */
  readonly bytes: Buffer
  /** False for a last line that lacks its line feed: it was cut, or is still being written. */
  readonly whole: boolean
}

const CHUNK = 2 ** 18

/** Bytes of a line that can be no row: a million classes take 20 MB. */
const MOST = 2 ** 28

/** The lines of a file; it is opened when the first one is asked for. */
export async function* readLines(file: string): AsyncGenerator<Line> {
  let [number, begun] = [0, [] as Buffer[]]
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK }) as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const last = chunk.subarray(start, end)
      yield { number: ++number, bytes: begun.length === 0 ? last : Buffer.concat([...begun, last]), whole: true }
      begun = []
      start = end + 1
    }
    if (start < chunk.length) begun.push(chunk.subarray(start))
    if (begun.length * CHUNK <= MOST) continue
    throw new AugmentError('conflict', `${file}:${number + 1}: found a line of more than 256 MiB, expected a row`)
  }
  if (begun.length > 0) yield { number: ++number, bytes: Buffer.concat(begun), whole: false }
}
