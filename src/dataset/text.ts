import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { AugmentError } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'

/** The text of a UTF-8 file, without its byte order mark. Throws AugmentError `usage` if it cannot be read as that. */
export async function readText(file: string): Promise<string> {
  const bytes = await readFile(file).catch((cause) => {
    throw new AugmentError('usage', `${file}: ${reasonOf(cause)}, expected a readable file`, hintFor(cause))
  })
  if (!isUtf8(bytes)) throw new AugmentError('usage', `${file}: found bytes that are not UTF-8, expected UTF-8 text`)
  return bytes.toString('utf8').replace(/^\ufeff/, '')
}

/** The non-empty lines of a text and their 1-based numbers. */
export function* linesOf(text: string): Iterable<{ line: number; content: string }> {
  let line = 0
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    line++
    const content = text.slice(start, end).trim()
    if (content !== '') yield { line, content }
    start = end + 1
  }
}
