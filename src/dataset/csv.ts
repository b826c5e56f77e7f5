import { CsvError, parse } from 'csv-parse/sync'
import { countNewlines, wholeRecords } from './text.js'

export interface CsvRecord {
  /** The 1-based line the record ends on. */
  readonly line: number
  readonly cells: readonly string[]
}

/** A syntax error at a 1-based line. */
export class CsvSyntaxError extends Error {
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/**
 * The records of comma-separated text (RFC 4180), some at a time, cells trimmed outside quotes, empty lines left out. At a
 * quote that is out of place or not closed it throws CsvSyntaxError, after the records before it. `place` names the text.
 */
export async function* csvRecords(
  pieces: AsyncIterable<string>,
  place: string,
): AsyncGenerator<Iterable<CsvRecord>, void> {
  let before = 0
  for await (const text of wholeRecords(pieces, lastRecordEnd, place)) {
    // Where no cell needs its quotes a record is a line: ten times as fast as the general parser.
    yield recordsOf(text, before)
    before += text.includes('\r') ? (text.match(/\r\n|\n|\r/g)?.length ?? 0) : countNewlines(text)
  }
}

/** The index after the last line break outside quotes; within quotes an odd number of them has gone before. */
function lastRecordEnd(text: string): number {
  const lineBreak = text.includes('\n') ? '\n' : '\r'
  let inside = false
  for (let i = text.indexOf('"'); i >= 0; i = text.indexOf('"', i + 1)) inside = !inside
  // A carriage return at the very end may be half a line break.
  for (let end = text.endsWith('\r') ? text.length - 1 : text.length; ; inside = !inside) {
    const quote = end === 0 ? -1 : text.lastIndexOf('"', end - 1)
    const found = inside || end === 0 ? -1 : text.lastIndexOf(lineBreak, end - 1)
    if (found > quote) return found + 1
    if (quote < 0) return 0
    end = quote
  }
}

function recordsOf(text: string, before: number): Iterable<CsvRecord> {
  if (/\r(?!\n)/.test(text)) return quotedRecords(text, before)
  if (!text.includes('"')) return unquotedRecords(text, before)
  return plainRecords(text, before) ?? quotedRecords(text, before)
}

/** The records of a text without quotes, one at a time: most tables have millions, which are gone again once they are read. */
function* unquotedRecords(text: string, before: number): Iterable<CsvRecord> {
  let comma = text.indexOf(',')
  for (let start = 0, line = before + 1; start < text.length; line++) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    const cells: string[] = []
    for (; comma >= 0 && comma < end; comma = text.indexOf(',', start)) {
      cells.push(text.slice(start, comma).trim())
      start = comma + 1
    }
    cells.push(text.slice(start, end).trim())
    if (cells.length > 1 || cells[0] !== '') yield { line, cells }
    start = end + 1
  }
}

/** The records of a text whose cells are each in quotes or have none; undefined where any quote stands elsewhere. */
function plainRecords(text: string, before: number): CsvRecord[] | undefined {
  const records: CsvRecord[] = []
  let line = before
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    line++
    const content = text.slice(start, end)
    const cells = content.split(',')
    for (let i = 0; i < cells.length; i++) cells[i] = cells[i]!.trim()
    if (content.includes('"') && !unquote(cells)) return undefined
    if (cells.length > 1 || cells[0] !== '') records.push({ line, cells })
    start = end + 1
  }
  return records
}

/** Takes the quotes from around cells; false where one is anywhere else. */
function unquote(cells: string[]): boolean {
  return cells.every((cell, i) => {
    if (!cell.includes('"')) return true
    cells[i] = cell.slice(1, -1)
    return cell.length > 1 && cell.startsWith('"') && cell.endsWith('"') && !cells[i]!.includes('"')
  })
}

/** The line on which a record ends that ends before a byte of the text, asked for from the start on. */
function lineCounter(text: string): (end: number) => number {
  const bytes = Buffer.from(text)
  const breaks = (at: number) => bytes[at] === 10 || (bytes[at] === 13 && bytes[at + 1] !== 10)
  let [at, line] = [0, 1]
  return (end) => {
    for (; at < end; at++) if (breaks(at)) line++
    return bytes[end - 1] === 10 || bytes[end - 1] === 13 ? line - 1 : line
  }
}

function* quotedRecords(text: string, before: number): Iterable<CsvRecord> {
  const records: CsvRecord[] = []
  let failure: CsvError | undefined
  // csv-parse counts a CR LF within quotes as two lines.
  let twice = 0
  const lineAt = lineCounter(text)
  try {
    parse(text, {
      trim: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      on_record: (cells: string[], { bytes }) => {
        for (const cell of cells) if (cell.includes('\r')) twice += cell.split('\r\n').length - 1
        if (cells.length > 1 || cells[0] !== '') records.push({ line: before + lineAt(bytes), cells })
        return null
      },
    })
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    failure = cause
  }
  yield* records
  if (failure === undefined) return
  // An open quote runs to the end of the text, but it is in the record after the last whole one.
  const open = failure.code === 'CSV_QUOTE_NOT_CLOSED'
  const line = open ? (records.at(-1)?.line ?? before) + 1 : before + Number(failure.lines ?? 1) - twice
  // The message counts lines from the start of this piece.
  throw new CsvSyntaxError(line, failure.message.replace(/ at line \d+/, ''))
}
