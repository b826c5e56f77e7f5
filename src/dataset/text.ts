/** Text files as a stream, since a string holds 512 MiB at most. */
import { createReadStream } from 'node:fs'
import { insideOf } from '../containers/container.js'
import { readPicture } from '../containers/pictureFile.js'
import { AugmentError } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'
import { isObject } from '../objects/place.js'

const PIECE_BYTES = 2 ** 20

/** Characters of one line or record. */
const MOST_CHARACTERS = 2 ** 26

/**
 * The text of a UTF-8 file in pieces, without its byte order mark. Throws AugmentError `usage` if it cannot be read as
 * that.
 */
export async function* textOf(file: string): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let isFirst = true
  try {
    for await (const bytes of piecesOf(file)) {
      if (isFirst && isWide(bytes as Buffer)) throw notUtf8(file, 'UTF-16 or UTF-32')
      isFirst = false
      yield decoder.decode(bytes as Buffer, { stream: true })
    }
    yield decoder.decode()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      throw notUtf8(file, 'bytes that are not UTF-8')
    }
    if (cause instanceof AugmentError) throw cause
    throw new AugmentError('usage', `${file}: ${reasonOf(cause)}, expected a readable file`, hintFor(cause))
  }
}

/** The bytes of a file, or at once of one in an archive or an object store. */
async function* piecesOf(file: string): AsyncGenerator<Uint8Array> {
  if (insideOf(file) === undefined && !isObject(file)) yield* createReadStream(file, { highWaterMark: PIECE_BYTES })
  else yield (await readPicture(file, file)).bytes
}

/** Whether text begins with a byte order mark of UTF-16 or UTF-32, or without one with an ASCII character of theirs. */
function isWide(bytes: Uint8Array): boolean {
  const [a, b] = bytes
  return (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff) || a === 0 || b === 0
}

function notUtf8(file: string, found: string): AugmentError {
  return new AugmentError('usage', `${file}: found ${found}, expected UTF-8 text`, {
    hint: 'save it as UTF-8 (in Excel as "CSV UTF-8", in PowerShell with -Encoding utf8)',
  })
}

/** The whole text of a UTF-8 file. Throws as `textOf` does, and where it is longer than a string can be. */
export async function readText(file: string): Promise<string> {
  const pieces: string[] = []
  let characters = 0
  for await (const piece of textOf(file)) {
    pieces.push(piece)
    characters += piece.length
    if (characters > LONGEST_STRING) {
      throw new AugmentError('usage', `${file}: found more than 512 MiB of text, expected less`, {
        hint: 'JSON lines (.jsonl) may be of any size',
      })
    }
  }
  return pieces.join('')
}

/** 2^29 - 24 characters, V8's limit. */
const LONGEST_STRING = 0x1fffffe8

/**
 * The same text in pieces of whole records: `lastEnd` is the index after the last record that a text holds completely, 0
 * for none. Only the last piece may end otherwise. Throws AugmentError `usage`, naming `place`, for an endless record.
 */
export async function* wholeRecords(
  pieces: AsyncIterable<string>,
  lastEnd: (text: string) => number,
  place: string,
): AsyncGenerator<string, void> {
  let rest = ''
  for await (const piece of pieces) {
    rest += piece
    const end = lastEnd(rest)
    if (end > 0) yield rest.slice(0, end)
    else refuseEndless(rest.length, place)
    rest = rest.slice(end)
  }
  if (rest !== '') yield rest
}

/** Throws AugmentError `usage` where a single row has so many characters that it can be none. */
export function refuseEndless(characters: number, place: string): void {
  if (characters <= MOST_CHARACTERS) return
  throw new AugmentError('usage', `${place}: found a row of more than 64 MiB, expected many rows`)
}

/** The non-empty lines of a UTF-8 file and their 1-based numbers, some at a time. Throws as `textOf` does. */
export async function* lineGroups(file: string): AsyncGenerator<Iterable<Line>, void> {
  let before = 0
  for await (const text of wholeRecords(textOf(file), (piece) => piece.lastIndexOf('\n') + 1, file)) {
    const lines = [...linesOf(text, before)]
    yield lines
    before += countNewlines(text)
  }
}

export interface Line {
  readonly line: number
  readonly content: string
}

/** The non-empty lines of a text and their numbers, the first being `before` + 1. */
export function* linesOf(text: string, before = 0): Iterable<Line> {
  let line = before
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    line++
    const content = text.slice(start, end).trim()
    if (content !== '') yield { line, content }
    start = end + 1
  }
}

/** How many line feeds a text has. */
export function countNewlines(text: string): number {
  let count = 0
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) count++
  return count
}

/** A copy that shares no memory with a longer text it was cut from, which would be kept alive as a whole. */
export function detached(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}
